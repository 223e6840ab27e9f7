"""Requests as a kube-apiserver gets them, their whole audit events, and rules about them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from falcocore_k8s_audit.policy.levels import Stage
from falcocore_k8s_audit.policy.requests import Requests, Target
from falcocore_k8s_audit.policy.resources import BUILT_IN, read_api_resources

Document = dict[str, Any]

USERS = ("alice", "system:anonymous", "system:apiserver", "system:kube-scheduler", "system:node:a", "bob")
GROUPS = ("system:masters", "system:nodes", "system:serviceaccounts", "dev")
NAMESPACES = ("", "default", "kube-system", "shop")
NAMES = ("", "web", "cluster-admin")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RESOURCES = (
    ("", "pods"),
    ("", "configmaps"),
    ("", "secrets"),
    ("apps", "deployments"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("networking.k8s.io", "ingresses"),
    # Groups and resources that do not come with Kubernetes.
    ("example.com", "pods"),
    ("example.com", "widgets"),
    ("metrics.k8s.io", "pods"),
)
SERVED = read_api_resources("\n".join(f"{resource}.{group}".rstrip(".") for group, resource in RESOURCES))
"""The resources of a cluster that serves these and no others."""
SUBRESOURCES = ("", "exec", "status", "portforward", "scale")
PATHS = ("/healthz", "/healthz/etcd", "/health%7A", "/version", "/apis", "/", "/caf%C3%A9")


def _path(group: str, namespace: str, *parts: str) -> str:
    root = f"/apis/{group}/v1" if group else "/api/v1"
    within = f"/namespaces/{namespace}" if namespace else ""
    return root + within + "".join(f"/{quote(part)}" for part in parts if part)


def _body(draw: st.DrawFn, name: str, namespace: str) -> Document:
    metadata = {"name": name, "namespace": namespace, "managedFields": [{"manager": "m"}]}
    privileged = draw(st.booleans())
    container = {
        "image": draw(st.sampled_from(["nginx", "falco"])),
        "securityContext": {"privileged": privileged},
    }
    return {
        "metadata": {key: value for key, value in metadata.items() if value},
        "spec": {"containers": [container]},
        "data": {"key": draw(st.sampled_from(["password", "x"]))},
    }


@st.composite
def events(draw: st.DrawFn) -> Document:
    """The event that one stage of a request gives where everything is recorded."""
    stage = draw(st.sampled_from(list(Stage)))
    user = draw(st.none() | st.sampled_from(USERS))
    event: Document = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": "a-1",
        "stage": stage.value,
        "user": {},
        "annotations": {"authorization.k8s.io/decision": draw(st.sampled_from(["allow", "forbid"]))},
        "stageTimestamp": "2026-07-01T00:00:00.000000Z",
    }
    if user is not None:
        event["user"] = {"username": user, "groups": draw(st.lists(st.sampled_from(GROUPS), max_size=2))}
    if draw(st.integers(0, 4)) == 0:
        event["requestURI"] = draw(st.sampled_from(PATHS)) + draw(st.sampled_from(["", "?verbose=1"]))
        event["verb"] = draw(st.sampled_from(["get", "post", "head"]))
    else:
        _about_resource(draw, event, is_received=stage is Stage.REQUEST_RECEIVED)
    if stage is not Stage.REQUEST_RECEIVED:
        event["responseStatus"] = {"code": draw(st.sampled_from([101, 200, 201, 403]))}
    return event


def _about_resource(draw: st.DrawFn, event: Document, *, is_received: bool) -> None:
    group, resource = draw(st.sampled_from(RESOURCES))
    known = BUILT_IN.groups.get(group, {}).get(resource, SUBRESOURCES)
    subresource = draw(st.sampled_from([s for s in SUBRESOURCES if not s or s in known]))
    verb = event["verb"] = draw(st.sampled_from(VERBS))
    namespace, name = draw(st.sampled_from(NAMESPACES)), draw(st.sampled_from(NAMES))
    if subresource or verb in ("get", "update", "patch", "delete"):
        name = name or "web"
    elif verb in ("create", "list", "watch", "deletecollection"):
        name = ""
    event["requestURI"] = _path(group, namespace, resource, name, subresource)
    if not is_received and verb in ("create", "update", "patch"):
        # The body completes what the URL leaves open.
        body = _body(draw, draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMESPACES)))
        event["requestObject"] = body
        if verb != "patch":
            name = name or body["metadata"].get("name", "")
            namespace = namespace or body["metadata"].get("namespace", "")
    if not is_received:
        event["responseObject"] = _body(draw, name or "made-up", namespace)
    parts = {
        "resource": resource,
        "namespace": namespace,
        "name": name,
        "apiGroup": group,
        "apiVersion": "v1",
        "subresource": subresource,
    }
    event["objectRef"] = {key: value for key, value in parts.items() if value}


def _some(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.frozensets(st.sampled_from(values), min_size=1, max_size=3)


@st.composite
def _targets(draw: st.DrawFn) -> Target:
    group, resource = draw(st.sampled_from(RESOURCES))
    return Target(
        group,
        draw(st.sampled_from([None, resource])),
        draw(st.sampled_from([None, "", "exec", "status"])),
        draw(st.sampled_from([None, *NAMES])),
    )


NAMED_REQUESTS = st.builds(
    Requests,
    verbs=_some(VERBS),
    users=_some(USERS),
    user_groups=_some(GROUPS),
    namespaces=_some(NAMESPACES),
    targets=st.none() | st.frozensets(_targets(), min_size=1, max_size=3),
) | st.builds(
    Requests,
    verbs=_some(("get", "post")),
    users=_some(USERS),
    urls=_some(("*", "/healthz", "/healthz*", "/version", "/apis*")),
)
"""Requests as a rule of a policy may name them."""


def _choice(values: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from([value for value in values if value] + ["other"]).map(lambda text: f'"{text}"')


def _values(values: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(_choice(values), min_size=1, max_size=3).map(lambda texts: f"({', '.join(texts)})")


_TESTED = {
    "ka.verb": VERBS,
    "jevt.value[/verb]": VERBS,
    "ka.user.name": USERS,
    "ka.target.resource": tuple(resource for _, resource in RESOURCES),
    "ka.target.subresource": SUBRESOURCES,
    "ka.target.namespace": NAMESPACES,
    "ka.target.name": NAMES,
    "jevt.value[/objectRef/apiGroup]": tuple(group for group, _ in RESOURCES),
    "ka.uri": (*PATHS, "/healthz?verbose=1", "/health%", "/api/v1"),
    "ka.stage": tuple(Stage),
}


@st.composite
def _checks(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return f"ka.user.groups {draw(st.sampled_from(['in', 'intersects']))} {draw(_values(GROUPS))}"
    if kind == 1:
        return draw(
            st.sampled_from(
                [
                    "ka.req.pod.containers.privileged intersects (true)",
                    "ka.req.configmap.obj contains password",
                    "ka.resp.name exists",
                    "ka.response.code startswith 2",
                    "ka.auth.decision = allow",
                    "jevt.rawtime exists",
                    "jevt.rawtime = 0",
                    "jevt.value[/requestObject/metadata] contains manager",
                    "jevt.obj contains password",
                    "tolower(ka.verb) = get",
                    "ka.target.name = val(ka.user.name)",
                    "ka.user.groups exists",
                ]
            )
        )
    field = draw(st.sampled_from(sorted(_TESTED)))
    values = _TESTED[field]
    operator = draw(
        st.sampled_from(["=", "!=", "startswith", "in", "intersects", "exists", "= anyof", "glob"])
    )
    if operator == "exists":
        return f"{field} exists"
    if operator in ("in", "intersects", "= anyof"):
        return f"{field} {operator} {draw(_values(values))}"
    return f"{field} {operator} {draw(_choice(values))}"


def _joined(parts: list[str], word: str) -> str:
    return "(" + f" {word} ".join(parts) + ")"


CONDITIONS = st.recursive(
    _checks(),
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.builds(_joined, st.lists(inner, min_size=2, max_size=4), st.sampled_from(["and", "and", "or"])),
    ),
    max_leaves=8,
)
OUTPUTS = st.sampled_from(
    [
        "%ka.user.name %ka.target.name",
        "%ka.req.pod.containers.image",
        "%ka.resp.name",
        "%jevt.value[/requestObject/metadata/managedFields]",
        "%jevt.value[/responseStatus/code] %ka.verb",
        "%jevt.value[/level]",
        "%jevt.obj",
    ]
)


@st.composite
def rule_files(draw: st.DrawFn) -> str:
    """A file with one to four rules."""
    rules = draw(st.lists(st.tuples(CONDITIONS, OUTPUTS), min_size=1, max_size=4))
    return "".join(
        f"- rule: R{number}\n  desc: d\n  condition: >-\n    {condition}\n  output: '{output}'\n"
        f"  priority: INFO\n  source: k8s_audit\n"
        for number, (condition, output) in enumerate(rules)
    )
