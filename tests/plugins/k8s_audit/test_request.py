"""Fields of the request line, the user, the target and the answer."""

from __future__ import annotations

import pytest

from falcocore.types import Value
from falcocore_k8s_audit.decode import Decoded
from tests.support.audit_fields import Document, Json, table, value_of
from tests.support.webhook_harness import encode


def nested(path: tuple[str, ...], value: Json) -> Document:
    """The value alone below a path."""
    for key in reversed(path):
        value = {key: value}
    document: Document = value
    return document


PATHS = {
    "ka.auditid": ("auditID",),
    "ka.stage": ("stage",),
    "ka.auth.decision": ("annotations", "authorization.k8s.io/decision"),
    "ka.auth.reason": ("annotations", "authorization.k8s.io/reason"),
    "ka.auth.openshift.decision": ("annotations", "authentication.openshift.io/decision"),
    "ka.auth.openshift.username": ("annotations", "authentication.openshift.io/username"),
    "ka.validations.admission.policy.failure": (
        "annotations",
        "validation.policy.admission.k8s.io/validation_failure",
    ),
    "ka.security.pod.violations": ("annotations", "pod-security.kubernetes.io/audit-violations"),
    "ka.cluster.name": ("annotations", "cluster_name"),
    "ka.user.name": ("user", "username"),
    "ka.impuser.name": ("impersonatedUser", "username"),
    "ka.verb": ("verb",),
    "ka.uri": ("requestURI",),
    "ka.useragent": ("userAgent",),
    "ka.target.name": ("objectRef", "name"),
    "ka.target.namespace": ("objectRef", "namespace"),
    "ka.target.resource": ("objectRef", "resource"),
    "ka.target.subresource": ("objectRef", "subresource"),
    "ka.resp.name": ("responseObject", "metadata", "name"),
    "ka.response.code": ("responseStatus", "code"),
    "ka.response.reason": ("responseStatus", "reason"),
}


@pytest.mark.parametrize(("field", "path"), PATHS.items())
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a text", "a text"),
        ("", ""),
        ("up to\0here", "up to"),
        (201, "201"),
        (True, "true"),
        (None, "null"),
        ({"b": 1, "a": [1, "x"]}, '{"b":1,"a":[1,"x"]}'),
        (["x", 2], '["x",2]'),
    ],
)
def test_scalar_is_the_text_of_whatever_stands_at_its_path(
    field: str, path: tuple[str, ...], value: Json, text: str
) -> None:
    assert value_of(nested(path, value), field) == text


@pytest.mark.parametrize(("field", "path"), [item for item in PATHS.items() if item[0] != "ka.auditid"])
def test_scalar_is_absent_where_a_part_of_its_path_is_missing(field: str, path: tuple[str, ...]) -> None:
    assert value_of({}, field) is None
    for length in range(1, len(path)):
        strangers: list[Json] = [{}, [], "x", 5, None, [{path[length]: "x"}]]
        for stranger in strangers:
            assert value_of(nested(path[:length], stranger), field) is None


def test_names_of_the_user_and_of_the_impersonated_user_are_not_mixed_up() -> None:
    document = {"user": {"username": "alice"}, "impersonatedUser": {"username": "root"}}
    assert value_of(document, "ka.user.name") == "alice"
    assert value_of(document, "ka.impuser.name") == "root"


@pytest.mark.parametrize(
    ("document", "groups"),
    [
        ({"user": {"groups": ["system:masters", "dev"]}}, ["system:masters", "dev"]),
        ({"user": {"groups": ["one"]}}, ["one"]),
        ({"user": {"groups": ["a", 1, None, {"b": 2}]}}, ["a", "1", "null", '{"b":2}']),
        ({"user": {"groups": []}}, None),
        ({"user": {"groups": "system:masters"}}, None),
        ({"user": {"groups": {"0": "x"}}}, None),
        ({"user": "alice"}, None),
        ({}, None),
    ],
)
def test_groups_are_the_elements_of_an_array(document: Document, groups: Value) -> None:
    assert value_of(document, "ka.user.groups") == groups


