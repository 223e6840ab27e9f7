"""Alerts under the policy that rules make are those of a server that records everything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rulefiles import read_files
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore.stream import Stream
from falcocore_k8s_audit.policy.check import findings_of
from falcocore_k8s_audit.policy.document import policy_text
from falcocore_k8s_audit.policy.levels import Level, Need, Stage
from falcocore_k8s_audit.policy.policy import Document, Policy, PolicyRule
from falcocore_k8s_audit.policy.reader import read_policy
from falcocore_k8s_audit.policy.requests import Requests
from falcocore_k8s_audit.policy.resources import NAMES_OF_GROUPS, Cluster
from tests.support.audit_fields import decode, table
from tests.support.audit_requests import NAMED_REQUESTS, SERVED, events, rule_files
from tests.support.condition_strategies import bounded

ROOT = Path(__file__).parents[4]
RECORDED = sorted((ROOT / "tests" / "data" / "k8s_audit" / "recorded").glob("*.json"))
CONFORMANCE = ROOT.parent / "shared" / "conformance" / "k8s_audit"
UPSTREAM = CONFORMANCE / "rules" / "plugin-0.18.0" / "k8s_audit_rules.yaml"

Alerts = list[tuple[str, str, dict[str, Any]]]


def loaded(files: Sequence[SourceFile], *, first: bool = False) -> RuleSet:
    catalogue = Catalogue({"k8s_audit": table()}, frozenset({"k8s_audit"}))
    result = load(files, catalogue, LoadSettings(first=first))
    assert result.errors == []
    return result.rule_sets["k8s_audit"]


def policy_for(rules: RuleSet, cluster: Cluster) -> Policy:
    """What the API server reads of the policy that is printed."""
    return read_policy(SourceFile("policy.yaml", policy_text(rules.rules, cluster)))


def alerts(rules: RuleSet, documents: Iterable[Document | None]) -> Iterator[Alerts]:
    """For each event the alerts, with all that they show; none for one that was not recorded."""
    stream = Stream("k8s_audit", "k8s_audit", "k8saudit", "host")
    for document in documents:
        if document is None:
            yield []
            continue
        found = rules.match(decode(json.dumps(document).encode()), stream)
        yield [(rule.name, *rule.rendered(values)) for rule, values in found]


def assert_equal_alerts(
    rules: RuleSet, documents: Sequence[Document], cluster: Cluster | None = None
) -> None:
    policy = policy_for(rules, cluster or Cluster())
    under_policy = [policy.recorded(document) for document in documents]
    assert list(alerts(rules, under_policy)) == list(alerts(rules, documents))


def bundled() -> RuleSet:
    return loaded(read_files(PluginHost().pack("k8s_audit").files))


def upstream() -> RuleSet:
    if not UPSTREAM.exists():
        pytest.skip("upstream's rule file is not beside this repository")
    return loaded(read_files([UPSTREAM]))


def recorded() -> list[Document]:
    paths = [*RECORDED, *sorted((CONFORMANCE / "traces").glob("*.json"))]
    lines = [line for path in paths for line in path.read_text("utf-8").splitlines() if line.strip()]
    found = []
    for line in lines:
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if document.get("auditID") and document.get("stageTimestamp"):
            found.append(document)
    return found


@pytest.mark.parametrize("rules", [bundled, upstream])
@pytest.mark.parametrize("first", [True, False])
def test_recorded_events_give_the_same_alerts(rules: Any, first: bool) -> None:
    found = RuleSet.compiled("k8s_audit", rules().rules, first=first)
    documents = recorded()
    assert sum(map(len, alerts(found, documents))) >= 7
    assert_equal_alerts(found, documents)


@pytest.mark.parametrize("rules", [bundled, upstream])
def test_generated_events_give_the_same_alerts(rules: Any) -> None:
    found = rules()
    policy = policy_for(found, Cluster())

    @bounded
    @given(document=events())
    def same(document: Document) -> None:
        assert list(alerts(found, [policy.recorded(document)])) == list(alerts(found, [document]))

    same()


CLUSTERS = [
    pytest.param(Cluster(), id="any"),
    pytest.param(Cluster(SERVED), id="known resources"),
    pytest.param(Cluster(SERVED, trusts_group_names=True), id="trusted names"),
]


def is_named_as_expected(document: Document) -> bool:
    """Whether a user has the name that Kubernetes gives those in his groups."""
    user = document["user"]
    return all(
        user["username"].startswith(start)
        for group, start in NAMES_OF_GROUPS.items()
        if group in user.get("groups", ())
    )


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_generated_rules_and_events_give_the_same_alerts(cluster: Cluster) -> None:
    @bounded
    @given(text=rule_files(), documents=st.lists(events(), min_size=1, max_size=20))
    def same(text: str, documents: list[Document]) -> None:
        if cluster.trusts_group_names:
            documents = [document for document in documents if is_named_as_expected(document)]
        assert_equal_alerts(loaded([SourceFile("rules.yaml", text)]), documents, cluster)

    same()


@bounded
@given(text=rule_files())
def test_a_policy_silences_none_of_its_rules_and_hides_nothing(text: str) -> None:
    rules = loaded([SourceFile("rules.yaml", text)])
    assert list(findings_of(rules.rules, policy_for(rules, Cluster()))) == []


@bounded
@given(
    text=rule_files(),
    named=st.lists(st.tuples(NAMED_REQUESTS, st.sampled_from(Level), st.frozensets(st.sampled_from(Stage)))),
    documents=st.lists(events(), min_size=1, max_size=20),
)
def test_a_rule_that_is_said_to_be_silenced_does_not_fire(
    text: str,
    named: list[tuple[Requests, Level, frozenset[Stage]]],
    documents: list[Document],
) -> None:
    rules = loaded([SourceFile("rules.yaml", text)])
    policy = Policy(tuple(PolicyRule(one, Need(level, stages)) for one, level, stages in named))
    silent = {f.rule for f in findings_of(rules.rules, policy, SERVED) if not f.can_fire}
    firing = alerts(rules, [policy.recorded(document) for document in documents])
    assert silent.isdisjoint(name for found in firing for name, _, _ in found)
