"""GKE: an audit event is made of an entry of Cloud Logging."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.audit_decoding import decode, dumped, field_of
from tests.support.cloud_wrappings import log_entry


def converted(entry: dict[str, Any]) -> dict[str, Any]:
    (event,) = decode(dumped(entry)).events
    made: dict[str, Any] = json.loads(event.text)
    return made


RECEIVED = "2018-10-20T00:18:28.428398123Z"
MADE = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "RequestResponse",
    "auditID": "a-1",
    "stage": "ResponseComplete",
    "requestURI": "/core/v1/namespaces/default/pods/nginx",
    "verb": "create",
    "user": {"username": "jane@example.com"},
    "sourceIPs": ["203.0.113.7"],
    "userAgent": "kubectl/v1.31",
    "objectRef": {
        "resource": "pods",
        "namespace": "default",
        "name": "nginx",
        "apiGroup": "core",
        "apiVersion": "v1",
    },
    "responseStatus": {"code": 201},
    "requestObject": {"@type": "core.k8s.io/v1.Pod", "spec": {"hostNetwork": True}},
    "responseObject": {"@type": "core.k8s.io/v1.Pod", "metadata": {"name": "nginx"}},
    "requestReceivedTimestamp": RECEIVED,
    "stageTimestamp": RECEIVED,
    "annotations": {
        "authorization.k8s.io/decision": "allow",
        "location": "europe-west1",
        "cluster_name": "prod",
    },
}


def test_every_part_of_an_entry_has_its_place() -> None:
    assert converted(log_entry()) == MADE


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("core/v1/namespaces/ns/pods", {"resource": "pods", "namespace": "ns"}),
        ("apps/v1/namespaces/ns/deployments/d", {"resource": "deployments", "namespace": "ns", "name": "d"}),
        (
            "core/v1/namespaces/ns/pods/p/exec",
            {"resource": "pods", "namespace": "ns", "name": "p", "subresource": "exec"},
        ),
        ("core/v1/namespaces/ns", {"resource": "namespaces", "name": "ns"}),
        ("core/v1/nodes/n/status", {"resource": "nodes", "name": "n", "subresource": "status"}),
        ("core/v1/nodes", {}),
        ("core/v1/nodes/n/a/b", {}),
        ("core/v1/namespaces/ns/pods/p/exec/more", {}),
        ("healthz", {}),
        ("", {}),
    ],
)
def test_name_of_a_resource_says_what_is_meant(name: str, target: dict[str, str]) -> None:
    found = converted(log_entry(resource=name)).get("objectRef", {})
    group = [found.pop(key, None) for key in ("apiGroup", "apiVersion")]
    assert found == target
    assert group == (name.split("/")[:2] if target else [None, None])


@pytest.mark.parametrize(
    ("method", "resource", "outcome"),
    [
        (
            "io.k8s.core.v1.pods.create",
            "core/v1/namespaces/n/pods/p",
            ("ResponseComplete", "RequestResponse", 201),
        ),
        (
            "io.k8s.core.v1.pods.delete",
            "core/v1/namespaces/n/pods/p",
            ("ResponseComplete", "RequestResponse", 200),
        ),
        (
            "io.k8s.core.v1.pods.exec.create",
            "core/v1/namespaces/n/pods/p/exec",
            ("ResponseStarted", "Request", 101),
        ),
        (
            "io.k8s.core.v1.pods.attach.create",
            "core/v1/namespaces/n/pods/p/attach",
            ("ResponseStarted", "Request", 101),
        ),
    ],
)
def test_outcome_is_taken_from_what_was_asked(
    method: str, resource: str, outcome: tuple[str, str, int]
) -> None:
    event = converted(log_entry(method, resource))
    assert (event["stage"], event["level"], event["responseStatus"]["code"]) == outcome
    assert event["verb"] == method.rpartition(".")[2]


def test_what_an_entry_does_not_have_is_left_out() -> None:
    entry = log_entry(authenticationInfo={}, requestMetadata={}, resourceName=None)
    del entry["labels"]
    for part in ("request", "response"):
        del entry["protoPayload"][part]
    made = converted(entry)
    assert not {"user", "sourceIPs", "userAgent", "objectRef", "requestObject", "responseObject"} & set(made)
    assert made["annotations"] == {"cluster_name": "prod", "location": "europe-west1"}


def test_entry_without_a_time_is_reported() -> None:
    entry = log_entry()
    del entry["receiveTimestamp"]
    assert decode(dumped(entry)).complaints == ["body: stageTimestamp is missing or empty"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ka.user.name", "jane@example.com"),
        ("ka.target.name", "nginx"),
        ("ka.req.pod.host_network", "true"),
        ("ka.resp.name", "nginx"),
        ("ka.response.code", "201"),
        ("ka.cluster.name", "prod"),
        ("ka.auth.decision", "allow"),
        ("evt.plugininfo", dumped(MADE).decode()),
        ("jevt.obj", json.dumps(MADE, indent=2)),
    ],
)
def test_fields_read_it_as_any_event(field: str, value: object) -> None:
    (event,) = decode(dumped(log_entry())).events
    assert field_of(event, field) == value
