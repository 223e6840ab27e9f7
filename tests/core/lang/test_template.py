"""Output templates: what they render, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.fields import FieldTable
from falcocore.lang.diagnostics import Code, ConditionError
from falcocore.lang.template import parse_template
from falcocore.lang.text import Text

EVENT: dict[str, Any] = {
    "s.a": "x",
    "s.b": "AbC",
    "u.a": 7,
    "b.a": True,
    "d.a": 1.25,
    "ip.a": b"\x0a\x01\x02\x03",
    "net.a": b"\x0a\x01\x02\x03",
    "buf.a": b"a\0b",
    "ls.a": ["p", "q"],
    "s.k[y z]": "keyed",
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain text", "plain text"),
        ("a=%s.a b=%s.b.", "a=x b=AbC."),
        ("%s.a.txt", "x.txt"),
        ("%s.c", "<NA>"),
        ("(%u.a) %b.a %d.a %ip.a %net.a %buf.a", "(7) true 1.2 10.1.2.3 <IPNET> a.b"),
        ("%ls.a|%ls.b", "(p,q)|<NA>"),
        ('%s.k["y z"]%s.k[y]', "keyed<NA>"),
        ("[%5s.a][%2s.b]", "[x    ][Ab]"),
        ('%tolower(s.b) %join("-", ls.a) %len(s.b)', "abc p-q 3"),
        ("%tolower(s.c)", "<NA>"),
        ("*%s.a", "*x"),
    ],
)
def test_template_renders(template: str, text: str, fields: FieldTable) -> None:
    parsed = parse_template(Text.plain(template), fields)
    assert parsed.render({bound.label: bound.getter(EVENT) for bound in parsed.fields}) == text


@pytest.mark.parametrize(
    ("template", "column", "message"),
    [
        ("100%", 4, "`%` is not a field"),
        ("50% of", 3, "is not a field"),
        ("%%s.a", 1, "is not a field"),
        ("x %10", 3, "is not a field"),
        ("user=%s.aa", 7, "has no field `s.aa`"),
        ("%tolower(s.a", 13, "expected , or )"),
        ("%s.r", 2, "needs an argument"),
        ("  ", 1, "the output is empty"),
    ],
)
def test_template_that_cannot_be_formatted_is_refused(
    template: str, column: int, message: str, fields: FieldTable
) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_template(Text.plain(template), fields)
    diagnostic = caught.value.diagnostic
    assert diagnostic.code is Code.COMPILE_OUTPUT
    assert message in diagnostic.message
    assert diagnostic.span is not None
    assert diagnostic.span.position == (1, column)


def test_list_text_is_cut_where_falco_cuts_it(fields: FieldTable) -> None:
    parsed = parse_template(Text.plain("%ls.a"), fields)
    assert len(parsed.render({"ls.a": ["x" * 600, "y" * 600]})) == 1023
