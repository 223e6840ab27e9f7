"""JSON text opened level by level: the first of equal keys, texts as rules see them, compact and indented."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec import Raw

from falcocore_k8s_audit.raw import (
    children,
    compact,
    indented,
    string,
    text,
    until_nul,
    without_lone_surrogates,
)
from falcocore_k8s_audit.scan import NotJsonError
from tests.support.audit_decoding import Number, read_json
from tests.support.audit_json_strategies import SPACING, VALUES, Tokens, spelled

EXAMPLES = int(os.environ.get("FALCOCORE_EXAMPLES", "300"))
bounded = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
DEEP = b"[" * 5000 + b" 1 " + b"]" * 5000


@pytest.mark.parametrize(
    ("document", "members"),
    [
        (b"{}", {}),
        (b'{"a":1,"b":[ 2 ]}', {"a": b"1", "b": b"[ 2 ]"}),
        (b'{"a":1,"b":2,"a":3}', {"a": b"1", "b": b"2"}),
        (b' {"a" : 1 , "a" : 3}', {"a": b"1"}),
        (rb'{"\u0061":1,"a":2}', {"a": b"1"}),
        (rb'{"a":2,"\u0061":1}', {"a": b"2"}),
        (rb'{"a\/b\n":1}', {"a/b\n": b"1"}),
        (rb'{"\ud800":1,"\udc00":2,"b":3}', {"\ufffd": b"1", "b": b"3"}),
        (b'{"\xff":1,"b":"\xff"}', {"\ufffd": b"1", "b": b'"\xff"'}),
        (b'{"a":null,"":{}}', {"a": b"null", "": b"{}"}),
        (rb'{"a":"\ud800","a":1}', {"a": rb'"\ud800"'}),
        (b'{"deep":' + DEEP + b',"deep":1}', {"deep": DEEP}),
    ],
)
def test_members_of_an_object(document: bytes, members: dict[str, bytes]) -> None:
    for given_as in (document, Raw(document)):
        found = children(given_as)
        assert isinstance(found, dict)
        assert [(key, bytes(raw)) for key, raw in found.items()] == list(members.items())


@pytest.mark.parametrize(
    ("document", "elements"),
    [
        (b"[]", []),
        (b' [ 1 , "a" , { "b" : 1 } ] ', [b"1", b'"a"', b'{ "b" : 1 }']),
        (rb'["\ud800",1.50]', [rb'"\ud800"', b"1.50"]),
        (b"[" + DEEP + b",1]", [DEEP, b"1"]),
    ],
)
def test_elements_of_an_array(document: bytes, elements: list[bytes]) -> None:
    found = children(document)
    assert isinstance(found, list)
    assert [bytes(raw) for raw in found] == elements


@pytest.mark.parametrize("document", [b'"a"', b"1", b"null", b" true ", rb'"\ud800"', b'"{}"'])
def test_scalar_has_no_children(document: bytes) -> None:
    assert children(document) is None


@pytest.mark.parametrize("document", [b"", b"{", b'{"a":01}', b"[1,]", b'{"a":1}}', b'"', b"nul"])
def test_broken_document_is_refused(document: bytes) -> None:
    for read in (children, compact, indented):
        with pytest.raises(NotJsonError):
            read(document)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'""', ""),
        (b'"a b"', "a b"),
        (rb'"a\u0041\n\"\\\/"', 'aA\n"\\/'),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"a\ud83db"', "a\ufffdb"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\\ud800"', r"\ud800"),
        (b'"\xff"', "\ufffd"),
        (rb'"up to\u0000here"', "up to"),
        (rb'"\u0000"', ""),
        (b"1.50", "1.50"),
        (b"1E3", "1E3"),
        (b"-0", "-0"),
        (b"12345678901234567890", "12345678901234567890"),
        (b"true", "true"),
        (b"null", "null"),
        (b"{}", "{}"),
        (b'{ "b" : 1.0,\n"a" : [ 1, "x y" ] }', '{"b":1.0,"a":[1,"x y"]}'),
        (b'{"a":1, "a":2}', '{"a":1,"a":2}'),
        (rb'[ "\u0041\/\u0000" ]', r'["\u0041\/\u0000"]'),
        (b'["\xff" ]', '["\ufffd"]'),
    ],
)
def test_text_is_the_value_as_rules_see_it(raw: bytes, value: str) -> None:
    assert text(raw) == text(Raw(raw)) == value


@pytest.mark.parametrize(
    ("literal", "value"),
    [(b'"a"', "a"), (rb'"a\u0000b"', "a\0b"), (rb'"\ud800\"\uDC00"', '\ufffd"\ufffd'), (b'"\xc3"', "\ufffd")],
)
def test_string_keeps_all_of_it(literal: bytes, value: str) -> None:
    assert string(literal) == value


@pytest.mark.parametrize(("value", "shown"), [("", ""), ("a", "a"), ("a\0b\0c", "a"), ("\0", "")])
def test_nul_ends_a_text(value: str, shown: str) -> None:
    assert until_nul(value) == shown


@pytest.mark.parametrize(
    ("document", "mended"),
    [
        (rb"\ud800", rb"\ufffd"),
        (rb"\uDfFf", rb"\ufffd"),
        (rb"\ud83d\ude00", rb"\ud83d\ude00"),
        (rb"\ud83d\ud83d\ude00\ude00", rb"\ufffd\ud83d\ude00\ufffd"),
        (rb"\ud83d \ude00", rb"\ufffd \ufffd"),
        (rb"\\ud800", rb"\\ud800"),
        (rb"\\\ud800", rb"\\\ufffd"),
        (rb"\ud7ff\ue000\"\n", rb"\ud7ff\ue000\"\n"),
    ],
)
def test_half_characters_are_replaced(document: bytes, mended: bytes) -> None:
    assert without_lone_surrogates(document) == mended


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        (b"{}", "{}"),
        (
            b'{"b":[1,{"c":1.50}],"a":""}',
            '{\n  "b": [\n    1,\n    {\n      "c": 1.50\n    }\n  ],\n  "a": ""\n}',
        ),
        (rb'{"a":"\u0041","a":[]}', '{\n  "a": "\\u0041",\n  "a": []\n}'),
        # Too deep to be indented, so that it stays on one line.
        (DEEP, "[" * 5000 + "1" + "]" * 5000),
    ],
)
def test_indented_by_two_blanks(document: bytes, lines: str) -> None:
    assert indented(document) == lines.encode()


@bounded
@given(VALUES, SPACING)
def test_compact_text_is_the_tokens_and_nothing_else(tokens: Tokens, spacing: list[bytes]) -> None:
    assert compact(spelled(tokens, spacing)) == b"".join(tokens)


@bounded
@given(VALUES, SPACING)
def test_texts_of_any_value_are_those_of_a_plain_reader(tokens: Tokens, spacing: list[bytes]) -> None:
    document = spelled(tokens, spacing).strip()
    value = read_json(document)
    match value:
        case str():
            assert text(document) == value.partition("\0")[0]
        case Number(spelling=spelling):
            assert text(document) == spelling
        case dict():
            found = children(document)
            assert isinstance(found, dict)
            assert {key: read_json(bytes(raw)) for key, raw in found.items()} == value
            assert read_json(text(document).encode()) == value
        case list():
            found = children(document)
            assert isinstance(found, list)
            assert [read_json(bytes(raw)) for raw in found] == value
            assert read_json(text(document).encode()) == value
        case _:
            assert text(document) == document.decode()
