"""Versions that rule files ask for, of the engine and of Falco's plugins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from falcocore.lang.diagnostics import Report
from falcocore.lang.text import SourceFile, Span
from falcocore.rules.items import PluginVersion, Requirement
from falcocore.rules.loader import LoadResult
from falcocore.rules.requirements import ELSEWHERE, OFFERED, check_requirements
from tests.support.marked import unmark
from tests.support.rule_texts import codes, reasons, rule, running

Load = Callable[..., LoadResult]

BOTH = frozenset({"k8s_audit", "syscall"})
HERE = Span(SourceFile("r.yaml", "x"), 0, 1)


def said(running_sources: frozenset[str], *plugins: str) -> list[str]:
    """What is said about one requirement, whose plugins are written as `name 1.2.3`."""
    versions = []
    for plugin in plugins:
        name, _, version = plugin.partition(" ")
        major, minor, patch = map(int, version.split("."))
        versions.append(PluginVersion(name, (major, minor, patch)))
    report = Report()
    check_requirements([Requirement(tuple(versions), HERE)], running_sources, report)
    assert set(codes(report.diagnostics)) <= {"ERR_PLUGIN_VERSION"}
    return [f"{d.message}; {d.hint}" for d in report.diagnostics]


# --- plugins --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plugins",
    [
        ["k8saudit 0.18.0"],
        ["k8saudit 0.17.9"],
        ["k8saudit 0.0.0"],
        ["json 0.7.4"],
        ["json 0.7.0"],
        ["container 0.7.1"],
        ["container 0.2.2"],
        # The first that is offered decides, wherever it stands.
        ["k8saudit 0.7.0", "k8saudit-eks 99.0.0"],
        ["k8saudit-eks 99.0.0", "k8saudit 0.7.0"],
        ["k8saudit 0.7.0", "json 99.0.0"],
        ["unheard 99.0.0", "k8saudit 0.7.0"],
        # Falco's other plugins bring sources that can't run here.
        ["cloudtrail 99.0.0"],
        ["k8saudit-eks 0.4.0", "k8saudit-gke 0.1.0"],
        ["unheard 1.0.0", "okta 1.0.0"],
    ],
)
def test_requirement_is_met(plugins: list[str]) -> None:
    assert said(BOTH, *plugins) == []


@pytest.mark.parametrize(
    ("plugins", "message"),
    [
        (["k8saudit 0.18.1"], "the rules need k8saudit 0.18.1, and what is offered here matches 0.18.0"),
        (["k8saudit 0.19.0"], "need k8saudit 0.19.0"),
        # Another major version is another plugin, also where it is a higher one that is asked for.
        (["k8saudit 1.0.0"], "need k8saudit 1.0.0"),
        (["json 0.7.5"], "the rules need json 0.7.5, and what is offered here matches 0.7.4"),
        (["container 0.8.0"], "the rules need container 0.8.0, and what is offered here matches 0.7.1"),
        # The first that is offered decides, though the next would do.
        (["k8saudit 0.99.0", "json 0.1.0"], "need k8saudit 0.99.0"),
        (["okta 0.1.0", "json 0.99.0"], "need json 0.99.0"),
        (["unheard 1.0.0"], "the rules need the plugin unheard, which is not there"),
        (["one 1.0.0", "two 1.0.0"], "the rules need the plugin one or two, which is not there"),
        (["k8saudt 0.1.0"], "did you mean k8saudit?"),
        (["cloudtrial 0.1.0"], "did you mean cloudtrail?"),
        (["zzzzzzzz 0.1.0"], "known are k8saudit, json, container"),
    ],
)
def test_requirement_that_is_not_met_is_an_error(plugins: list[str], message: str) -> None:
    (found,) = said(BOTH, *plugins)
    assert message in found


@pytest.mark.parametrize(
    ("running_sources", "plugin", "is_met"),
    [
        ({"syscall"}, "k8saudit 9.0.0", True),
        ({"k8s_audit"}, "k8saudit 9.0.0", False),
        ({"k8s_audit"}, "container 9.0.0", True),
        ({"syscall"}, "container 9.0.0", False),
        # This one's fields are in every source.
        ({"k8s_audit"}, "json 9.0.0", False),
        ({"syscall"}, "json 9.0.0", False),
        (set(), "json 9.0.0", False),
        (set(), "k8saudit 9.0.0", True),
    ],
)
def test_requirement_of_a_source_that_is_not_running_is_no_error(
    running_sources: set[str], plugin: str, is_met: bool
) -> None:
    assert (said(frozenset(running_sources), plugin) == []) == is_met


def test_versions_are_those_that_compatibility_is_promised_for() -> None:
    assert {name: version for name, (version, _) in OFFERED.items()} == {
        "k8saudit": (0, 18, 0),
        "json": (0, 7, 4),
        "container": (0, 7, 1),
    }
    assert not ELSEWHERE & set(OFFERED)


def test_every_requirement_of_every_file_is_checked_where_it_stands(load_texts: Load) -> None:
    texts = [
        "- required_plugin_versions:\n"
        "  - «n»ame: one\n    version: 1.0.0\n  - name: json\n    version: 0.1.0\n",
        "- required_plugin_versions: [«{»name: json, version: 0.9.0}]\n"
        "- required_plugin_versions: [«{»name: two, version: 1.0.0, alternatives: "
        "[{name: three, version: 1.0.0}]}]\n",
    ]
    marked = [unmark(text) for text in texts]
    result = load_texts(*(one.text for one in marked), rule("t.str = a"))
    assert codes(result.diagnostics) == ["ERR_PLUGIN_VERSION"] * 3
    assert {(d.span.file.name, d.span.start) for d in result.errors if d.span} == {
        (f"{n}.yaml", start) for n, one in enumerate(marked) for start, _ in one.places
    }
    assert running(result) == []


# --- the engine -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0", "31", "63", "0.0.0", "0.62.99", "0.63.0", "'0.57.0'"])
def test_nothing_is_said_of_an_engine_version_that_is_met(version: str, load_texts: Load) -> None:
    result = load_texts(f"- required_engine_version: {version}\n" + rule("t.str = a"))
    assert result.diagnostics == []
    assert running(result) == ["A"]


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("64", "ERR_VALIDATE"),
        ("0.63.1", "ERR_VALIDATE"),
        ("0.64.0", "ERR_VALIDATE"),
        ("1.0.0", "ERR_VALIDATE"),
        ("new", "ERR_YAML_VALIDATE"),
        ("0.63", "ERR_YAML_VALIDATE"),
        ("-1", "ERR_YAML_VALIDATE"),
        ("''", "ERR_YAML_VALIDATE"),
    ],
)
def test_engine_version_that_is_not_met_leaves_the_rest_of_the_file_checked(
    version: str, code: str, load_texts: Load
) -> None:
    result = load_texts(
        f"- required_engine_version: {version}\n" + rule("t.str = a") + rule("t.nope = 1", "B")
    )
    assert sorted(codes(result.errors)) == sorted([code, "ERR_COMPILE_CONDITION"])
    assert reasons(result) == {"A": None, "B": "it has errors"}
    assert running(result) == []
