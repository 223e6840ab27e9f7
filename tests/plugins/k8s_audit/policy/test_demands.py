"""What conditions say about the requests that have to be recorded."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from falcocore.lang.bound import BoundField, BoundNode
from falcocore_k8s_audit.policy.cases import MOST_CASES
from falcocore_k8s_audit.policy.demands import NOT_FOR_RESOURCES, Demand, demands_of
from falcocore_k8s_audit.policy.levels import Stage
from falcocore_k8s_audit.policy.requests import Requests, Target
from falcocore_k8s_audit.policy.resources import BUILT_IN, Cluster, read_api_resources
from tests.support.audit_fields import bound, check

CLUSTER = Cluster(
    read_api_resources("pods\nconfigmaps\nnamespaces\nclusterroles.rbac.authorization.k8s.io\nwidgets.x.io")
)
"""A cluster of which everything is known: what may be in other groups makes the tables long."""


@dataclass(frozen=True)
class _Rule:
    condition: BoundNode
    captures: tuple[BoundField, ...] = ()
    name: str = "R"


def demands(condition: str, *captures: str, cluster: Cluster = CLUSTER) -> list[Demand]:
    node, report = check(condition)
    assert node is not None, report.errors
    return demands_of([_Rule(node, tuple(map(bound, captures)))], cluster)


def names(*texts: str) -> frozenset[str]:
    return frozenset(texts)


def targets(*found: Target) -> frozenset[Target]:
    return frozenset(found)


PODS = Target("", "pods")
COMPLETE = "ka.stage = ResponseComplete and "


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("ka.verb = get", [Requests(verbs=names("get"))]),
        ("jevt.value[/verb] in (get, list)", [Requests(verbs=names("get", "list"))]),
        ("ka.verb = anyof (get, list) and ka.verb startswith g", [Requests(verbs=names("get"))]),
        ("ka.verb = get and ka.verb = list", []),
        ("ka.user.name = alice", [Requests(users=names("alice"))]),
        ("ka.user.name startswith system:", [Requests()]),
        ("ka.user.groups in (a, b)", [Requests(user_groups=names("a", "b"))]),
        ("ka.user.groups intersects (a, b)", [Requests(user_groups=names("a", "b"))]),
        ("ka.target.resource = pods", [Requests(targets=targets(PODS))]),
        ("ka.target.resource = pods and not ka.target.subresource exists",
         [Requests(targets=targets(Target("", "pods", "")))]),
        ("ka.target.resource = pods and ka.target.subresource in (exec, attach)",
         [Requests(targets=targets(Target("", "pods", "exec"), Target("", "pods", "attach")))]),
        ("ka.target.subresource = exec",
         [Requests(targets=targets(Target("", "pods", "exec"), Target("x.io", None, "exec")))]),
        # A policy can't ask for resources themselves where it names none.
        ("not ka.target.subresource exists", [Requests()]),
        ('ka.target.subresource in ("", exec)', [Requests()]),
        ("ka.target.resource = secrets", []),
        ("jevt.value[/objectRef/apiGroup] = x.io", [Requests(targets=targets(Target("x.io")))]),
        ("ka.target.resource = widgets and not jevt.value[/objectRef/apiGroup] exists",
         [Requests(targets=targets(Target("", "widgets")))]),
        # A name that is in the body only is an empty one for the policy.
        ("ka.verb = get and ka.target.resource = pods and ka.target.name = web",
         [Requests(verbs=names("get"), targets=targets(Target("", "pods", None, "web")))]),
        ("ka.verb = create and ka.target.resource = pods and ka.target.name = web",
         [Requests(verbs=names("create"),
                   targets=targets(Target("", "pods", None, "web"), Target("", "pods", None, "")))]),
        ("ka.verb = update and ka.target.namespace = shop",
         [Requests(verbs=names("update"), namespaces=names("shop", ""))]),
        ("ka.verb = delete and ka.target.namespace = shop",
         [Requests(verbs=names("delete"), namespaces=names("shop"))]),
        # Other URLs: a policy sees the path decoded, and only where no resource is asked for.
        ("not ka.target.resource exists and ka.uri = /healthz", [Requests(urls=names("/healthz"))]),
        ("not ka.target.resource exists and ka.uri startswith /healthz?", [Requests(urls=names("/healthz"))]),
        ("not ka.target.resource exists and ka.uri startswith /healthz", [Requests(urls=names("/healthz*"))]),
        ("not ka.target.resource exists and ka.uri = /caf%C3%A9", [Requests(urls=names("/café"))]),
        ("not ka.target.resource exists and ka.uri startswith /caf%C3", [Requests(urls=names("/caf*"))]),
        ("not ka.target.resource exists and ka.uri startswith /health%7", [Requests(urls=names("/health*"))]),
        ("not ka.target.resource exists and ka.uri = /a*b", [Requests(urls=names("/a*"))]),
        ("not ka.target.resource exists and ka.uri = /", [Requests(urls=names("*"))]),
        ("ka.uri = /healthz", [Requests(urls=names("/healthz")), Requests()]),
        # What a policy can't test is left out, what decides nothing too.
        ("ka.verb = get and ka.response.code = 200", [Requests(verbs=names("get"))]),
        ("ka.verb = get or ka.response.code = 200", [Requests()]),
        ("ka.verb = val(ka.user.name)", [Requests()]),
        ("tolower(ka.verb) = get", [Requests()]),
        ("ka.verb = get and jevt.rawtime exists", [Requests(verbs=names("get"))]),
        ("ka.verb = get and not jevt.rawtime exists", []),
        ("ka.verb = get and jevt.rawtime = 0", []),
        ("(ka.verb = get or ka.verb = list) and ka.user.name = a",
         [Requests(verbs=names("get"), users=names("a")), Requests(verbs=names("list"), users=names("a"))]),
    ],
)  # fmt: skip
def test_requests(condition: str, expected: list[Requests]) -> None:
    assert sorted((d.requests for d in demands(COMPLETE + f"({condition})")), key=repr) == sorted(
        expected, key=repr
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("not ka.verb in (get, list)", [Requests(verbs=names("get", "list"))]),
        ("ka.verb != get", [Requests(verbs=names("get"))]),
        ("not ka.user.name in (a, b)", [Requests(users=names("a", "b"))]),
        ("not ka.user.groups intersects (a, b)", [Requests(user_groups=names("a", "b"))]),
        ("not ka.user.groups in (a, b)", []),
        ("not ka.target.namespace = shop", [Requests(namespaces=names("shop"))]),
        # An empty namespace is what a policy sees of one that is in the body.
        ('not ka.target.namespace in ("", shop)', [Requests(namespaces=names("shop"))]),
        ("not ka.target.resource = pods", [Requests(targets=targets(PODS))]),
        ("not ka.target.subresource = exec",
         [Requests(targets=targets(Target("", "pods", "exec"), Target("x.io", None, "exec")))]),
        ("not jevt.value[/objectRef/apiGroup] = x.io", [Requests(targets=targets(Target("x.io")))]),
        ("ka.target.resource = pods and ka.target.subresource exists",
         [Requests(targets=targets(Target("", "pods", "")))]),
        ("ka.target.resource = pods and not ka.target.name = web",
         [Requests(targets=targets(Target("", "pods", None, "web")))]),
        ("ka.target.name exists", [NOT_FOR_RESOURCES]),
        # /healthz may be sent as /health%7A.
        ("not ka.uri = /healthz", []),
        ("ka.verb in (get, list) and not ka.verb = get", []),
    ],
)  # fmt: skip
def test_exclusions(condition: str, expected: list[Requests]) -> None:
    (found,) = demands(COMPLETE + condition)
    assert list(found.exclusions) == expected


def test_users_of_kubernetes_are_excluded_by_name_where_a_rule_speaks_of_how_names_begin() -> None:
    (found,) = demands(COMPLETE + "not ka.user.name startswith system:")
    (users,) = (exclusion.users or names() for exclusion in found.exclusions)
    assert {"system:apiserver", "system:kube-scheduler", "system:serviceaccount:kube-system:coredns"} <= users


@pytest.mark.parametrize(
    ("condition", "groups"),
    [
        ("not ka.user.name startswith system:", {"system:nodes", "system:serviceaccounts"}),
        ("not ka.user.name startswith system:node:", {"system:nodes"}),
        ("not ka.user.name startswith system:node:a", set()),
        ("ka.user.name startswith system:node:a", {"system:serviceaccounts"}),
        ("ka.user.name startswith alice", {"system:nodes", "system:serviceaccounts"}),
        ("ka.user.name startswith sys", set()),
    ],
)
def test_groups_are_excluded_where_their_names_are_trusted(condition: str, groups: set[str]) -> None:
    trusting = Cluster(CLUSTER.resources, trusts_group_names=True)
    (found,) = demands(COMPLETE + condition, cluster=trusting)
    assert {g for e in found.exclusions for g in e.user_groups or ()} == groups
    (found,) = demands(COMPLETE + condition)
    assert not any(e.user_groups for e in found.exclusions)


@pytest.mark.parametrize(
    ("condition", "stages"),
    [
        ("ka.stage = ResponseComplete", {Stage.RESPONSE_COMPLETE}),
        ("jevt.value[/stage] in (ResponseStarted, Panic)", {Stage.RESPONSE_STARTED, Stage.PANIC}),
        ("not ka.stage = RequestReceived", set(Stage) - {Stage.REQUEST_RECEIVED}),
        ("ka.stage startswith Response", {Stage.RESPONSE_STARTED, Stage.RESPONSE_COMPLETE}),
        ("ka.verb = get", set(Stage)),
        # Nothing of the answer and of the body is known when a request is received.
        ("ka.response.code = 200", set(Stage) - {Stage.REQUEST_RECEIVED}),
        ("ka.req.configmap.obj exists", set(Stage) - {Stage.REQUEST_RECEIVED}),
        ("not ka.response.code = 200", set(Stage)),
        ("ka.stage = Elsewhere", set()),
    ],
)
def test_stages(condition: str, stages: set[Stage]) -> None:
    assert {stage for demand in demands(condition) for stage in demand.need.stages} == stages


@pytest.mark.parametrize(
    ("condition", "captures", "level"),
    [
        ("ka.verb = get", (), "Metadata"),
        ("ka.req.configmap.obj contains x", (), "Request"),
        ("ka.verb = get", ("ka.req.configmap.obj",), "Request"),
        ("ka.verb = get", ("ka.resp.name",), "RequestResponse"),
        ("ka.verb = get and (ka.verb = val(ka.resp.name))", (), "RequestResponse"),
        # What can't hold at a stage is not read.
        ("ka.stage = ResponseStarted or (ka.stage = Nowhere and ka.resp.name exists)", (), "Metadata"),
    ],
)
def test_levels(condition: str, captures: tuple[str, ...], level: str) -> None:
    assert {demand.need.level.word for demand in demands(condition, *captures)} == {level}


def test_a_resource_is_looked_for_in_groups_that_are_not_known_too() -> None:
    known, others = demands(COMPLETE + "ka.verb = create and ka.target.resource = pods", cluster=Cluster())
    assert known.requests == Requests(verbs=names("create"), targets=targets(PODS))
    assert others.requests == Requests(verbs=names("create"))
    assert others.exclusions == (
        NOT_FOR_RESOURCES,
        Requests(targets=frozenset(map(Target, BUILT_IN.groups))),
    )


def test_a_condition_with_too_many_cases_lets_everything_pass() -> None:
    either = " and ".join(f"(ka.verb in (a, v{n}) or ka.user.name in (b, u{n}))" for n in range(20))
    assert 0 < len(demands(either)) <= MOST_CASES
    many = " or ".join(f"(ka.verb = v{n} and ka.user.name = u{n})" for n in range(300))
    assert [demand.requests for demand in demands(COMPLETE + f"({many})")] == [Requests()]
