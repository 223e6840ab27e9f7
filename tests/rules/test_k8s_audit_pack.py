"""The bundled pack for audit events: what it finds, what it just does not, and what users override in it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from falcocore.api import Priority
from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rulefiles import read_files
from falcocore.rules.loader import Catalogue, LoadResult, LoadSettings, load
from falcocore.source import Stream
from falcocore_k8s_audit.event import AuditEvent
from tests.support.audit_fields import Document, decode, event_of, table

CONFORMANCE = Path(__file__).parents[3] / "shared" / "conformance" / "k8s_audit"
UPSTREAM = CONFORMANCE / "rules" / "plugin-0.18.0" / "k8s_audit_rules.yaml"


def loaded(*texts: str, pack: bool = True, first: bool = False) -> LoadResult:
    """The pack, and the rule texts of a user after it."""
    files = read_files(PluginHost().pack("k8s_audit").files) if pack else []
    files += [SourceFile(f"user{number}.yaml", text) for number, text in enumerate(texts)]
    catalogue = Catalogue({"k8s_audit": table()}, frozenset({"k8s_audit"}))
    return load(files, catalogue, LoadSettings(first=first))


def found_by(result: LoadResult, event: AuditEvent) -> list[str]:
    """The names of the rules that match."""
    assert result.errors == []
    stream = Stream("k8s_audit", "k8s_audit", "k8saudit", "host")
    return [rule.name for rule, _ in result.rule_sets["k8s_audit"].match(event, stream)]


PACK = loaded()


def test_pack_loads_without_a_warning() -> None:
    assert PACK.diagnostics == []


def test_rules_have_falcos_names_priorities_and_order() -> None:
    rules = PACK.rule_sets["k8s_audit"].rules
    assert [(rule.name, rule.priority) for rule in rules] == [
        ("Create Privileged Pod", Priority.WARNING),
        ("Create Sensitive Mount Pod", Priority.WARNING),
        ("Create/Modify Configmap With Private Credentials", Priority.WARNING),
        ("Anonymous Request Allowed", Priority.WARNING),
        ("Attach/Exec Pod", Priority.NOTICE),
        ("Attach to cluster-admin Role", Priority.WARNING),
        ("ClusterRole With Wildcard Created", Priority.WARNING),
    ]
    assert {rule.tags for rule in rules} == {("k8s",)}
    assert all(rule.description for rule in rules)


DONE: Document = {"stage": "ResponseComplete", "verb": "create", "user": {"username": "alice"}}


def event(resource: str, body: Any = None, subresource: str | None = None, **changes: Any) -> Document:
    """A finished creation, with some members changed."""
    target = {"resource": resource, **({"subresource": subresource} if subresource else {})}
    return {**DONE, "objectRef": target, "requestObject": body, **changes}


def pod(**spec: Any) -> Document:
    return {"spec": {"containers": [{"image": "nginx"}], **spec}}


def container(image: str = "nginx", **context: Any) -> Document:
    return {"image": image, "securityContext": context}


def mount(path: str) -> Document:
    return pod(volumes=[{"hostPath": {"path": path}}])


def data(**texts: str) -> Document:
    return {"data": texts}


def access(decision: str, user: str = "system:anonymous", uri: str = "/api/v1/pods") -> Document:
    return {
        "user": {"username": user},
        "requestURI": uri,
        "annotations": {"authorization.k8s.io/decision": decision},
    }


PRIVILEGED = pod(containers=[container(), container(privileged=True)])
STARTED = {"stage": "ResponseStarted"}
AWS = data(x="aws_access_key_id = MY-ID")
ADMIN = {"roleRef": {"name": "cluster-admin"}}
WILDCARD = {"rules": [{"resources": ["pods"], "verbs": ["get"]}, {"resources": ["*"], "verbs": ["get"]}]}

FOUND: list[tuple[str, Document]] = [
    ("Create Privileged Pod", event("pods", PRIVILEGED)),
    ("Create Privileged Pod", event("pods", pod(initContainers=[container(privileged=True)]))),
    ("Create Privileged Pod", event("pods", pod(ephemeralContainers=[container(privileged=True)]))),
    # A pod whose images can't be read is trusted by nobody.
    ("Create Privileged Pod", event("pods", pod(containers=[{"securityContext": {"privileged": True}}]))),
    *(
        ("Create Sensitive Mount Pod", event("pods", mount(path)))
        for path in (
            "/",
            "/etc",
            "/etc/kubernetes",
            "/etc/kubernetes/manifests",
            "/home/admin",
            "/proc",
            "/root",
            "/run/containerd/containerd.sock",
            "/var/lib/kubelet",
            "/var/lib/kubelet/pki",
            "/var/run/crio/crio.sock",
            "/var/run/docker.sock",
        )
    ),
    *(
        ("Create/Modify Configmap With Private Credentials", event("configmaps", data(x=f"the {word}=v")))
        for word in (
            "aws_access_key_id",
            "aws-access-key-id",
            "aws_s3_access_key_id",
            "aws-s3-access-key-id",
            "password",
            "passphrase",
        )
    ),
    ("Create/Modify Configmap With Private Credentials", event("configmaps", data(password="x"))),
    ("Create/Modify Configmap With Private Credentials", event("configmaps", AWS, verb="update")),
    ("Create/Modify Configmap With Private Credentials", event("configmaps", AWS, verb="patch")),
    ("Anonymous Request Allowed", event("pods", **access("allow"))),
    ("Anonymous Request Allowed", event("pods", **access("allow", uri="/healthz/etcd"))),
    ("Anonymous Request Allowed", event("pods", **access("allow"), verb="get")),
    ("Attach/Exec Pod", event("pods", None, "exec", **STARTED)),
    ("Attach/Exec Pod", event("pods", None, "attach", **STARTED)),
    ("Attach/Exec Pod", event("pods", None, "exec", **STARTED, verb="get")),
    ("Attach to cluster-admin Role", event("clusterrolebindings", ADMIN)),
    ("ClusterRole With Wildcard Created", event("clusterroles", WILDCARD)),
    ("ClusterRole With Wildcard Created", event("roles", WILDCARD)),
    ("ClusterRole With Wildcard Created", event("roles", {"rules": [{"verbs": ["get", "*"]}]})),
]
JUST_NOT: list[Document] = [
    event("pods", PRIVILEGED, verb="update"),
    event("pods", PRIVILEGED, "status"),
    event("pods", PRIVILEGED, **STARTED),
    event("deployments", PRIVILEGED),
    event("pods", pod(containers=[container(privileged=False)])),
    event("pods", mount("/etc/ssl")),
    event("pods", mount("/data")),
    event("pods", mount("/etc"), verb="update"),
    event("pods", mount("/etc"), "status"),
    event("pods", mount("/etc"), **STARTED),
    event("configmaps", data(x="aws_secret = v, pass word, AWS_ACCESS_KEY_ID")),
    event("configmaps", {"binaryData": {"password": "eA=="}}),
    event("configmaps", AWS, verb="delete"),
    event("configmaps", AWS, **STARTED),
    event("secrets", AWS),
    event("pods", **access("forbid")),
    event("pods", **access("allow", user="system:serviceaccount:anonymous")),
    event("pods", **access("allow"), **STARTED),
    *(
        event("pods", **access("allow", uri=uri))
        for uri in ("/healthz", "/healthz?verbose", "/livez", "/livez?exclude=etcd", "/readyz", "/readyz?x")
    ),
    event("pods", None, "exec"),
    event("pods", None, "log", **STARTED),
    event("pods", None, "exec", **STARTED, verb="delete"),
    event("services", None, "exec", **STARTED),
    event("pods", **STARTED),
    event("clusterrolebindings", {"roleRef": {"name": "cluster-administrator"}}),
    event("clusterrolebindings", ADMIN, verb="update"),
    event("clusterrolebindings", ADMIN, **STARTED),
    event("rolebindings", ADMIN),
    event("clusterroles", {"rules": [{"resources": ["pods/*"], "verbs": ["get"], "apiGroups": ["*"]}]}),
    event("clusterroles", WILDCARD, verb="update"),
    event("clusterroles", WILDCARD, **STARTED),
]


@pytest.mark.parametrize(("name", "document"), FOUND)
def test_rule_finds(name: str, document: Document) -> None:
    assert found_by(PACK, event_of(document)) == [name]


@pytest.mark.parametrize("document", JUST_NOT)
def test_no_rule_finds_what_is_only_near(document: Document) -> None:
    assert found_by(PACK, event_of(document)) == []


def test_every_rule_is_tried() -> None:
    assert {name for name, _ in FOUND} == {rule.name for rule in PACK.rule_sets["k8s_audit"].rules}


def test_first_of_two_matching_rules_alerts() -> None:
    both = copy.deepcopy(PRIVILEGED)
    both["spec"]["volumes"] = [{"hostPath": {"path": "/"}}]
    document = event("pods", both, **access("allow"))
    names = ["Create Privileged Pod", "Create Sensitive Mount Pod", "Anonymous Request Allowed"]
    assert found_by(PACK, event_of(document)) == names
    assert found_by(loaded(first=True), event_of(document)) == names[:1]


TRUST = """
- list: {}
  items: [nginx, "registry:5000/agent"]
  override: {{items: append}}
