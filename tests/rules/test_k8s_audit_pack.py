"""The bundled pack for audit events: names and tags of rules, its macros, what differs from Falco's file.

What its rules find is in the pack's own tests, rules/falcocore_rules/tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rulefiles import read_files
from falcocore.rules.loader import Catalogue, LoadResult, LoadSettings, load
from falcocore.ruletest.events import description_of
from falcocore.ruletest.reading import read_case_file
from falcocore.stream import Stream
from falcocore_k8s_audit.event import AuditEvent
from tests.support.audit_fields import Document, decode, event_of, table
from tests.support.command_line import falcocore

CONFORMANCE = Path(__file__).parents[3] / "shared" / "conformance" / "k8s_audit"
UPSTREAM = CONFORMANCE / "rules" / "plugin-0.18.0" / "k8s_audit_rules.yaml"
needs_shared = pytest.mark.skipif(
    not UPSTREAM.exists(), reason="the conformance suite is not beside the project"
)


def loaded(*texts: str, pack: bool = True) -> LoadResult:
    """The pack, and the rule texts of a user after it."""
    files = read_files(PluginHost().pack("k8s_audit").files) if pack else []
    files += [SourceFile(f"user{number}.yaml", text) for number, text in enumerate(texts)]
    catalogue = Catalogue({"k8s_audit": table()}, frozenset({"k8s_audit"}))
    return load(files, catalogue, LoadSettings(first=False))


def found_by(result: LoadResult, event: AuditEvent) -> list[str]:
    """The names of the rules that match."""
    assert result.errors == []
    stream = Stream("k8s_audit", "k8s_audit", "k8saudit", "host")
    return [rule.name for rule, _ in result.rule_sets["k8s_audit"].match(event, stream)]


PACK = loaded()
EVERY = loaded("- {rule: K8s Secret Get Successfully, enabled: true, override: {enabled: replace}}\n")
"""The pack with its only disabled rule."""
RULES = EVERY.rule_sets["k8s_audit"].rules
NAMES = [rule.name for rule in RULES]


def test_pack_loads_without_a_warning() -> None:
    assert PACK.diagnostics == []


def test_the_packs_own_tests_pass_and_cover_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert falcocore("test", "pack:k8s_audit", "--coverage", "--fail-under", "100") == 0
    assert "coverage: 100.00 % " in capsys.readouterr().out


def test_an_example_of_a_sites_rules_is_valid() -> None:
    example = PluginHost().pack("k8s_audit").tests[0].with_name("k8s_audit_site_rules.yaml")
    assert falcocore("validate", "--strict", "pack:k8s_audit", str(example)) == 0


ADDED = {
    "K8s Pod Created",
    "K8s Pod Deleted",
    "K8s DaemonSet Created",
    "K8s DaemonSet Deleted",
    "K8s ConfigMap Updated",
    "K8s Secret Updated",
    "K8s Endpoints Watched",
}
"""Rules that Falco's file has not."""


@needs_shared
def test_rules_have_the_names_and_priorities_of_falcos_file() -> None:
    falco = loaded(UPSTREAM.read_text("utf-8"), pack=False).rule_sets["k8s_audit"].rules
    ours = {rule.name: rule.priority for rule in RULES if rule.name not in ADDED}
    assert ours == {rule.name: rule.priority for rule in falco}
    assert set(NAMES) >= ADDED


@needs_shared
def test_lists_and_macros_have_the_names_of_falcos_file() -> None:
    falco = loaded(UPSTREAM.read_text("utf-8"), pack=False).definitions
    assert set(PACK.definitions.lists) >= set(falco.lists)
    assert set(PACK.definitions.macros) >= set(falco.macros)
    for name, items in falco.lists.items():
        ours = [item.text for item in PACK.definitions.lists[name]]
        assert sorted(ours) == sorted({item.text for item in items}), name


