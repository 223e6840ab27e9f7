"""The cases of the conformance suite by rule name, with the bundled pack in place of Falco's file."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from falcocore.host import PluginHost
from falcocore.replay import replay, stream_of
from falcocore.rulefiles import read_files
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore.stream import Stream
from falcocore.testing import installed_source
from tests.support.audit_fields import table

SUITE = Path(__file__).parents[3] / "shared" / "conformance" / "k8s_audit"
REPLACED = "k8s_audit_rules.yaml"
"""The name of Falco's file, in every version. An engine_v4_... file is another, and stays."""

OLD_NAME = "roles and cluster roles have rules of their own in the newest of Falco's files"
SYSCALL_LIST = (
    "the list is one of the system-call rules, and k8s_audit_privileged_images and so on took its place"
)
BETTER: dict[str, tuple[dict[str, int], str]] = {
    "falco-0.31.1/create_clusterrole": ({"K8s ClusterRole Created": 1}, OLD_NAME),
    "falco-0.31.1/delete_clusterrole": ({"K8s ClusterRole Deleted": 1}, OLD_NAME),
    "falco-0.31.1/create_clusterrolebinding": ({"K8s ClusterRoleBinding Created": 1}, OLD_NAME),
    "falco-0.31.1/create_privileged_trusted_pod": ({"Create Privileged Pod": 1}, SYSCALL_LIST),
    "falco-0.31.1/create_sensitive_mount_trusted_pod": ({"Create Sensitive Mount Pod": 1}, SYSCALL_LIST),
}
"""Cases with other rules than those of Falco's file: which, and why."""


def cases() -> list[dict[str, Any]]:
    """Those that use Falco's file, and hold for the engine of today."""
    path = SUITE / "cases.yaml"
    every = yaml.safe_load(path.read_text("utf-8"))["cases"] if path.exists() else []
    return [
        case
        for case in every
        if "plugin" in (case["engine"], case.get("also"))
        and "trace" in case
        and any(Path(name).name == REPLACED for name in case["rules_files"])
    ]


CASES = cases()


@functools.cache
def rule_set(names: tuple[str, ...]) -> RuleSet:
    """The rules of a case's files, the pack among them."""
    pack = PluginHost().pack("k8s_audit").files
    files = [file for name in names for file in (pack if Path(name).name == REPLACED else [SUITE / name])]
    catalogue = Catalogue({"k8s_audit": table()}, frozenset({"k8s_audit"}))
    loaded = load(read_files(files), catalogue, LoadSettings(first=True))
    assert loaded.errors == []
    return loaded.rule_sets["k8s_audit"]


@pytest.mark.skipif(not CASES, reason="the conformance suite is not beside the project")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_same_rules_alert_as_with_falcos_file(case: dict[str, Any]) -> None:
    rules = rule_set(tuple(case["rules_files"]))
    alerts: Counter[str] = Counter()

    def take(event: Any, stream: Stream) -> None:
        alerts.update(rule.name for rule, _ in rules.match(event, stream))

    source = installed_source("k8s_audit", target=str(SUITE / case["trace"]))
    replay(source, stream_of(type(source), "k8s_audit", "host"), take)
    wanted = {name: count for name, count in case["expect"]["rules"].items() if count}
    if case["name"] in BETTER:
        wanted, _ = BETTER[case["name"]]
    assert alerts == wanted


@pytest.mark.skipif(not CASES, reason="the conformance suite is not beside the project")
def test_what_is_better_differs() -> None:
    named = {case["name"]: case["expect"]["rules"] for case in CASES}
    assert {name for name, (rules, _) in BETTER.items() if named.get(name) != rules} == set(BETTER)
