"""Plugins are found by names of entry points, imported when asked for, and refused with a reason."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from falcocore.errors import PluginError
from falcocore.host import HOOKS, PluginHost
from tests.support.plugin_site import (
    Site,
    command_plugin,
    fields_plugin,
    open_site,
    output_plugin,
    pack_plugin,
    source_plugin,
)

Ask = Callable[[PluginHost], object]

MANY = {
    "source.ticks": "many_source",
    "fields.ticks": "many_fields",
    "fields.ticks.more": "many_more",
    "fields.tocks": "many_tocks",
    "output.pager": "many_output",
    "rules.ticks": "many_rules",
    "command.tick-tock": "many_command",
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


@pytest.fixture
def many(site: Site) -> Site:
    """One distribution with a plugin of every kind, each in a module of its own."""
    site.install(
        "many-things",
        MANY,
        many_source=source_plugin("ticks"),
        many_fields=fields_plugin(ticks=["t.a", "t.b"]),
        many_more=fields_plugin(ticks=["t.more"]),
        many_tocks=fields_plugin(tocks=["t.a"]),
        many_output=output_plugin("pager"),
        many_rules=pack_plugin("ticks"),
        many_command=command_plugin("tick-tock"),
    )
    return site


def refusal(ask: Callable[[], object]) -> PluginError:
    with pytest.raises(PluginError) as caught:
        ask()
    return caught.value


def test_names_are_listed_and_nothing_is_imported(many: Site) -> None:
    host = many.host()
    assert {kind: host.names(kind) for kind in HOOKS} == {
        "source": ["ticks"],
        "fields": ["ticks", "ticks.more", "tocks"],
        "output": ["pager"],
        "rules": ["ticks"],
        "command": ["tick-tock"],
    }
    assert host.field_sources() == ["ticks", "tocks"]
    assert [point.name for point in host.points()] == sorted(MANY)
    assert many.imported() == set()


@pytest.mark.parametrize(
    ("ask", "modules"),
    [
        (lambda host: host.source("ticks"), {"many_source"}),
        (lambda host: host.output("pager"), {"many_output"}),
        (lambda host: host.pack("ticks"), {"many_rules"}),
        (lambda host: host.command("tick-tock"), {"many_command"}),
        (lambda host: host.fields_for("ticks"), {"many_fields", "many_more"}),
        (lambda host: host.fields_for("tocks"), {"many_tocks"}),
        (lambda host: host.fields_for("nobody's"), set()),
    ],
)
def test_only_what_is_asked_for_is_imported(ask: Ask, modules: set[str], many: Site) -> None:
    ask(many.host())
    assert many.imported() == modules


def test_what_is_asked_for_is_what_the_plugin_offers(many: Site) -> None:
    host = many.host()
    assert (host.source("ticks").name, host.output("pager").name) == ("ticks", "pager")
    pack = host.pack("ticks")
    assert (pack.name, pack.version) == ("ticks", "3.1.0")
    assert pack.files == (Path("/rules/b.yaml"), Path("/rules/a.yaml"))
    command = host.command("tick-tock")
    parser = argparse.ArgumentParser()
    command.configure(parser)
    assert (command.name, command.help, command.run(parser.parse_args(["4"]))) == ("tick-tock", "adds up", 7)


def test_distributions_on_the_path_are_found_beside_those_that_come_with_falcocore(many: Site) -> None:
    host = PluginHost()
    assert {"k8s_audit", "ticks"} <= set(host.names("source"))
    assert host.source("ticks").name == "ticks"
    assert many.imported() == {"many_source"}


def test_the_plugins_that_come_with_falcocore_are_not_imported_before_they_are_asked_for() -> None:
    script = (
        "import sys\nfrom falcocore.host import PluginHost\n"
        "def ours(): return sorted(n for n in sys.modules if n.startswith('falcocore_'))\n"
        "host = PluginHost()\nassert 'stdout' in host.names('output')\nprint(ours())\n"
        "host.pack('k8s_audit')\nprint(ours())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['falcocore_rules', 'falcocore_rules.plugin']"]


def test_one_module_may_stand_behind_many_entry_points(site: Site) -> None:
    text = output_plugin("one", "two") + source_plugin("ticks") + fields_plugin(ticks=["t.a"], tocks=["t.b"])
    names = ("output.one", "output.two", "source.ticks", "fields.ticks", "fields.tocks")
    site.install("all-in-one", dict.fromkeys(names, "all_in_one"), all_in_one=text)
    host = site.host()
    assert [host.output(name).name for name in ("one", "two", "one")] == ["one", "two", "one"]
    assert host.source("ticks").name == "ticks"
    assert "t.a" in host.fields_for("ticks")
    assert "t.b" in host.fields_for("tocks")


def test_a_plugin_may_be_an_object_of_a_module(site: Site) -> None:
    body = "".join(
        f"    {line}\n" for line in source_plugin("ticks").replace("(reg", "(self, reg").splitlines()
    )
    text = f"class Plugin:\n{body}plugin = Plugin()\n"
    site.install("objects", {"source.ticks": "with_object:plugin"}, with_object=text)
    assert site.host().source("ticks").name == "ticks"


def test_a_broken_plugin_is_no_trouble_for_those_who_do_not_ask_for_it(many: Site) -> None:
    many.install("broken", {"source.broken": "broken"}, broken="raise RuntimeError")
    assert many.host().source("ticks").name == "ticks"


@pytest.mark.parametrize(
    ("ask", "message", "hint"),
    [
        (lambda h: h.source("tiks"), "there is no source 'tiks'", "did you mean ticks? installed: ticks"),
        (lambda h: h.source("zzz"), "there is no source 'zzz'", "installed: ticks"),
        (lambda h: h.output("pagr"), "there is no output 'pagr'", "did you mean pager? installed: pager"),
        (lambda h: h.pack("tick"), "there is no rule pack 'tick'", "did you mean ticks? installed: ticks"),
        (
            lambda h: h.command("tiktok"),
            "there is no command 'tiktok'",
            "did you mean tick-tock? installed: tick-tock",
        ),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_and_the_installed(
    ask: Ask, message: str, hint: str, many: Site
) -> None:
    error = refusal(lambda: ask(many.host()))
    assert (error.message, error.hint) == (message, hint)
    assert many.imported() == set()


def test_an_unknown_name_where_nothing_is_installed() -> None:
    assert refusal(lambda: PluginHost([]).source("ticks")).hint == "none is installed"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("import nothing_like_it", ["ModuleNotFoundError", "nothing_like_it"]),
        ("def (", ["SyntaxError"]),
        ("raise ValueError('no such kernel')", ["ValueError: no such kernel"]),
        ("raise SystemExit('needs a compiler')", ["SystemExit: needs a compiler"]),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named_with_entry_point_and_cause(
    text: str, parts: list[str], site: Site
) -> None:
    site.install("ill", {"source.ill": "ill_module"}, "2.0", ill_module=text)
    error = refusal(lambda: site.host().source("ill"))
    assert error.message.startswith("plugin source.ill of ill 2.0 can't be imported (ill_module): ")
    assert [part for part in parts if part not in error.message] == []
    assert error.hint == "mend or uninstall the distribution"
    assert error.__cause__ is not None


def test_an_entry_point_that_names_nothing_in_its_module(site: Site) -> None:
    site.install("ill", {"output.ill": "ill_module:missing"}, ill_module="")
    error = refusal(lambda: site.host().output("ill"))
    assert "plugin output.ill of ill 1.0 can't be imported (ill_module:missing): AttributeError" in str(error)


def test_a_plugin_without_a_distribution_is_named_by_its_entry_point(site: Site) -> None:
    site.install("unused", {}, lonely="raise ValueError")
    host = PluginHost([EntryPoint("source.lonely", "lonely", "falcocore")])
    error = refusal(lambda: host.source("lonely"))
    assert error.message.startswith("plugin source.lonely (lonely) can't be imported")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "@hookimpl\ndef register_source(registry): ...",
            "implements a hook that does not exist: register_source",
            "did you mean register_sources?",
        ),
        (
            source_plugin("ill") + "@hookimpl\ndef on_event(registry): ...",
            "implements a hook that does not exist: on_event",
            "the hooks are register_sources, register_fields, register_outputs, register_rules, "
            "register_commands",
        ),
        (
            "@hookimpl\ndef register_sources(registry, extra): ...",
            "has a hook that does not fit: .*register_sources.*extra.*",
            None,
        ),
        (
            "@hookimpl\ndef register_sources(registry): raise KeyError('colour')",
            "failed in register_sources: KeyError: 'colour'",
            None,
        ),
        (
            "class Nameless(Source): ...\n@hookimpl\ndef register_sources(registry): registry.add(Nameless)",
            "failed in register_sources: AttributeError: .*Nameless.*name.*",
            None,
        ),
        (
            source_plugin("well"),
            "registers no source 'ill'",
            "its register_sources has to add a source with `name = 'ill'`",
        ),
        (
            "def register_sources(registry): ...",
            "registers no source 'ill'",
            "its register_sources has to add a source with `name = 'ill'`",
        ),
    ],
    ids=["misspelt", "unknown", "arguments", "raises", "nameless", "other name", "no marker"],
)
def test_a_plugin_that_does_it_wrong_is_told_what(
    text: str, message: str, hint: str | None, site: Site
) -> None:
    site.install("ill", {"source.ill": "ill_module"}, ill_module=text)
    host = site.host()
    error = refusal(lambda: host.source("ill"))
    assert error.hint == hint
    assert re.fullmatch(f"(?s)plugin source.ill of ill 1.0 {message}", error.message)


def test_a_hook_that_raises_raises_at_each_try(site: Site) -> None:
    site.install("ill", {"fields.ill": "ill_module"}, ill_module=fields_plugin(ill=["t.a"]) + "    1 / 0\n")
    host = site.host()
    first, second = (refusal(lambda: host.fields_for("ill")) for _ in range(2))
    assert "failed in register_fields: ZeroDivisionError" in first.message
    assert second.message == first.message


def test_fields_come_from_the_core_the_sets_of_the_source_and_the_configuration(many: Site) -> None:
    table = many.host().fields_for("ticks", {"cluster": "east"})
    owners = {field.name: table.owner(field.name) for field in table}
    own = {name: owner for name, owner in owners.items() if not name.startswith("evt.")}
    assert own == {
        "t.a": "plugin fields.ticks of many-things 1.0",
        "t.b": "plugin fields.ticks of many-things 1.0",
        "t.more": "plugin fields.ticks.more of many-things 1.0",
        "static.cluster": "static_fields",
    }
    assert {owner for name, owner in owners.items() if name.startswith("evt.")} == {"falcocore"}
    assert "static.cluster" not in many.host().fields_for("ticks")


def test_a_field_set_for_somebody_elses_source(site: Site) -> None:
    site.install("extra", {"fields.k8s_audit.extra": "extra_set"}, extra_set=fields_plugin(k8s_audit=["x.a"]))
    host = PluginHost()
    assert "k8s_audit.extra" in host.names("fields")
    assert host.field_sources().count("k8s_audit") == 1
    table = host.fields_for("k8s_audit")
    field = table.get("x.a")
    assert field is not None
    assert field.getter({}) == "x.a"
    assert "ka.verb" in table


def test_a_source_may_replace_a_field_of_the_core_and_a_stranger_may_not(site: Site) -> None:
    site.install("own", {"source.t": "own", "fields.t": "own"}, own=fields_plugin(t=["evt.time"]))
    table = site.host().fields_for("t")
    assert table.owner("evt.time") == "plugin fields.t of own 1.0"
    site.install("extra", {"fields.t.extra": "extra_set"}, extra_set=fields_plugin(t=["evt.num"]))
    message = refusal(lambda: site.host().fields_for("t")).message
    assert "evt.num" in message
    assert "falcocore" in message
    assert "plugin fields.t.extra of extra 1.0" in message


def test_a_plugin_with_an_unknown_hook_is_refused_each_time_it_is_asked_for(site: Site) -> None:
    text = source_plugin("ill") + "\n@hookimpl\ndef register_soruces(registry): ...\n"
    site.install("ill", {"source.ill": "ill_module"}, ill_module=text)
    host = site.host()
    first, second = (refusal(lambda: host.source("ill")) for _ in range(2))
    assert "register_soruces" in first.message
    assert second.message == first.message
