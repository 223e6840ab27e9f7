"""Conditions as text: on one line for parsing again, on several for people."""

from __future__ import annotations

import pytest

from falcocore.lang.grammar import parse_condition
from falcocore.lang.printer import format_condition, print_condition, print_operand
from falcocore.lang.syntax import And, Check, FieldRef, Group, Literal, MacroRef, Not, Or, Transform
from falcocore.lang.text import Text

A, B, C = MacroRef("a"), MacroRef("b"), MacroRef("c")


@pytest.mark.parametrize(
    ("condition", "printed"),
    [
        ("a.b=x", "a.b = x"),
        ("a.b == x", "a.b = x"),
        ("a.b  in( x ,y )", "a.b in (x, y)"),
        ("a.b in()", "a.b in ()"),
        ("a.b in names", "a.b in (names)"),
        ('a.b in ("names")', 'a.b in ("names")'),
        ("a.b = 'two words'", 'a.b = "two words"'),
        ("a.b = 'say \"hi\"'", r'a.b = "say \"hi\""'),
        ("a.b = 'a,b=(c)'", 'a.b = "a,b=(c)"'),
        ("a.b = C:\\x", "a.b = C:\\x"),
        ("a.b = 'C:\\\\x'", r'a.b = "C:\\x"'),
        ('a.b = "\\xff"', r'a.b = "\xff"'),
        ('a.b = ""', 'a.b = ""'),
        ("a.b = anyof", 'a.b = "anyof"'),
        ("a.b startswith anyof(x,y)", "a.b startswith anyof (x, y)"),
        ("a.b > -5", "a.b > -5"),
        ("a.b = val( c.d[k] )", "a.b = val(c.d[k])"),
        ("a.b = tolower(c.d)", "a.b = tolower(c.d)"),
        ("a.b[x/y.z] exists", "a.b[x/y.z] exists"),
        ("a.b['x y'] exists", 'a.b["x y"] exists'),
        ("a.b[']'] exists", 'a.b["]"] exists'),
        ("(m and n) or (o)", "(m and n) or o"),
        ("m and(n or o)and not(p)", "m and (n or o) and not p"),
        ("not (m or n)", "not (m or n)"),
        ("not not m", "m"),
    ],
)
def test_condition_prints_on_one_line(condition: str, printed: str) -> None:
    tree = parse_condition(Text.plain(condition))
    assert print_condition(tree) == printed
    assert parse_condition(Text.plain(printed)) == tree


@pytest.mark.parametrize(
    ("tree", "printed"),
    [
        (And((A, Or((B, C)))), "a and (b or c)"),
        (Or((And((A, B)), C)), "(a and b) or c"),
        (And((And((A, B)), C)), "(a and b) and c"),
        (Not(And((A, B))), "not (a and b)"),
        (Not(Not(A)), "not (not a)"),
        (And((Not(A), B)), "not a and b"),
        (Check(FieldRef("a.b"), "=", Literal("x", bare=False)), 'a.b = "x"'),
    ],
)
def test_tree_prints_with_the_parentheses_that_it_needs(tree: And | Or | Not, printed: str) -> None:
    assert print_condition(tree) == printed


@pytest.mark.parametrize(
    ("operand", "printed"),
    [
        (Transform("len", (FieldRef("a.b"),)), "len(a.b)"),
        (Transform("getopt", (FieldRef("a.b"), Literal("x:", bare=False)), "x"), 'getopt(a.b, "x:")[x]'),
        (
            Transform("join", (Literal(","), Group((FieldRef("a.b"), Literal("c", bare=False))))),
            'join(",", (a.b, "c"))',
        ),
        (Transform("concat", (FieldRef("a.b"), Literal("5"))), "concat(a.b, 5)"),
        (Transform("concat", (FieldRef("a.b"), Literal("5", bare=False))), 'concat(a.b, "5")'),
    ],
)
def test_operand_prints_as_a_condition_has_it(operand: Transform, printed: str) -> None:
    assert print_operand(operand) == printed
    parsed = parse_condition(Text.plain(f"{printed} exists"))
    assert isinstance(parsed, Check)
    assert parsed.left == operand


LONG = " or ".join(f"a.name = value_number_{n}" for n in range(5))
HALF = " or ".join(f"a.name = value_{n}" for n in range(4))


@pytest.mark.parametrize(
    ("condition", "lines"),
    [
        ("a.b = x and c.d exists", ["a.b = x and c.d exists"]),
        (
            f"a.b = x and ({LONG}) and not m",
            [
                "a.b = x",
                "and (",
                "  a.name = value_number_0",
                "  or a.name = value_number_1",
                "  or a.name = value_number_2",
                "  or a.name = value_number_3",
                "  or a.name = value_number_4",
                ")",
                "and not m",
            ],
        ),
        (
            f"m and not ({LONG})",
            ["m", "and not (", *(f"  {'or ' if n else ''}a.name = value_number_{n}" for n in range(5)), ")"],
        ),
        (
            f"not ({LONG})",
            ["not (", *(f"  {'or ' if n else ''}a.name = value_number_{n}" for n in range(5)), ")"],
        ),
        (f"({HALF}) and ({HALF})", [f"({HALF})", f"and ({HALF})"]),
    ],
)
def test_condition_for_people_has_a_line_for_each_part_that_is_long(condition: str, lines: list[str]) -> None:
    tree = parse_condition(Text.plain(condition))
    assert format_condition(tree).split("\n") == lines
    assert parse_condition(Text.plain(format_condition(tree))) == tree


def test_single_check_stays_on_its_line_however_long_it_is() -> None:
    condition = f"a.b in ({', '.join(f'value_{n}' for n in range(40))})"
    assert format_condition(parse_condition(Text.plain(condition))) == condition
