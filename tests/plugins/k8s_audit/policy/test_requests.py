"""Sets of requests: what two have in common, which covers which, and what one rule can name."""

from __future__ import annotations

import pytest
from hypothesis import given

from falcocore_k8s_audit.policy.policy import Request
from falcocore_k8s_audit.policy.requests import EVERY, Requests, Target, matches_url
from tests.support.audit_requests import NAMED_REQUESTS, events
from tests.support.condition_strategies import bounded

NAMED = frozenset
GET = Requests(verbs=NAMED({"get"}))


@bounded
@given(one=NAMED_REQUESTS, other=NAMED_REQUESTS, event=events())
def test_sets_agree_with_what_is_in_them(one: Requests, other: Requests, event: dict[str, object]) -> None:
    request = Request.of(event)
    in_one, in_other = request.is_among(one), request.is_among(other)
    common, both = one.intersection(other), one.union(other)
    if in_one and in_other:
        assert common is not None
        assert request.is_among(common)
    if common is not None and None in (one.user_groups, other.user_groups) and request.is_among(common):
        assert in_one
        assert in_other
    if both is not None:
        assert request.is_among(both) == (in_one or in_other)
    if one.covers(other) and in_other:
        assert in_one
    assert request.is_among(EVERY)


PODS = Target("", "pods", "")
ANY_PODS = Target("", "pods")


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        (EVERY, Requests(verbs=NAMED({"get"})), Requests(verbs=NAMED({"get"}))),
        (
            Requests(verbs=NAMED({"get", "list"})),
            Requests(verbs=NAMED({"get"})),
            Requests(verbs=NAMED({"get"})),
        ),
        (Requests(verbs=NAMED({"list"})), Requests(verbs=NAMED({"get"})), None),
        (Requests(urls=NAMED("*")), Requests(targets=NAMED({PODS})), None),
        (Requests(urls=NAMED("*")), Requests(namespaces=NAMED({"a"})), None),
        (Requests(urls=NAMED({"/a*"})), Requests(urls=NAMED({"/ab", "/b"})), Requests(urls=NAMED({"/ab"}))),
        (
            Requests(targets=NAMED({Target("", None, "exec")})),
            Requests(targets=NAMED({ANY_PODS})),
            Requests(targets=NAMED({Target("", "pods", "exec")})),
        ),
        (Requests(targets=NAMED({PODS})), Requests(targets=NAMED({Target("apps", "pods", "")})), None),
        (
            Requests(targets=NAMED({Target("", "pods", "", "a")})),
            Requests(targets=NAMED({ANY_PODS})),
            Requests(targets=NAMED({Target("", "pods", "", "a")})),
        ),
    ],
)
def test_what_two_have_in_common(one: Requests, other: Requests, common: Requests | None) -> None:
    assert one.intersection(other) == common
    assert other.intersection(one) == common
    if common is not None:
        assert one.covers(common)
        assert other.covers(common)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (EVERY, GET, EVERY),
        (
            Requests(verbs=NAMED({"get"}), targets=NAMED({PODS})),
            Requests(verbs=NAMED({"list"}), targets=NAMED({PODS})),
            Requests(verbs=NAMED({"get", "list"}), targets=NAMED({PODS})),
        ),
        # Two parts differ: the union would name more than both.
        (
            Requests(verbs=NAMED({"get"}), targets=NAMED({PODS})),
            Requests(verbs=NAMED({"list"}), targets=NAMED({Target("", "nodes", "")})),
            None,
        ),
        (Requests(urls=NAMED({"/a"})), Requests(targets=NAMED({PODS})), None),
    ],
)
def test_what_one_rule_can_name(one: Requests, other: Requests, both: Requests | None) -> None:
    assert one.union(other) == both
    assert other.union(one) == both


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*", "", True),
        ("*", "/version", True),
        ("/healthz", "/healthz", True),
        ("/healthz", "/healthz/etcd", False),
        ("/healthz*", "/healthz", True),
        ("/healthz*", "/healthz/etcd", True),
        ("/healthz/*", "/healthz", False),
        ("/a*", "/b", False),
        ("/a**", "/ab", True),
    ],
)
def test_patterns_of_urls(pattern: str, path: str, fits: bool) -> None:
    assert matches_url(pattern, path) is fits
