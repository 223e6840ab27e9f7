"""Audit policies as files: what they mean, and what is wrong with them at which place."""

from __future__ import annotations

import pytest

from falcocore.api import ConfigError
from falcocore.lang.text import SourceFile
from falcocore_k8s_audit.policy.levels import ALL_STAGES, Level, Need, Stage
from falcocore_k8s_audit.policy.policy import Policy
from falcocore_k8s_audit.policy.reader import read_policy
from falcocore_k8s_audit.policy.requests import EVERY, Requests, Target

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"


def policy(text: str) -> Policy:
    return read_policy(SourceFile("p.yaml", text))


def rule(text: str) -> str:
    """A policy of one rule, whose first line is the fourth of the file."""
    return f"{HEAD}rules:\n- {text}\n"


def mistakes(text: str) -> list[str]:
    """What is wrong, without the lines that show where."""
    with pytest.raises(ConfigError) as caught:
        policy(text)
    return [line for line in str(caught.value).splitlines() if line.startswith("p.yaml") or "hint:" in line]


def test_documented_example_of_kubernetes() -> None:
    text = """
apiVersion: audit.k8s.io/v1 # This is required.
kind: Policy
omitStages:
  - "RequestReceived"
rules:
  - level: RequestResponse
    resources:
    - group: ""
      resources: ["pods"]
  - level: Metadata
    resources:
    - group: ""
      resources: ["pods/log", "pods/*", "*/status", "*"]
  - level: None
    users: ["system:kube-proxy"]
    verbs: ["watch"]
    resources:
    - group: ""
      resources: ["endpoints"]
      resourceNames: ["a", "b"]
    - group: apps
  - level: None
    userGroups: ["system:authenticated"]
    nonResourceURLs: ["/api*", "/version"]
  - level: Request
    namespaces: ["kube-system", ""]
    omitStages: [Panic]
    omitManagedFields: true
  - level: Metadata
    users: []
"""
    found = policy(text).rules
    names = frozenset
    seen = ALL_STAGES - {Stage.REQUEST_RECEIVED}
    assert [one.recorded for one in found] == [
        Need(Level.REQUEST_RESPONSE, seen, managed_fields=True),
        Need(Level.METADATA, seen, managed_fields=True),
        Need(Level.NONE, seen, managed_fields=True),
        Need(Level.NONE, seen, managed_fields=True),
        Need(Level.REQUEST, seen - {Stage.PANIC}, managed_fields=False),
        Need(Level.METADATA, seen, managed_fields=True),
    ]
    assert [one.requests for one in found] == [
        Requests(targets=names({Target("", "pods", "")})),
        Requests(
            targets=names(
                {Target("", "pods", "log"), Target("", "pods"), Target("", None, "status"), Target("")}
            )
        ),
        Requests(
            verbs=names({"watch"}),
            users=names({"system:kube-proxy"}),
            targets=names(
                {Target("", "endpoints", "", "a"), Target("", "endpoints", "", "b"), Target("apps")}
            ),
        ),
        Requests(user_groups=names({"system:authenticated"}), urls=names({"/api*", "/version"})),
        Requests(namespaces=names({"kube-system", ""})),
        EVERY,
    ]
    assert [one.place.position[0] for one in found if one.place] == [7, 11, 15, 23, 26, 30]