TACTICS = {
    "command_and_control",
    "credential_access",
    "defense_evasion",
    "discovery",
    "execution",
    "impact",
    "initial_access",
    "persistence",
    "privilege_escalation",
}


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_a_rule_is_described_and_tagged_and_says_who_and_from_where(rule: Any) -> None:
    assert rule.description.endswith(".")
    assert "k8s" in rule.tags
    if rule.name == "All K8s Audit Events":  # no technique at all
        return
    assert [tag for tag in rule.tags if re.fullmatch(r"T\d{4}(\.\d{3})?", tag)]
    assert {tag.removeprefix("mitre_") for tag in rule.tags if tag.startswith("mitre_")} & TACTICS
    told = {bound.label for bound in rule.captures[: rule.listed]}
    assert "ka.user.name" in told
    if rule.name != "Create/Modify Configmap With Private Credentials":  # has the line that Falco documents
        assert {"jevt.value[/sourceIPs/0]", "ka.response.code"} <= told


def test_rules_that_say_more_stand_before_those_that_say_less() -> None:
    last_detection = NAMES.index("Untrusted Node Unsuccessfully Tried to Join the Cluster")
    first_activity = NAMES.index("K8s Pod Created")
    assert last_detection < NAMES.index("Disallowed K8s User") < first_activity
    assert NAMES[-1] == "All K8s Audit Events"
    activity = [name for name in NAMES if name.startswith("K8s ")]
    assert NAMES[first_activity:-1] == activity


ACTIVITY = {"stage": "ResponseComplete", "verb": "delete", "user": {"username": "admin"}}


@pytest.mark.parametrize(
    ("condition", "is_found"), [("k8s_audit_never_true", False), ("ka.user.name = admin", True)]
)
def test_activity_is_a_hook_that_users_replace(condition: str, is_found: bool) -> None:
    hook = f"- macro: consider_activity_events\n  condition: ({condition})\n"
    document = {**ACTIVITY, "objectRef": {"resource": "pods"}, "responseStatus": {"code": 200}}
    assert found_by(loaded(hook), event_of(document)) == (["K8s Pod Deleted"] if is_found else [])


def test_stages_are_a_list_that_users_extend() -> None:
    stages = "- list: k8s_audit_stages\n  items: [ResponseComplete, Panic]\n"
    document = {**ACTIVITY, "stage": "Panic", "user": {"username": "mallory"}}
    assert found_by(PACK, event_of(document)) == []
    assert found_by(loaded(stages), event_of(document)) == ["Disallowed K8s User"]


@pytest.mark.parametrize("name", ["trusted_k8s_containers", "falco_hostnetwork_images"])
def test_names_of_older_versions_may_be_appended_to(name: str) -> None:
    trust = f"- list: {name}\n  items: [registry.example.org/agent]\n  append: true\n"
    image = {"image": "registry.example.org/agent:1"}
    document = {
        **ACTIVITY,
        "verb": "create",
        "objectRef": {"resource": "pods"},
        "requestObject": {"spec": {"hostNetwork": True, "containers": [image]}},
    }
    assert found_by(PACK, event_of(document)) == ["Create HostNetwork Pod"]
    assert found_by(loaded(trust), event_of(document)) == []


PROBE = """
- rule: Probe
  desc: Says whether a macro holds.
  condition: {}
  output: "-"
  priority: DEBUG
  source: k8s_audit
"""


def target(resource: str, **more: str) -> Document:
    return {"objectRef": {"resource": resource, **more}}