@pytest.mark.parametrize(
    ("field", "addresses"),
    [
        ("ka.sourceips", ["10.0.0.1", "::1"]),
        ("ka.sourceips[0]", ["10.0.0.1"]),
        ("ka.sourceips[1]", ["::1"]),
        ("ka.sourceips[2]", None),
    ],
)
def test_source_addresses_are_those_of_the_event_not_of_a_role(field: str, addresses: Value) -> None:
    rules = {"requestObject": {"rules": [{"sourceIPs": ["192.0.2.1"]}]}}
    assert value_of({"sourceIPs": ["10.0.0.1", "::1"], **rules}, field) == addresses
    assert value_of(rules, field) is None


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ({"resource": "pods"}, "web-1"),
        ({"resource": "pods", "subresource": "exec"}, None),
        ({"resource": "deployments"}, None),
        ({}, None),
    ],
)
def test_target_pod_is_the_answered_name_of_a_pod_itself(target: Document, name: Value) -> None:
    document = {"objectRef": target, "responseObject": {"metadata": {"name": "web-1"}}}
    assert value_of(document, "ka.target.pod.name") == name


def test_target_pod_is_absent_without_an_answer() -> None:
    assert value_of({"objectRef": {"resource": "pods", "name": "web"}}, "ka.target.pod.name") is None


@pytest.mark.parametrize(
    ("uri", "key", "value"),
    [
        ("/exec?command=bash&stdin=true", "command", "bash"),
        ("/exec?command=bash&stdin=true", "stdin", "true"),
        ("/exec?command=bash", "tty", None),
        ("/exec?command=bash", "comman", None),
        ("/exec?command=bash", "bash", None),
        ("/exec", "command", None),
        ("/exec?", "command", None),
        ("/command=bash", "command", None),
        # The first of several counts.
        ("/exec?command=sh&command=-c&command=id", "command", "sh"),
        # The first `=` ends the key, and only the first `?` begins the query.
        ("/x?fieldSelector=spec.nodeName=n1", "fieldSelector", "spec.nodeName=n1"),
        ("/x?a=b?c=d", "a", "b?c=d"),
        ("/x?a=b?c=d", "c", None),
        # A bare key has an empty value, an empty pair is none.
        ("/x?watch&limit=5", "watch", ""),
        ("/x?watch=&limit=5", "watch", ""),
        ("/x?&&limit=5&", "limit", "5"),
        # Both sides are decoded, and a plus is a blank.
        ("/x?q=a%20b%3Dc%2f", "q", "a b=c/"),
        ("/x?q=a+b%2Bc", "q", "a b+c"),
        ("/x?%6Bey=v", "key", "v"),
        ("/x?my+key=v", '"my key"', "v"),
        ("/x?q=a%26b%3Bc", "q", "a&b;c"),
        ("/x?q=caf%C3%A9", "q", "café"),
        ("/x?q=%ff", "q", "\ufffd"),
        ("/x?q=up%00here", "q", "up"),
        # One broken escape, or a semicolon, spoils the whole query.
        ("/x?a=1&b=%zz", "a", None),
        ("/x?a=1&b=%4", "a", None),
        ("/x?a=1&b=%", "b", None),
        ("/x?a=1&%zz=2", "a", None),
        ("/x?a=1;b=2", "a", None),
        ("/x?a=1&b=2;c=3", "a", None),
        # A fragment is no part of it.
        ("/x?a=1#b=2", "a", "1"),
        ("/x?a=1#&b=2", "b", None),
        ("/x#?a=1", "a", None),
        ("/x?a=1#;%zz", "a", "1"),
    ],
)
def test_parameter_of_the_query(uri: str, key: str, value: Value) -> None:
    assert value_of({"requestURI": uri}, f"ka.uri.param[{key}]") == value


@pytest.mark.parametrize("document", [{}, {"requestURI": 5}, {"requestURI": None}, {"requestURI": ["?a=1"]}])
def test_parameter_of_a_uri_that_is_none_is_absent(document: Document) -> None:
    assert value_of(document, "ka.uri.param[b]") is None


@pytest.mark.parametrize(
    ("configured", "document", "cluster"),
    [
        ("prod", {"auditID": "1"}, "prod"),
        ("prod", {"auditID": "1", "annotations": {"cluster_name": "said"}}, "said"),
        ("prod", {"auditID": "1", "annotations": {"cluster_name": ""}}, ""),
        ("", {"auditID": "1"}, None),
        ("prod", {}, None),
    ],
)
def test_cluster_is_what_its_sender_says_else_what_is_configured(
    configured: str, document: Document, cluster: str | None
) -> None:
    decoded = Decoded(configured)
    decoded.read(
        encode({"kind": "Event", "stageTimestamp": "2018-10-20T00:18:28.428398Z", **document}), "test"
    )
    (event,) = decoded.events
    field = table().get("ka.cluster.name")
    assert field is not None
    assert field.getter(event) == cluster