def test_a_rule_overrides_what_the_policy_says_of_managed_fields() -> None:
    text = (
        HEAD
        + "omitManagedFields: true\nrules: [{level: Request}, {level: Request, omitManagedFields: false}]"
    )
    assert [one.recorded.managed_fields for one in policy(text).rules] == [False, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "p.yaml:1:1: error: a policy is one YAML mapping"),
        ("- level: None", "p.yaml:1:1: error: a policy is one YAML mapping"),
        (rule("level: None") + "---\na: b\n", "p.yaml:6:1: error: a policy is one YAML mapping"),
        ("kind: [", "p.yaml:1:8: error: this is not YAML"),
        ("kind: Policy\nrules: [{level: None}]", "p.yaml:1:1: error: `apiVersion` is missing"),
        (
            "apiVersion: audit.k8s.io/v2\nkind: Policy\nrules: [{level: None}]",
            "p.yaml:1:13: error: `audit.k8s.io/v2` is no apiVersion of a policy",
        ),
        (
            "apiVersion: audit.k8s.io/v1\nkind: Event\nrules: [{level: None}]",
            "p.yaml:2:7: error: `Event` is no kind of a policy",
        ),
        (HEAD, "p.yaml:1:1: error: a policy needs a rule"),
        (HEAD + "rules: []", "p.yaml:1:1: error: a policy needs a rule"),
        (HEAD + "rules: {level: None}", "p.yaml:3:8: error: `rules` has to be a list"),
        (HEAD + "rules: [a]", "p.yaml:3:9: error: an entry of `rules` has to be a mapping"),
        (rule("verbs: [get]"), "p.yaml:4:3: error: `level` is missing"),
        (rule("level: metadata"), "p.yaml:4:10: error: `metadata` is no level of a policy"),
        (rule("level: None\n  verb: [get]"), "p.yaml:5:3: error: `verb` is no key here"),
        (rule("level: None\n  level: None"), "p.yaml:5:3: error: `level` stands twice here"),
        (rule("level: None\n  verbs: get"), "p.yaml:5:10: error: `verbs` has to be a list"),
        (rule("level: None\n  verbs: [get, yes]"), "p.yaml:5:16: error: `yes` is no text"),
        (rule("level: None\n  users: [7]"), "p.yaml:5:11: error: `7` is no text"),
        (rule("level: None\n  users: [[a]]"), "p.yaml:5:11: error: this has to be a text"),
        (rule("level: None\n  omitStages: [Received]"), "p.yaml:5:16: error: `Received` is no stage"),
        (
            rule("level: None\n  omitManagedFields: 1"),
            "p.yaml:5:22: error: `omitManagedFields` has to be",
        ),
        (rule("level: None\n  nonResourceURLs: [api]"), "p.yaml:5:21: error: `api` does not begin with /"),
        (
            rule("level: None\n  nonResourceURLs: [/a*b]"),
            "p.yaml:5:21: error: `/a*b` has a * that is not",
        ),
        (
            rule("level: None\n  namespaces: [a]\n  nonResourceURLs: [/a]"),
            "p.yaml:4:3: error: a rule is for resources or for other URLs",
        ),
        (
            rule("level: None\n  resources: [{group: apps/v1}]"),
            "p.yaml:5:23: error: `apps/v1` can't be an API group",
        ),
        (
            rule("level: None\n  resources: [{group: apps, resource: [a]}]"),
            "p.yaml:5:29: error: `resource` is no key here",
        ),
        (
            rule("level: None\n  resources: [{group: apps, resources: [a/]}]"),
            "p.yaml:5:40: error: `a/` names no subresource",
        ),
        (
            rule("level: None\n  resources: [{group: apps, resourceNames: [a]}]"),
            "p.yaml:5:44: error: `resourceNames` needs `resources`",
        ),
    ],
)
def test_mistake_and_its_place(text: str, expected: str) -> None:
    assert mistakes(text)[0].startswith(expected)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (rule("level: metadata"), "  hint: did you mean `Metadata`?"),
        (rule("level: None\n  verb: [get]"), "  hint: did you mean `verbs`?"),
        (rule("level: None\n  omitStages: [Received]"), "  hint: did you mean `RequestReceived`?"),
        (rule("level: None\n  verbs: [get, yes]"), '  hint: write it in quotes: "yes"'),
    ],
)
def test_mistake_says_what_to_write(text: str, hint: str) -> None:
    assert mistakes(text)[1] == hint


def test_all_mistakes_are_shown() -> None:
    text = rule("level: Much\n  verb: [a]") + "- level: None\n  nonResourceURLs: [x]\n"
    assert len([line for line in mistakes(text) if line.startswith("p.yaml")]) == 3