@pytest.mark.parametrize(
    ("macro", "true_of", "false_of"),
    [
        ("kevt", {"stage": "ResponseComplete"}, {"stage": "RequestReceived"}),
        ("kevt_started", {"stage": "ResponseStarted"}, {"stage": "ResponseComplete"}),
        ("kget", {"verb": "get"}, {"verb": "list"}),
        ("kcreate", {"verb": "create"}, {"verb": "update"}),
        ("kupdate", {"verb": "patch"}, {"verb": "create"}),
        ("kmodify", {"verb": "patch"}, {"verb": "deletecollection"}),
        ("kdelete", {"verb": "delete"}, {"verb": "deletecollection"}),
        ("response_successful", {"responseStatus": {"code": 204}}, {"responseStatus": {"code": 101}}),
        ("non_system_user", {}, {"user": {"username": "system:node:a"}}),
        ("pod", target("pods"), target("pods", subresource="log")),
        ("pod_subresource", target("pods", subresource="log"), target("pods")),
        ("deployment", target("deployments"), target("replicasets")),
        ("daemonset", target("daemonsets"), target("deployments")),
        ("service", target("services"), target("serviceaccounts")),
        ("ingress", target("ingresses"), target("ingressclasses")),
        ("configmap", target("configmaps"), target("secrets")),
        ("secret", target("secrets"), target("configmaps")),
        ("namespace", target("namespaces"), target("nodes")),
        ("serviceaccount", target("serviceaccounts"), target("services")),
        ("role", target("roles"), target("clusterroles")),
        ("clusterrole", target("clusterroles"), target("roles")),
        ("rolebinding", target("rolebindings"), target("clusterrolebindings")),
        ("clusterrolebinding", target("clusterrolebindings"), target("rolebindings")),
        ("node", target("nodes"), target("namespaces")),
        ("health_endpoint", {"requestURI": "/healthz?verbose"}, {"requestURI": "/healthz/ping"}),
        ("live_endpoint", {"requestURI": "/livez"}, {"requestURI": "/healthz"}),
        ("ready_endpoint", {"requestURI": "/readyz"}, {"requestURI": "/readyzzz"}),
    ],
)
def test_macro_means_what_falcos_macro_of_that_name_means(
    macro: str, true_of: Document, false_of: Document
) -> None:
    result = loaded(PROBE.format(macro))
    assert "Probe" in found_by(result, event_of(true_of))
    assert "Probe" not in found_by(result, event_of(false_of))


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2018-10-20T00:18:28Z"])
def test_never_true_is_true_at_no_time(time: str) -> None:
    result = loaded(PROBE.format("k8s_audit_never_true"))
    assert "Probe" not in found_by(result, event_of({"stageTimestamp": time}))


BOOTSTRAP = "the API server's own roles and bindings are left out"
TOKEN = "a token for a service account is no service account"
STATIC = "the control plane's pods, which a kubelet has started, are left out"
BETTER = {
    "Create Sensitive Mount Pod": "what is below /proc and /root is found, as 0.13.0 did",
    "Create HostNetwork Pod": STATIC,
    "Pod Created in Kube Namespace": STATIC,
    "Anonymous Request Allowed": "what kubeadm reads by design is left out",
    "Service Account Created in Kube Namespace": TOKEN,
    "K8s Serviceaccount Created": f"{TOKEN}; that of each new namespace is left out",
    "K8s ConfigMap Created": "the certificate of each new namespace is left out",
    "System ClusterRole Modified/Deleted": BOOTSTRAP,
    "Attach to cluster-admin Role": BOOTSTRAP,
    "ClusterRole With Wildcard Created": BOOTSTRAP,
    "ClusterRole With Write Privileges Created": BOOTSTRAP,
    "ClusterRole With Pod Exec Created": BOOTSTRAP,
    "Ingress Object without TLS Certificate Created": "without a body nothing is known of TLS",
}
"""Rules that find other events than those of that name in Falco's file, and why."""


def events_of_its_tests() -> Iterator[AuditEvent]:
    """The events of the pack's own tests."""
    for path in PluginHost().pack("k8s_audit").tests:
        (text,) = read_files([path])
        file = read_case_file(text)
        for placed in file.cases:
            for given in placed.case.events:
                yield event_of(description_of(given, file.content.bases, path.parent))


@needs_shared
def test_pack_finds_what_falcos_file_finds_but_for_the_better() -> None:
    falco = loaded(UPSTREAM.read_text("utf-8"), pack=False)
    traces = [trace.read_bytes() for trace in sorted((CONFORMANCE / "traces").glob("*.json"))]
    recorded = [decode(line) for trace in traces for line in trace.splitlines() if b"auditID" in line]
    for event in recorded:
        assert set(found_by(PACK, event)) - ADDED == set(found_by(falco, event))
    differing: set[str] = set()
    for event in events_of_its_tests():
        differing |= (set(found_by(EVERY, event)) - ADDED) ^ set(found_by(falco, event))
    assert differing == set(BETTER)