"""


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("k8s_audit_privileged_images", {"containers": [{}], "volumes": []}),
        ("k8s_audit_sensitive_mount_images", {"containers": [{}], "volumes": [{"hostPath": {"path": "/"}}]}),
    ],
)
@pytest.mark.parametrize(
    ("images", "is_found"),
    [
        (["nginx:1.27"], False),
        (["nginx", "registry:5000/agent@sha256:00"], False),
        # All images have to be trusted.
        (["nginx", "mysql"], True),
        (["docker.io/nginx"], True),
    ],
)
def test_pods_of_trusted_images_are_left_out(
    name: str, body: Document, images: list[str], is_found: bool
) -> None:
    privileged = name == "k8s_audit_privileged_images"
    spec = {**body, "containers": [container(image, privileged=privileged) for image in images]}
    found = found_by(loaded(TRUST.format(name)), event_of(event("pods", {"spec": spec})))
    assert bool(found) is is_found


def test_stages_are_a_list_that_users_extend() -> None:
    stages = "- list: k8s_audit_stages\n  items: [ResponseComplete, ResponseStarted]\n"
    started = event("configmaps", AWS, **STARTED)
    assert found_by(loaded(stages), event_of(started))


EXEC = event("pods", None, "exec", **STARTED)


@pytest.mark.parametrize(
    ("condition", "is_found"),
    [("ka.user.name = alice", False), ("ka.user.name = bob", True), ("k8s_audit_never_true", True)],
)
def test_expected_execs_are_a_hook_that_users_replace(condition: str, is_found: bool) -> None:
    hook = f"- macro: user_known_exec_pod_activities\n  condition: ({condition})\n"
    assert found_by(loaded(hook), event_of(EXEC)) == (["Attach/Exec Pod"] if is_found else [])


PROBE = """
- rule: Probe
  desc: Says whether a macro holds.
  condition: {}
  output: "-"
  priority: DEBUG
  source: k8s_audit
