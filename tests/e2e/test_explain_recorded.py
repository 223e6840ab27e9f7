"""Explain on recorded events, with the bundled rules and upstream's: it says what matches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falcocore import rulefiles
from falcocore.app import Tables
from falcocore.explain import Fate, explain, watched_rules
from falcocore.host import PluginHost
from falcocore.replay import replay, stream_of
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.stream import Stream
from falcocore.testing import installed_source

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "conformance" / "k8s_audit"
RECORDED = ROOT / "tests" / "data" / "k8s_audit" / "recorded"
BUNDLED = ROOT / "rules" / "falcocore_rules" / "k8s_audit_rules.yaml"
# The language of 0.13.0 is another: its file has mistakes in today's.
UPSTREAM = [
    file for file in sorted(SHARED.glob("rules/*/k8s_audit_rules.yaml")) if "falco-0.13.0" not in file.parts
]
needs_shared = pytest.mark.skipif(not UPSTREAM, reason="the conformance suite is not beside the project")


def compare(rules: Path, events: Path, *, first: bool) -> int:
    """How many alerts were explained, all of which the compiled rules raise as well."""
    host = PluginHost()
    tables = Tables(host, {})
    settings = LoadSettings(first=first)
    loaded = load(rulefiles.read_files([rules]), Catalogue(tables, frozenset(tables)), settings)
    assert loaded.errors == []
    watched = [one for one in watched_rules(loaded, "k8s_audit") if one.reason is None]
    rule_set = loaded.rule_sets["k8s_audit"]
    assert [one.rule for one in watched] == list(rule_set.rules)
    alerts: list[str] = []

    def take(event: Any, stream: Stream) -> None:
        found = explain(watched, event, stream, first=first)
        assert found.names(Fate.ALERTS) == [rule.name for rule, _ in rule_set.match(event, stream)]
        assert found.failures == {}
        alerts.extend(found.names(Fate.ALERTS))

    source = installed_source("k8s_audit", target=str(events))
    replay(source, stream_of(type(source), "k8s_audit", "host"), take)
    return len(alerts)


@pytest.mark.parametrize("first", [True, False])
def test_the_bundled_rules_are_explained_as_they_match(first: bool) -> None:
    assert compare(BUNDLED, RECORDED, first=first) > 5


@needs_shared
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("rules", UPSTREAM, ids=[path.parent.name for path in UPSTREAM])
def test_upstreams_rules_are_explained_as_they_match(rules: Path, first: bool) -> None:
    assert compare(rules, SHARED / "traces", first=first) > 5
