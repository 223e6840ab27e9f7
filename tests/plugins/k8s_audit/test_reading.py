"""How fields find their values in an event, which arguments they take, and how values are printed."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.api import Argument, ArgumentKind, FieldType
from falcocore.types import Value
from falcocore_k8s_audit.event import Path
from falcocore_k8s_audit.reading import (
    EACH,
    METADATA,
    REQUEST,
    indexed,
    indexed_texts_at,
    keyed,
    length,
    listing,
    paths,
    scalar,
    spread,
    text_at,
    texts_at,
)
from tests.support.audit_fields import Json, bound, check, decode, event_of, holds, request, spec, value_of

TREE = request(a=[{"b": ["x", "y"], "c": 1}, {"b": "z"}, {"c": {"d": None}}, {"b": []}, 5], empty=[])
A = ("requestObject", "a")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("auditID",), "a-1"),
        (("requestObject", "empty"), "[]"),
        ((*A, "0", "c"), "1"),
        ((*A, "2", "c"), '{"d":null}'),
        ((*A, "2", "c", "d"), "null"),
        ((*A, "1", "b", "d"), None),
        ((*A, "9"), None),
        (("verb",), None),
        (("requestObject", "b"), None),
    ],
)
def test_text_at_a_path(path: Path, value: str | None) -> None:
    assert text_at(*path)(event_of(TREE)) == value


@pytest.mark.parametrize(
    ("path", "whole", "first", "second"),
    [
        ((*A, EACH, "b", EACH), ["x", "y"], ["x", "y"], []),
        ((*A, EACH, "b"), ['["x","y"]', "z", "[]"], ['["x","y"]'], ["z"]),
        ((*A, EACH, "c"), ["1", '{"d":null}'], ["1"], []),
        ((*A, EACH, "c", "d"), ["null"], [], []),
        ((*A, "0", "b", EACH), ["x", "y"], ["x"], ["y"]),
        (("requestObject", "empty", EACH), [], [], []),
        (("requestObject", EACH), [], [], []),
        (("missing", EACH, "b"), [], [], []),
    ],
)
def test_texts_at_a_path_through_arrays(
    path: Path, whole: list[str], first: list[str], second: list[str]
) -> None:
    event = event_of(TREE)
    assert texts_at(*path)(event) == whole
    bind = indexed_texts_at(*path)
    assert [bind(index)(event) for index in (None, 0, 1, 5)] == [whole, first, second, []]
    assert [bytes(raw) for raw in spread(event, path, 0)] == [bytes(raw) for raw in spread(event, path)][
        : len(first)
    ]


def test_an_index_picks_an_element_of_the_first_array_only() -> None:
    event = event_of(TREE)
    assert paths(event, (*A, EACH, "b", EACH)) == [(*A, "0", "b", "0"), (*A, "0", "b", "1")]
    assert paths(event, (*A, EACH, "b", EACH), 0) == [(*A, "0", "b", "0"), (*A, "0", "b", "1")]
    assert paths(event, (*A, EACH, "b", EACH), 1) == []
    assert paths(event, (*A, EACH), 4) == [(*A, "4")]
    assert paths(event, A, 4) == [A]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (A, 5),
        (("requestObject", "empty"), 0),
        ((*A, "0", "b"), 2),
        (("requestObject",), None),
        (("auditID",), None),
        (("missing",), None),
    ],
)
def test_only_arrays_have_a_length(path: Path, expected: int | None) -> None:
    assert length(event_of(TREE), path) == expected


def test_four_shapes_of_fields() -> None:
    text, texts = text_at("verb"), texts_at("user", "groups", EACH)
    key = Argument(ArgumentKind.KEY, required=True)
    index = Argument(ArgumentKind.INDEX)
    made = [
        scalar("ka.a", "one", text, METADATA),
        listing("ka.b", "many", texts, REQUEST),
        keyed("ka.c", "one", lambda _key: text, METADATA),
        indexed("ka.d", "many", lambda _index: texts, REQUEST),
    ]
    assert [(f.name, f.doc, f.is_list, f.argument, f.needs) for f in made] == [
        ("ka.a", "one", False, None, ("Metadata",)),
        ("ka.b", "many", True, None, ("Request",)),
        ("ka.c", "one", False, key, ("Metadata",)),
        ("ka.d", "many", True, index, ("Request",)),
    ]
    assert {f.type for f in made} == {FieldType.STRING}


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("ka.sourceips[01]", "takes an index: a number without leading zeros, of 64 bits"),
        ("ka.req.pod.containers.image[00]", "without leading zeros"),
        ("ka.req.pod.volumes.hostpath[x]", "takes an index"),
        ("ka.req.role.rules.verbs[-1]", "takes an index"),
        ("ka.req.role.rules.verbs[+1]", "takes an index"),
        ("ka.req.service.ports[1x]", "takes an index"),
        ("ka.verb[0]", "takes no argument"),
        ("ka.user.groups[0]", "takes no argument"),
        ("ka.req.binding.subjects[0]", "takes no argument"),
        ("ka.req.pod.supplemental_groups[0]", "takes no argument"),
        ("ka.req.container.image[0]", "takes no argument"),
        ("jevt.obj[x]", "takes no argument"),
        ("jevt.rawtime[0]", "takes no argument"),
        ("ka.uri.param", "needs an argument: ka.uri.param[key]"),
        ("ka.req.volume.hostpath", "needs an argument"),
        ("ka.req.binding.subject.has_name", "needs an argument"),
    ],
)
def test_argument_that_a_field_does_not_take_is_an_error(field: str, message: str) -> None:
    _, report = check(f"{field} exists")
    (error,) = report.errors
    assert message in error.message


def test_index_beyond_any_array_is_absent() -> None:
    assert value_of({"sourceIPs": ["::1"]}, f"ka.sourceips[{10**15}]") is None


@pytest.mark.parametrize(
    ("document", "field", "text", "in_json"),
    [
        ({}, "ka.verb", "<NA>", None),
        ({}, "ka.user.groups", "<NA>", None),
        ({"user": {"groups": []}}, "ka.user.groups", "<NA>", None),
        ({"verb": "get"}, "ka.verb", "get", "get"),
        ({"verb": ""}, "ka.verb", "", ""),
        ({"user": {"groups": ["a"]}}, "ka.user.groups", "(a)", ["a"]),
        ({"user": {"groups": ["a", "b,c"]}}, "ka.user.groups", "(a,b,c)", ["a", "b,c"]),
        (spec(hostNetwork=True), "ka.req.pod.host_network", "true", "true"),
        (request(data={"b": 1, "a": "x"}), "ka.req.configmap.obj", '{"b":1,"a":"x"}', '{"b":1,"a":"x"}'),
        (
            {"user": {"groups": ["g" * 1000, "h" * 1000]}},
            "ka.user.groups",
            f"({'g' * 1000},{'h' * 21}",
            ["g" * 1000, "h" * 1000],
        ),
    ],
)
def test_values_in_texts_and_in_json(document: dict[str, Any], field: str, text: str, in_json: Json) -> None:
    found = bound(field)
    value = found.getter(event_of(document))
    assert found.text(value) == text
    assert found.json_value(value) == in_json


@pytest.mark.parametrize(
    ("body", "value"),
    [(b'"userAgent":"a\xffb"', "a\ufffdb"), (b'"userAgent":"a\\ud800b"', "a\ufffdb")],
)
@pytest.mark.parametrize("leaf", [b"userAgent", b"verb"])
def test_text_that_is_no_unicode_holds_a_replacement_character(
    leaf: bytes, body: bytes, value: Value
) -> None:
    text = b'{"kind":"Event","auditID":"a","stageTimestamp":"2018-10-20T00:18:28Z",' + body + b"}"
    field = {b"userAgent": "ka.useragent", b"verb": "ka.verb"}[leaf]
    assert bound(field).getter(decode(text.replace(b"userAgent", leaf))) == value


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # Numbers compare as texts.
        ("ka.response.code startswith 2", True),
        ("ka.response.code < 3", True),
        ("ka.response.code < 1000", False),
        # An absent field fails every check, and the negation of a check holds.
        ("ka.user.name = alice", False),
        ("ka.user.name != alice", False),
        ("not ka.user.name = alice", True),
        ("ka.user.name exists", False),
        ("ka.user.groups in (a)", False),
        ("not ka.user.groups intersects (a)", True),
        # An empty text is there.
        ("ka.auth.reason exists", True),
        ('ka.auth.reason = ""', True),
    ],
)
def test_conditions_on_present_and_absent_fields(condition: str, expected: bool) -> None:
    document = {"responseStatus": {"code": 201}, "annotations": {"authorization.k8s.io/reason": ""}}
    assert holds(condition, document) is expected


@pytest.mark.parametrize("operator", ["=", "!=", "contains", "startswith", "regex", "<"])
def test_list_field_takes_no_operator_on_one_value(operator: str) -> None:
    _, report = check(f"ka.req.pod.containers.image {operator} nginx")
    (error,) = report.errors
    assert "does not take a list" in error.message
