"""Values of fields as an alert's text and JSON have them (output-format, sections 2 and 6)."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.fields import Field
from falcocore.lang.bound import LIST_TEXT_BYTES, BoundField, value_text
from falcocore.types import FieldType as Type

V4, V6 = b"\x0a\x01\x02\x03", b"\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x01"


def field(type_: Type, *, is_list: bool = False, **more: Any) -> BoundField:
    declared = Field("a.b", type_, "d", lambda event: event, is_list=is_list, **more)
    return BoundField(declared, "a.b", declared.getter)


@pytest.mark.parametrize(
    ("type_", "value", "text", "json"),
    [
        (Type.STRING, "a b", "a b", "a b"),
        (Type.STRING, "", "", ""),
        (Type.STRING, "é\n\udcff", "é\n\udcff", "é\n\udcff"),
        (Type.PATH, "/a//b", "/a//b", "/a//b"),
        (Type.UINT64, 0, "0", 0),
        (Type.UINT64, 2**64 - 1, "18446744073709551615", 2**64 - 1),
        (Type.INT64, -5, "-5", -5),
        (Type.DOUBLE, 1.25, "1.2", 1),
        (Type.DOUBLE, 2.0, "2.0", 2),
        (Type.DOUBLE, -0.96, "-1.0", 0),
        (Type.BOOL, True, "true", True),
        (Type.BOOL, False, "false", False),
        (Type.PORT, 443, "443", 443),
        (Type.IPADDR, V4, "10.1.2.3", "10.1.2.3"),
        (Type.IPADDR, V6, "2001:db8::1", "2001:db8::1"),
        (Type.IPNET, V4, "<IPNET>", "<IPNET>"),
        (Type.BUFFER, b"a\0\n\x7f\xffz ", "a....z ", "a....z "),
        (Type.BUFFER, b"", "", ""),
        (Type.BUFFER, b"x" * 2000, "x" * 1023, "x" * 1023),
        # what a getter should not give makes no alert fail
        (Type.IPADDR, b"abc", "<NA>", "<NA>"),
        (Type.DOUBLE, float("inf"), "inf", None),
        (Type.DOUBLE, float("nan"), "nan", None),
        (Type.STRING, None, "<NA>", None),
        (Type.UINT64, None, "<NA>", None),
        (Type.IPADDR, None, "<NA>", None),
        (Type.DOUBLE, None, "<NA>", None),
    ],
)
def test_single_value(type_: Type, value: Any, text: str, json: Any) -> None:
    bound = field(type_)
    assert bound.text(value) == text
    found = bound.json_value(value)
    assert found == json
    assert type(found) is type(json)


@pytest.mark.parametrize(
    ("type_", "value", "text", "json"),
    [
        (Type.STRING, ["a", "b c"], "(a,b c)", ["a", "b c"]),
        (Type.STRING, ["a"], "(a)", ["a"]),
        (Type.STRING, [""], "()", [""]),
        (Type.UINT64, [1, 2], "(1,2)", [1, 2]),
        (Type.BOOL, [True, False], "(true,false)", [True, False]),
        (Type.IPADDR, [V4, V6], "(10.1.2.3,2001:db8::1)", ["10.1.2.3", "2001:db8::1"]),
        (Type.IPNET, [V4], "(<IPNET>)", ["<IPNET>"]),
        (Type.STRING, [], "<NA>", None),
        (Type.STRING, None, "<NA>", None),
    ],
)
def test_list_of_values(type_: Type, value: Any, text: str, json: Any) -> None:
    bound = field(type_, is_list=True)
    assert bound.text(value) == text
    assert bound.json_value(value) == json


@pytest.mark.parametrize(
    ("values", "size"),
    [(["x" * 1021], 1023), (["x" * 1022], 1023), (["x" * 500, "y" * 600], 1023), (["é" * 600], 1023)],
)
def test_text_of_a_list_is_cut_at_1023_bytes(values: list[str], size: int) -> None:
    text = field(Type.STRING, is_list=True).text(values)
    whole = "(" + ",".join(values) + ")"
    raw = text.encode("utf-8", "surrogateescape")
    assert len(raw) == size == LIST_TEXT_BYTES
    assert whole.encode().startswith(raw)


def test_cut_list_keeps_bytes_that_are_no_utf_8() -> None:
    text = field(Type.STRING, is_list=True).text(["\udcff", "x" * 2000])
    assert text.startswith("(\udcff,xxx")


def test_field_may_have_a_text_of_its_own() -> None:
    bound = field(Type.UINT64, text=lambda number: f"<{number:03}>")
    assert bound.text(7) == "<007>"
    assert bound.json_value(7) == 7
    assert bound.text(None) == "<NA>"


def test_value_of_a_transformer_has_the_text_of_its_type() -> None:
    assert value_text(3, Type.UINT64) == "3"
    assert value_text("x", Type.STRING) == "x"
