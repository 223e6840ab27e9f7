"""`falcocore list plugins`: what each entry point offers, and that a broken one spoils nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from falcocore import __version__
from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site
from tests.support.plugin_site import Site
from tests.support.terminal import on_a_terminal

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with demo_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def rows(capsys: Capture) -> list[list[str]]:
    """The listing as text, whose columns are split by tabs where stdout is no terminal."""
    assert falcocore("list", "plugins") == 0
    output = capsys.readouterr()
    assert output.err == ""
    return [line.split("\t") for line in output.out.splitlines()]


def plugins(capsys: Capture) -> dict[str, dict[str, Any]]:
    """The rows of `list plugins` as JSON, by entry point."""
    assert falcocore("list", "plugins", "--format", "json") == 0
    output = capsys.readouterr()
    assert output.err == ""
    found: list[dict[str, Any]] = json.loads(output.out)
    return {row["entry point"]: row for row in found}


@pytest.mark.parametrize(
    ("point", "distribution", "version", "offers"),
    [
        ("source.demo", "falcocore-demo", "2.1", "Words, from the target."),
        ("source.quiet", "falcocore-demo", "2.1", ""),
        ("fields.demo", "falcocore-demo", "2.1", "1 field of demo"),
        ("rules.demo", "falcocore-demo", "2.1", "demo_rules.yaml (1.0.0)"),
        ("command.demo-say", "falcocore-demo", "2.1", "says words"),
        (
            "output.stdout",
            "falcocore",
            __version__,
            "One line for each alert on standard output.",
        ),
    ],
)
def test_plugins_are_listed_with_what_they_offer(
    point: str, distribution: str, version: str, offers: str, capsys: Capture
) -> None:
    row = plugins(capsys)[point]
    shown = [row[key] for key in ("distribution", "version", "offers", "error")]
    assert shown == [distribution, version, offers, ""]


SEPARATOR = {"name": "separator", "type": "str", "required": False, "default": ",", "doc": "between words"}
LIMIT = {"name": "limit", "type": "int", "required": False, "default": 99, "doc": ""}


def test_options_of_plugins_are_listed_as_they_are_declared(capsys: Capture) -> None:
    found = plugins(capsys)
    assert found["source.demo"]["options"] == [SEPARATOR, LIMIT]
    assert found["source.quiet"]["options"] == []
    filename = found["output.file"]["options"][0]
    assert (filename["name"], filename["required"], filename["default"]) == ("filename", True, None)
    text = {row[0]: row for row in rows(capsys)}
    assert list(text) == list(found)
    assert text["source.demo"] == [
        *("source.demo", "demo_distribution_module", "falcocore-demo", "2.1", "Words, from the target."),
        "separator: str = ',' (between words); limit: int = 99",
        "",
    ]
    assert text["output.file"][5].startswith("filename: str, required (path of the file;")


BROKEN = {
    "source.gone": ("no_such_module", "can't be imported (no_such_module): ModuleNotFoundError"),
    "output.ends": ("broken_ends", "can't be imported (broken_ends): SystemExit: 3"),
    "source.silent": ("broken_silent", "registers no source 'silent'"),
    "source.annotated": ("broken_annotation", "NameError: name 'Nowhere' is not defined"),
    "fields.demo.more": ("broken_loudly", "ValueError: on two lines"),
    "source.hooked": ("broken_hook", "implements a hook that does not exist: register_suorces"),
    "fields.hooked": ("broken_hook", "implements a hook that does not exist: register_suorces"),
    "quite else": ("broken_silent", "its name says nothing"),
}


def test_a_broken_plugin_is_listed_with_its_error_and_spoils_nothing(site: Site, capsys: Capture) -> None:
    before = plugins(capsys)
    annotated = (
        "class Annotated_(Source):\n    name = 'annotated'\n"
        "    def __init__(self, *, where: 'Nowhere' = None): pass\n"
        "@hookimpl\ndef register_sources(registry):\n    registry.add(Annotated_)\n"
    )
    site.install(
        "falcocore-broken",
        {point: module for point, (module, _) in BROKEN.items()},
        broken_ends="raise SystemExit(3)",
        broken_silent="",
        broken_loudly="raise ValueError('on\\ttwo\\nlines')",
        broken_hook="@hookimpl\ndef register_suorces(registry): pass",
        broken_annotation=annotated,
    )
    after = plugins(capsys)
    assert {point: row for point, row in after.items() if point not in BROKEN} == before
    for point, (_, error) in BROKEN.items():
        assert error in after[point]["error"]
        assert (after[point]["distribution"], after[point]["options"]) == ("falcocore-broken", [])
    assert all("\t" not in row[6] for row in rows(capsys))


def test_a_terminal_gets_the_options_of_plugins_on_lines_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = on_a_terminal(monkeypatch, "list", "plugins")
    assert lines[0].split() == ["entry", "point", "module", "distribution", "version", "offers", "options"]
    at = next(number for number, line in enumerate(lines) if line.split()[0] == "source.demo")
    assert lines[at].rstrip().endswith("separator: str = ',' (between words)")
    assert lines[at + 1].split() == ["limit:", "int", "=", "99"]