"""


@pytest.mark.parametrize(
    ("macro", "true_of", "false_of"),
    [
        ("kevt", {"stage": "ResponseComplete"}, {"stage": "RequestReceived"}),
        ("kevt_started", {"stage": "ResponseStarted"}, {"stage": "ResponseComplete"}),
        ("kget", {"verb": "get"}, {"verb": "list"}),
        ("kcreate", {"verb": "create"}, {"verb": "update"}),
        ("kmodify", {"verb": "patch"}, {"verb": "deletecollection"}),
        (
            "pod",
            {"objectRef": {"resource": "pods"}},
            {"objectRef": {"resource": "pods", "subresource": "log"}},
        ),
        (
            "pod_subresource",
            {"objectRef": {"resource": "pods", "subresource": "log"}},
            {"objectRef": {"resource": "pods"}},
        ),
        ("configmap", {"objectRef": {"resource": "configmaps"}}, {"objectRef": {"resource": "secrets"}}),
        ("role", {"objectRef": {"resource": "roles"}}, {"objectRef": {"resource": "clusterroles"}}),
        ("clusterrole", {"objectRef": {"resource": "clusterroles"}}, {"objectRef": {"resource": "roles"}}),
        (
            "clusterrolebinding",
            {"objectRef": {"resource": "clusterrolebindings"}},
            {"objectRef": {"resource": "rolebindings"}},
        ),
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
    assert found_by(result, event_of({"stageTimestamp": time})) == []


@pytest.mark.skipif(not UPSTREAM.exists(), reason="the conformance data is not beside the project")
def test_pack_finds_the_same_as_falcos_file_in_the_same_order() -> None:
    falco = loaded(UPSTREAM.read_text("utf-8"), pack=False)
    names = [rule.name for rule in PACK.rule_sets["k8s_audit"].rules]
    every = [rule.name for rule in falco.rule_sets["k8s_audit"].rules]
    assert [name for name in every if name in names] == names
    traces = [trace.read_bytes() for trace in sorted((CONFORMANCE / "traces").glob("*.json"))]
    events = [decode(line) for trace in traces for line in trace.splitlines() if b"auditID" in line]
    events += [event_of(document) for document in (*JUST_NOT, *(document for _, document in FOUND))]
    assert len(events) > 100
    for found in events:
        assert found_by(PACK, found) == [name for name in found_by(falco, found) if name in names]
