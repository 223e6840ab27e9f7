"""What the API server records under a policy."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.lang.text import SourceFile
from falcocore_k8s_audit.policy.levels import Stage
from falcocore_k8s_audit.policy.policy import Policy, Request
from falcocore_k8s_audit.policy.reader import read_policy
from falcocore_k8s_audit.policy.requests import Target

Document = dict[str, Any]


def policy(*rules: str, head: str = "") -> Policy:
    text = "apiVersion: audit.k8s.io/v1\nkind: Policy\n" + head + "rules:\n"
    return read_policy(SourceFile("p.yaml", text + "".join(f"- {{{rule}}}\n" for rule in rules)))


def event(**changes: Any) -> Document:
    """A pod is made, with everything that can be recorded of it."""
    whole = {
        "level": "RequestResponse",
        "stage": "ResponseComplete",
        "verb": "create",
        "requestURI": "/api/v1/namespaces/shop/pods?fieldManager=kubectl",
        "user": {"username": "alice", "groups": ["dev", "system:authenticated"]},
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "apiVersion": "v1"},
        "requestObject": {"metadata": {"name": "web", "managedFields": [1]}},
        "responseObject": {"metadata": {"name": "web", "managedFields": [1]}},
    }
    return {**whole, **changes}


def level(found: Policy, document: Document) -> str | None:
    kept = found.recorded(document)
    return None if kept is None else kept["level"]


PODS = "resources: [{group: '', resources: [pods]}]"


def named(resource: str, name: str) -> str:
    """A rule for one object of a resource of the core group."""
    return f"level: Metadata, resources: [{{group: '', resources: [{resource}], resourceNames: [{name}]}}]"


EXEC = event(
    requestURI="/api/v1/namespaces/shop/pods/web/exec?command=sh",
    objectRef={"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web"},
)
HEALTH = event(requestURI="/healthz?verbose", verb="get", objectRef=None)
NODES = event(requestURI="/api/v1/nodes/a", verb="get", objectRef={"resource": "nodes", "name": "a"})
SCALE = event(
    requestURI="/apis/apps/v1/namespaces/shop/deployments/web/scale",
    verb="update",
    objectRef={
        "resource": "deployments",
        "subresource": "scale",
        "namespace": "shop",
        "name": "web",
        "apiGroup": "apps",
    },
)
NOBODY = event(user={})


@pytest.mark.parametrize(
    ("rule", "document", "matches"),
    [
        ("level: Metadata", event(), True),
        ("level: Metadata", HEALTH, True),
        ("level: Metadata, verbs: [create, get]", event(), True),
        ("level: Metadata, verbs: [get]", event(), False),
        ("level: Metadata, users: [alice]", event(), True),
        ("level: Metadata, users: [bob]", event(), False),
        ("level: Metadata, users: ['']", NOBODY, False),
        ("level: Metadata, userGroups: [ops, dev]", event(), True),
        ("level: Metadata, userGroups: [ops]", event(), False),
        ("level: Metadata, userGroups: [dev]", NOBODY, False),
        (f"level: Metadata, {PODS}", event(), True),
        (f"level: Metadata, {PODS}", EXEC, False),
        ("level: Metadata, resources: [{group: '', resources: [pods/exec]}]", EXEC, True),
        ("level: Metadata, resources: [{group: '', resources: [pods/exec]}]", event(), False),
        ("level: Metadata, resources: [{group: '', resources: ['pods/*']}]", EXEC, True),
        # The server's own matching takes this for the resource, too.
        ("level: Metadata, resources: [{group: '', resources: ['pods/*']}]", event(), True),
        ("level: Metadata, resources: [{group: '', resources: ['*/exec']}]", EXEC, True),
        ("level: Metadata, resources: [{group: '', resources: ['*']}]", EXEC, True),
        ("level: Metadata, resources: [{group: ''}]", EXEC, True),
        ("level: Metadata, resources: [{group: ''}]", SCALE, False),
        ("level: Metadata, resources: [{group: apps, resources: ['*/scale']}]", SCALE, True),
        ("level: Metadata, resources: [{group: apps}]", SCALE, True),
        ("level: Metadata, resources: [{group: ''}]", HEALTH, False),
        (
            named("pods/exec", "web"),
            EXEC,
            True,
        ),
        (
            named("pods/exec", "db"),
            EXEC,
            False,
        ),
        # The name of what is made stands in the body, which the policy does not see.
        (
            named("pods", "web"),
            event(),
            False,
        ),
        (named("pods", "''"), event(), True),
        ("level: Metadata, namespaces: [shop]", event(), True),
        ("level: Metadata, namespaces: ['']", event(), False),
        ("level: Metadata, namespaces: ['']", NODES, True),
        ("level: Metadata, namespaces: ['']", HEALTH, False),
        (f"level: Metadata, namespaces: [other], {PODS}", event(), False),
        ("level: Metadata, nonResourceURLs: [/healthz]", HEALTH, True),
        ("level: Metadata, nonResourceURLs: ['/health*']", HEALTH, True),
        ("level: Metadata, nonResourceURLs: ['*']", HEALTH, True),
        ("level: Metadata, nonResourceURLs: [/readyz]", HEALTH, False),
        ("level: Metadata, nonResourceURLs: ['*']", event(), False),
        ("level: Metadata, nonResourceURLs: [/healthz]", {**HEALTH, "requestURI": "/health%7A"}, True),
    ],
)
def test_matching(rule: str, document: Document, matches: bool) -> None:
    assert (policy(rule).recorded(document) is not None) is matches


def test_the_first_rule_that_matches_decides() -> None:
    found = policy("level: None, verbs: [get]", f"level: Request, {PODS}", "level: Metadata")
    assert [level(found, document) for document in (HEALTH, event(), EXEC)] == [None, "Request", "Metadata"]


def test_without_a_rule_nothing_is_recorded() -> None:
    assert policy("level: Metadata, verbs: [get]").recorded(event()) is None


@pytest.mark.parametrize(
    ("word", "bodies"),
    [
        ("Metadata", set()),
        ("Request", {"requestObject"}),
        ("RequestResponse", {"requestObject", "responseObject"}),
    ],
)
def test_levels_leave_out_bodies(word: str, bodies: set[str]) -> None:
    kept = policy(f"level: {word}").recorded(event())
    assert kept is not None
    assert kept["level"] == word
    assert {"requestObject", "responseObject"} & kept.keys() == bodies
    assert kept.keys() | {"requestObject", "responseObject"} == event().keys()


def test_a_policy_adds_nothing_to_what_was_recorded_at_a_lower_level() -> None:
    lower = {k: v for k, v in event(level="Metadata").items() if k not in ("requestObject", "responseObject")}
    assert policy("level: RequestResponse").recorded(lower) == lower


@pytest.mark.parametrize(
    ("head", "rule", "stages"),
    [
        ("", "level: Metadata", ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]),
        (
            "",
            "level: Metadata, omitStages: [Panic]",
            ["RequestReceived", "ResponseStarted", "ResponseComplete"],
        ),
        (
            "omitStages: [RequestReceived]\n",
            "level: Metadata, omitStages: [Panic]",
            ["ResponseStarted", "ResponseComplete"],
        ),
    ],
)
def test_stages(head: str, rule: str, stages: list[str]) -> None:
    found = policy(rule, head=head)
    assert [stage for stage in Stage if found.recorded(event(stage=stage.value))] == stages


MANAGED = {"name": "a", "managedFields": [1]}
BARE = {"name": "a"}


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"metadata": MANAGED, "spec": 1}, {"metadata": BARE, "spec": 1}),
        ({"items": [{"metadata": MANAGED}, 1]}, {"items": [{"metadata": BARE}, 1]}),
        ({"rows": [{"object": {"metadata": MANAGED}}, {}]}, {"rows": [{"object": {"metadata": BARE}}, {}]}),
        ([{"op": "add"}], [{"op": "add"}]),
        ({"spec": {"metadata": MANAGED}}, {"spec": {"metadata": MANAGED}}),
    ],
)
def test_managed_fields_are_left_out_of_objects_lists_and_tables(body: Any, kept: Any) -> None:
    document = event(requestObject=body)
    without = policy("level: RequestResponse", head="omitManagedFields: true\n").recorded(document)
    assert without is not None
    assert without["requestObject"] == kept
    with_them = policy("level: RequestResponse").recorded(document)
    assert with_them is not None
    assert with_them["requestObject"] == body


def test_a_patch_is_recorded_as_it_was_sent() -> None:
    body = {"metadata": MANAGED}
    document = event(verb="patch", requestObject=body, responseObject=body)
    kept = policy("level: RequestResponse, omitManagedFields: true").recorded(document)
    assert kept is not None
    assert (kept["requestObject"], kept["responseObject"]) == (body, {"metadata": BARE})


@pytest.mark.parametrize(
    ("uri", "verb", "ref", "name", "namespace"),
    [
        ("/api/v1/namespaces/shop/pods", "create", {"name": "web", "namespace": "shop"}, "", "shop"),
        ("/api/v1/namespaces/shop/pods/web", "get", {"name": "web", "namespace": "shop"}, "web", "shop"),
        ("/api/v1/nodes", "create", {"name": "a", "namespace": "odd"}, "", ""),
        ("/api/v1/pods?fieldSelector=metadata.name%3Dweb", "list", {"name": "web"}, "web", ""),
        ("/api/v1/namespaces/shop", "delete", {"name": "shop", "namespace": "shop"}, "shop", "shop"),
        ("/api/v1/namespaces/shop/finalize", "update", {"name": "shop", "namespace": "shop"}, "shop", "shop"),
        ("/api/v1/namespaces", "create", {"name": "shop", "namespace": "shop"}, "", ""),
        ("/apis/apps/v1/namespaces/v1/deployments", "create", {"name": "apps", "namespace": "v1"}, "", "v1"),
        (
            "/api/v1/watch/namespaces/shop/pods/web",
            "watch",
            {"name": "web", "namespace": "shop"},
            "web",
            "shop",
        ),
    ],
)
def test_a_policy_sees_the_url_and_not_the_body(
    uri: str, verb: str, ref: Document, name: str, namespace: str
) -> None:
    request = Request.of(event(requestURI=uri, verb=verb, objectRef={"resource": "r", **ref}))
    assert request.target == Target("", "r", "", name)
    assert request.namespace == namespace
