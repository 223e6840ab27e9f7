"""Which rules a policy silences, and what is said about why."""

from __future__ import annotations

import pytest

from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, load
from falcocore.ruleset import Rule
from falcocore_k8s_audit.policy.check import Finding, findings_of, never_fire
from falcocore_k8s_audit.policy.reader import read_policy
from falcocore_k8s_audit.policy.resources import ApiResources, read_api_resources
from tests.support.audit_fields import table
from tests.support.rule_texts import rule

DONE = "ka.stage = ResponseComplete and "
PODS = DONE + "ka.verb = create and ka.target.resource = pods"
EXEC = "ka.stage = ResponseStarted and ka.target.resource = pods and ka.target.subresource = exec"


def rules_for(condition: str, output: str = "o") -> tuple[Rule, ...]:
    text = rule(f"'{condition}'", output=f"'{output}'", source="k8s_audit")
    loaded = load([SourceFile("r", text)], Catalogue({"k8s_audit": table()}, frozenset({"k8s_audit"})))
    assert loaded.errors == []
    return loaded.rule_sets["k8s_audit"].rules


def found(
    policy: str, condition: str, output: str = "o", resources: ApiResources | None = None
) -> list[Finding]:
    """What is found of a rule A; the first rule of the policy is in line 4."""
    text = f"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n{policy}"
    return list(findings_of(rules_for(condition, output), read_policy(SourceFile("p", text)), resources))


METADATA = "- level: Metadata\n"
NO_EXEC = "- level: None\n  resources: [{group: '', resources: [pods/exec]}]\n"


@pytest.mark.parametrize(
    ("policy", "condition", "reasons"),
    [
        (METADATA, PODS + " and ka.req.pod.host_network = true",
         ["p:4:3 records level Metadata; Request is needed for ka.req.pod.host_network"]),
        ("- level: Request\n", PODS + " and ka.resp.name = a and ka.req.pod.host_pid exists",
         ["p:4:3 records level Request; RequestResponse is needed for ka.resp.name"]),
        (METADATA, PODS + " and jevt.value[/requestObject/spec/hostPID] = true",
         ["p:4:3 records level Metadata; Request is needed for jevt.value[/requestObject/spec/hostPID]"]),
        ("- level: Metadata\n  omitStages: [ResponseStarted]\n", EXEC,
         ["p:4:3 omits the stage ResponseStarted"]),
        (NO_EXEC + METADATA, EXEC, ["p:4:3 records nothing of its requests"]),
        ("- level: Metadata\n  verbs: [list]\n", PODS,
         ["no rule of the policy names its requests, so that nothing of them is recorded"]),
        # What a rule before decides does not reach the next.
        ("- level: Metadata\n  verbs: [create]\n- level: Request\n", PODS + " and ka.req.pod.host_pid = true",
         ["p:4:3 records level Metadata; Request is needed for ka.req.pod.host_pid"]),
        ("- level: Metadata\n  users: [a]\n- level: None\n", DONE + "ka.user.name = b",
         ["p:6:3 records nothing of its requests"]),
        ("- level: Metadata\n  omitStages: [ResponseComplete]\n", PODS + " and ka.req.pod.host_pid = true",
         ["p:4:3 omits the stage ResponseComplete",
          "p:4:3 records level Metadata; Request is needed for ka.req.pod.host_pid"]),
        # A resource of Kubernetes is not looked for in other groups, others are.
        ("- level: Metadata\n  resources: [{group: x.io}]\n", PODS,
         ["no rule of the policy names its requests, so that nothing of them is recorded"]),
    ],
)  # fmt: skip
def test_rule_that_is_silenced(policy: str, condition: str, reasons: list[str]) -> None:
    assert found(policy, condition) == [Finding("A", can_fire=False, reasons=tuple(reasons))]


@pytest.mark.parametrize(
    ("policy", "condition"),
    [
        (METADATA, PODS),
        (METADATA, EXEC),
        # True without the body, too.
        (METADATA, PODS + " and not ka.req.pod.host_network = true"),
        ("- level: None\n  users: [a]\n" + METADATA, PODS),
        (NO_EXEC + METADATA, PODS),
        ("- level: None\n  resources: [{group: ''}]\n" + METADATA, DONE + "ka.target.resource = widgets"),
        # No policy can make it fire.
        (METADATA, "not jevt.rawtime exists"),
        (METADATA, "ka.verb = get and ka.verb = list"),
    ],
)
def test_rule_that_is_not_silenced(policy: str, condition: str) -> None:
    assert found(policy, condition) == []


def test_what_an_alert_can_not_show_is_said() -> None:
    (finding,) = found(METADATA, PODS, "%ka.resp.name %ka.user.name %ka.req.pod.host_pid")
    assert finding == Finding(
        "A",
        can_fire=True,
        reasons=("p:4:3 records level Metadata, without ka.resp.name, ka.req.pod.host_pid",),
    )


def test_resources_of_a_cluster_take_the_place_of_what_is_built_in() -> None:
    policy = (
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n  resources: [{group: x.io}]"
    )
    served = read_api_resources("pods.x.io")
    assert list(findings_of(rules_for(PODS), read_policy(SourceFile("p", policy)), served)) == []


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("not jevt.rawtime exists", ["A"]),
        ("ka.user.groups in (a) and not ka.user.groups intersects (a)", ["A"]),
        ("ka.stage = Elsewhere", ["A"]),
        ("ka.verb = get", []),
    ],
)
def test_rules_that_never_fire(condition: str, names: list[str]) -> None:
    assert never_fire(rules_for(condition)) == names
