"""Two plugins that offer the same are both named; a plugin's own registrations carry its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from falcocore.errors import PluginError
from falcocore.fields import Field
from falcocore.host import PluginHost
from falcocore.registry import FieldRegistry, SourceRegistry
from falcocore.source import Source
from falcocore.types import FieldType
from tests.support.plugin_site import (
    Site,
    command_plugin,
    fields_plugin,
    open_site,
    output_plugin,
    pack_plugin,
    source_plugin,
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


def refusal(ask: Callable[[], object]) -> PluginError:
    with pytest.raises(PluginError) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize(
    ("point", "texts", "ask", "what"),
    [
        ("source.same", source_plugin("same"), lambda h: h.source("same"), "source 'same'"),
        ("output.same", output_plugin("same"), lambda h: h.output("same"), "output 'same'"),
        ("rules.same", pack_plugin("same"), lambda h: h.pack("same"), "rule pack 'same'"),
        ("command.same", command_plugin("same"), lambda h: h.command("same"), "command 'same'"),
    ],
)
def test_two_distributions_with_the_same_name_are_both_named(
    point: str, texts: str, ask: Callable[[PluginHost], object], what: str, site: Site
) -> None:
    site.install("first-one", {point: "first_one"}, "1.2", first_one=texts)
    site.install("other-one", {point: "other_one"}, "0.9rc1", other_one=texts)
    host = site.host()
    for _ in range(2):  # what was refused once is not taken at the second try
        error = refusal(lambda: ask(host))
        assert error.message.startswith(f"{what} is registered twice: by plugin {point} of ")
        assert f"{point} of first-one 1.2" in error.message
        assert f"{point} of other-one 0.9rc1" in error.message
        assert error.hint == "uninstall one of the two distributions, or ask its author for another name"


class Ticks(Source):
    name = "ticks"


def test_a_registry_used_by_hand_keeps_what_was_added() -> None:
    sources = SourceRegistry()
    sources.add(Ticks)
    assert sources.items["ticks"].item is Ticks
    fields = FieldRegistry()
    field = Field("t.a", FieldType.STRING, "d", str)
    fields.add("ticks", iter([field]))
    fields.add("ticks", [field])  # whose fault that is, shows when the table of the source is made
    assert fields.by_source == {"ticks": [(field, "falcocore")] * 2}


@pytest.mark.parametrize(
    ("one", "two", "name", "owners"),
    [
        (["t.a", "t.a"], ["t.b"], "t.a", ["fields.ticks of sets 1.0"] * 2),
        (
            ["t.a"],
            ["t.b", "t.a"],
            "t.a",
            ["fields.ticks of sets 1.0", "plugin fields.ticks.more of sets 1.0"],
        ),
        (["static.k"], ["t.b"], "static.k", ["fields.ticks of sets 1.0", "static_fields"]),
    ],
)
def test_a_field_declared_twice_is_refused_with_both_owners(
    one: list[str], two: list[str], name: str, owners: list[str], site: Site
) -> None:
    points = {"fields.ticks": "set_one", "fields.ticks.more": "set_two"}
    site.install("sets", points, set_one=fields_plugin(ticks=one), set_two=fields_plugin(ticks=two))
    error = refusal(lambda: site.host().fields_for("ticks", {"k": "v"}))
    assert error.message.startswith(f"field {name} of source ticks is declared twice: by plugin {owners[0]}")
    assert error.message.endswith(f" and by {owners[1]}") or owners[0] == owners[1]


@pytest.mark.parametrize("name", ["fields.ticks", "fields.ticks.more"])
def test_a_field_set_without_fields_for_its_source_is_refused(name: str, site: Site) -> None:
    site.install("good", {"fields.ticks.good": "good_set"}, good_set=fields_plugin(ticks=["t.a"]))
    site.install("ill", {name: "ill_set"}, ill_set=fields_plugin(tiks=["t.b"]))
    error = refusal(lambda: site.host().fields_for("ticks"))
    assert error.message == f"plugin {name} of ill 1.0 registers no fields of source 'ticks'"
    assert error.hint == "its register_fields has to call `registry.add('ticks', FIELDS)`"
