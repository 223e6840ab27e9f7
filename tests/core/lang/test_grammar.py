"""What parses, to what; what does not, with which message."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from falcocore.lang import grammar
from falcocore.lang.diagnostics import ConditionError
from falcocore.lang.grammar import MAX_DEPTH, MAX_LENGTH, parse_condition, parse_item, parse_values
from falcocore.lang.syntax import And, Check, FieldRef, Literal, MacroRef, Not, Or, Transform, Values
from falcocore.lang.text import Text

A = Check(FieldRef("a.b"), "=", Literal("x"))
B = Check(FieldRef("c.d"), "exists")


@pytest.mark.parametrize(
    ("condition", "tree"),
    [
        ("a.b = x", A),
        ("a.b==x", A),
        ("\ta.b =\n x ", A),
        ("a.b=x and c.d exists or m", Or((And((A, B)), MacroRef("m")))),
        ("(a.b=x)and(c.d exists or(m))", And((A, Or((B, MacroRef("m")))))),
        ("not not a.b = x", A),
        ("not(a.b = x)", Not(A)),
        ("android and nothing", And((MacroRef("android"), MacroRef("nothing")))),
        (
            "a.b in (x, \"y z\",'t')",
            Check(FieldRef("a.b"), "in", Values((Literal("x"), Literal("y z"), Literal("t")))),
        ),
        ("a.b in()", Check(FieldRef("a.b"), "in", Values(()))),
        ("a.b in names", Check(FieldRef("a.b"), "in", Values((Literal("names"),)))),
        ('a.b = val(c.d["k 1"])', Check(FieldRef("a.b"), "=", FieldRef("c.d", "k 1"))),
        (
            "a.b contains anyof names",
            Check(FieldRef("a.b"), "contains", Values((Literal("names"),)), "anyof"),
        ),
        ("a.b contains anyof and c.d exists", And((Check(FieldRef("a.b"), "contains", Literal("anyof")), B))),
        (
            "len(tolower(a.b)) > 3",
            Check(Transform("len", (Transform("tolower", (FieldRef("a.b"),)),)), ">", Literal("3")),
        ),
        (
            'getopt(a.b, "nt:")[t] = x',
            Check(Transform("getopt", (FieldRef("a.b"), Literal("nt:")), "t"), "=", Literal("x")),
        ),
        ("a.b > limit", Check(FieldRef("a.b"), ">", Literal("limit"))),
    ],
)
def test_condition_parses_to(condition: str, tree: object) -> None:
    assert parse_condition(Text.plain(condition)) == tree


@pytest.mark.parametrize(
    ("condition", "column", "message", "hint"),
    [
        ("a.b = x AND c.d exists", 9, "expected and, or, or the end, found `AND`", "lower case"),
        ("a.b = x && c.d exists", 9, "found `&&`", "write `and`"),
        ("a.b not in (x)", 5, "expected an operator", "`not` stands before the field"),
        ("a.b startwith x", 5, "found `startwith`", "did you mean `startswith`?"),
        ("a.b contains(x)", 5, "found `contains(`", "put a blank after `contains`"),
        ("a.b in (x,)", 11, "expected a value of the list, found `)`", None),
        ("a.b in (x y)", 11, "expected , or ), found `y`", None),
        ("a.b in (val(c.d))", 12, "expected , or )", None),
        ("(a.b = x", 9, "expected ), found the end", None),
        ("a.b = x and", 12, "found the end", None),
        ("and a.b = x", 1, "found `and`", "something is missing before"),
        ("", 1, "expected a field, a macro, not or (, found the end", None),
        ('a.b = "x', 7, 'found `"`', "not closed"),
        ('a.b = "C:\\\\"', 7, 'found `"`', "can't end in a backslash"),
        ('a.b = "a\\qb"', 9, "unknown escape \\q", None),
        ("a.b <> x", 6, "expected a number", None),
        ("lower(a.b) = x", 1, "found `lower(`", "did you mean `tolower(`?"),
        ("tolower (a.b) = x", 9, "found `(`", "no blank stands between"),
        ("val(a.b) = x", 1, "found `val(`", "right of an operator"),
        ("a.b[ k ] = x", 4, "found `[`", "no blanks"),
        ("a.b = x,y", 8, "found `,`", "needs quotes"),
    ],
)
def test_mistake_is_reported_where_it_stands(
    condition: str, column: int, message: str, hint: str | None
) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(Text.plain(condition))
    diagnostic = caught.value.diagnostic
    assert diagnostic.span is not None
    assert diagnostic.span.position == (1, column)
    assert message in diagnostic.message
    assert (hint is None) == (diagnostic.hint is None)
    assert hint is None or hint in str(diagnostic.hint)


def _at_depth(frames: int, call: Callable[[], Any]) -> Any:
    return call() if frames == 0 else _at_depth(frames - 1, call)


def test_deepest_allowed_nesting_parses_even_from_a_deep_caller() -> None:
    condition = Text.plain("(not " * MAX_DEPTH + "a.b = x" + ")" * MAX_DEPTH)
    limit = sys.getrecursionlimit()
    assert isinstance(_at_depth(limit - 300, lambda: parse_condition(condition)), Not)
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("(" * (MAX_DEPTH + 1) + "a.b = x" + ")" * (MAX_DEPTH + 1), "parentheses within each other"),
        ("len(" * 5000, "parentheses within each other"),
        ("a.b = x or " * (MAX_LENGTH // 8), "characters"),
    ],
)
def test_hostile_size_is_refused_before_parsing(
    condition: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grammar, "_grammar", lambda: pytest.fail("the parser was started"))
    with pytest.raises(ConditionError, match=message):
        parse_condition(Text.plain(condition))


def test_quotes_that_are_never_closed_cost_no_more_than_their_length() -> None:
    condition = 'a.b = "' + 'x\\"' * (MAX_LENGTH // 4)
    with pytest.raises(ConditionError, match='found `"`'):
        parse_condition(Text.plain(condition))


@pytest.mark.parametrize(
    ("item", "literal"),
    [
        ("a", "a"),
        (" a b ", "a b"),
        ('"a,b"', "a,b"),
        ("'a b'", "a b"),
        ("5", "5"),
        ("/usr/bin/[", "/usr/bin/["),
    ],
)
def test_list_item_is_a_literal(item: str, literal: str) -> None:
    assert parse_item(Text.plain(item)).text == literal


def test_places_of_literals_are_their_own() -> None:
    values = parse_values(Text.plain("(a, 'b c' ,d)"))
    places = [(i.place.start, i.place.end) for i in values.items if i.place]
    assert places == [(1, 2), (4, 9), (11, 12)]
