"""Fields of roles and role bindings."""

from __future__ import annotations

import pytest

from falcocore.types import Value
from tests.support.audit_fields import Document, Json, holds, request, value_of

RULES = [
    {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get"]},
    {"nonResourceURLs": ["/healthz", "/api/*"], "verbs": ["get", "*"]},
    {"apiGroups": "apps", "resources": {"0": "pods"}, "verbs": None, "nonResourceURLs": 5},
    "no rule",
    {"apiGroups": ["batch"], "resources": [], "verbs": ["create", 7]},
]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ka.req.role.rules.apiGroups", ["", "apps", "batch"]),
        ("ka.req.role.rules.resources", ["pods", "deployments"]),
        ("ka.req.role.rules.verbs", ["get", "get", "*", "create", "7"]),
        ("ka.req.role.rules.nonResourceURLs", ["/healthz", "/api/*"]),
        # An index picks the rule, not one of its entries.
        ("ka.req.role.rules.apiGroups[0]", ["", "apps"]),
        ("ka.req.role.rules.resources[0]", ["pods", "deployments"]),
        ("ka.req.role.rules.verbs[1]", ["get", "*"]),
        ("ka.req.role.rules.nonResourceURLs[1]", ["/healthz", "/api/*"]),
        # A rule whose key is missing or no array gives nothing.
        ("ka.req.role.rules.apiGroups[1]", None),
        ("ka.req.role.rules.apiGroups[2]", None),
        ("ka.req.role.rules.resources[2]", None),
        ("ka.req.role.rules.verbs[2]", None),
        ("ka.req.role.rules.nonResourceURLs[2]", None),
        ("ka.req.role.rules.verbs[3]", None),
        ("ka.req.role.rules.resources[4]", None),
        ("ka.req.role.rules.verbs[5]", None),
    ],
)
def test_parts_of_all_rules_are_flattened(field: str, value: Value) -> None:
    assert value_of(request(rules=RULES), field) == value


def test_rules_are_each_one_json_text() -> None:
    rules = [{"verbs": ["get"], "apiGroups": [""]}, {"verbs": ["*"]}]
    texts = ['{"verbs":["get"],"apiGroups":[""]}', '{"verbs":["*"]}']
    assert value_of(request(rules=rules), "ka.req.role.rules") == texts
    assert value_of(request(rules=[{}]), "ka.req.role.rules") == ["{}"]


SUBJECTS = [
    {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "alice"},
    {"kind": "Group", "name": "system:masters"},
    {"kind": "ServiceAccount", "name": "builder", "namespace": "ci"},
    {"kind": "ServiceAccount", "name": "stray"},
    {"kind": "User", "name": "bob", "namespace": "ignored"},
    {"kind": "ServiceAccount", "namespace": "nameless"},
    {"kind": "user", "name": "wrong case"},
    {"name": "no kind"},
    "no subject",
]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_names", ["alice", "bob"]),
        ("group_names", ["system:masters"]),
        ("serviceaccount_names", ["builder", "stray"]),
        # Without a namespace there is no full name.
        ("serviceaccount_ns_names", ["ci:builder"]),
    ],
)
def test_subjects_by_kind(field: str, value: Value) -> None:
    assert value_of(request(subjects=SUBJECTS), f"ka.req.binding.subjects.{field}") == value


@pytest.mark.parametrize(
    "field",
    [
        "ka.req.binding.subjects.user_names",
        "ka.req.binding.subjects.group_names",
        "ka.req.binding.subjects.serviceaccount_names",
        "ka.req.binding.subjects.serviceaccount_ns_names",
    ],
)
@pytest.mark.parametrize(
    "subjects", [[], [{"kind": "Robot", "name": "r2"}], {"kind": "User", "name": "alice"}, "alice", None]
)
def test_no_subject_of_a_kind_is_absent(field: str, subjects: Json) -> None:
    assert value_of(request(subjects=subjects), field) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alice", "true"),
        ("system:masters", "true"),
        ("builder", "true"),
        ("no kind", "true"),
        ("ali", "false"),
        ("ci", "false"),
        ("ci:builder", "false"),
        ("User", "false"),
    ],
)
def test_has_name_compares_the_names_of_subjects_of_any_kind(name: str, value: str) -> None:
    assert value_of(request(subjects=SUBJECTS), f'ka.req.binding.subject.has_name["{name}"]') == value


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (request(subjects=[]), "false"),
        (request(subjects=[5, None]), "false"),
        (request(subjects={"name": "alice"}), None),
        (request(), None),
        ({}, None),
    ],
)
def test_has_name_of_no_subjects(document: Document, value: Value) -> None:
    assert value_of(document, "ka.req.binding.subject.has_name[alice]") == value


@pytest.mark.parametrize(
    ("document", "field", "value"),
    [
        (request(roleRef={"kind": "ClusterRole", "name": "view"}), "ka.req.binding.role", "view"),
        (request(roleRef={"kind": "ClusterRole"}), "ka.req.binding.role", None),
        (request(roleRef="view"), "ka.req.binding.role", None),
        ({"objectRef": {"name": "view"}}, "ka.req.binding.role", None),
        (
            request(subjects=[{"name": "a", "kind": "User"}, 1]),
            "ka.req.binding.subjects",
            ['{"name":"a","kind":"User"}', "1"],
        ),
    ],
)
def test_binding(document: Document, field: str, value: Value) -> None:
    assert value_of(document, field) == value


@pytest.mark.parametrize("field", ["ka.req.role.rules", "ka.req.binding.subjects"])
@pytest.mark.parametrize(
    "document",
    [
        {},
        request(),
        request(rules=[], subjects=[]),
        request(rules={}, subjects={}),
        {"requestObject": [{"rules": [{}], "subjects": [{}]}]},
    ],
)
def test_rules_and_subjects_that_are_no_array_with_elements_are_absent(
    field: str, document: Document
) -> None:
    assert value_of(document, field) is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('ka.req.role.rules.verbs intersects ("*")', True),
        ('ka.req.role.rules.resources intersects ("*")', False),
        ("ka.req.role.rules.verbs[0] intersects (create, update)", False),
        ("ka.req.role.rules.verbs[4] intersects (create, update)", True),
    ],
)
def test_conditions_on_roles(condition: str, expected: bool) -> None:
    assert holds(condition, request(rules=RULES)) is expected
