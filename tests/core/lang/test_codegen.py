"""Generated expressions: constants of any text, what is filled when, and keys of operands."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import pytest

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundCheck, BoundNode
from falcocore.lang.codegen import Flow, Writer, operand_text, plain_fields
from falcocore.lang.compile import Program
from falcocore.lang.diagnostics import Report
from falcocore.lang.grammar import parse_operand
from falcocore.lang.operands import bind_operand, nowhere
from falcocore.lang.printer import print_condition
from falcocore.lang.syntax import Check, FieldRef, Literal, Values
from falcocore.lang.text import Text

Bind = Callable[..., tuple[BoundNode | None, Report]]


class Rule:
    def __init__(self, condition: BoundNode) -> None:
        self.condition = condition
        self.captures = ()


def matches(condition: str, event: dict[str, Any], bind: Bind) -> bool:
    bound, report = bind(condition)
    assert bound is not None, report.diagnostics
    return bool(Program([Rule(bound)], first=True).link()(event, None))


@pytest.mark.parametrize(
    "text",
    ["{v}", "{k}", "{f}", "{g}", "{w}", "{0}", "{", "U", "v0", "e", "\\", "'", '"', "''' or True or '''",
     "\n", "\x01", "\udcff", "é", ") or True or (", "# x", "{v} {k} {f}"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("operator", "modifier", "other"),
    [
        ("=", None, "x"),
        ("startswith", None, "x"),
        ("icontains", None, "x"),
        ("in", None, "x"),
        ("=", "anyof", "x"),
        ("icontains", "oneof", "x"),
    ],
)
def test_text_of_a_rule_is_never_code(
    text: str, operator: str, modifier: str | None, other: str, bind: Bind
) -> None:
    literal = Literal(text, bare=False)
    right = Values((literal,)) if modifier or operator == "in" else literal
    condition = print_condition(Check(FieldRef("s.a"), operator, right, modifier))
    assert matches(condition, {"s.a": text}, bind)
    assert not matches(condition, {"s.a": other}, bind)


def test_generated_code_reaches_no_builtins_but_those_it_needs(bind: Bind) -> None:
    bound, _ = bind('s.a = x and len(ls.a) > 1 and s.b startswith oneof (a, b) and s.a regex "x.*"')
    assert bound is not None
    source = Program([Rule(bound)], first=False).source()
    code = compile(source, "<rules>", "exec")
    (function,) = (const for const in code.co_consts if hasattr(const, "co_names"))
    used = {name for name in function.co_names if hasattr(builtins, name)}
    assert used <= {"bool", "set"}


def code_of(condition: str, bind: Bind, flow: Flow | None = None) -> tuple[str, Writer]:
    bound, _ = bind(condition)
    assert bound is not None
    writer = Writer()
    return writer.node(bound, flow or Flow()).code, writer


@pytest.mark.parametrize(
    ("condition", "fills", "tested"),
    [
        ("s.a = x", 1, 0),
        ("s.a = x or s.a = y", 1, 0),
        ("s.a = x and s.b = y and s.a contains z", 2, 0),
        ("(s.a = x or s.b = y) and s.b = z", 3, 1),
        ("(s.a = x and s.b = y) or s.b = z", 3, 1),
        ("(s.a = x or s.b = y) and s.a = z", 2, 0),
        ("not (s.a = x or s.b = y) and s.b = z", 2, 0),
        ("s.a = val(s.b) and s.b = x", 2, 0),
        ("s.a = val(s.b) or s.b = x", 3, 1),
        ("s.k[x] = a or s.k[y] = b", 2, 0),
        ("tolower(s.a) = x or tolower(s.a) = y", 1, 0),
    ],
)
def test_variable_is_filled_once_on_each_way_and_tested_only_where_it_may_be_filled(
    condition: str, fills: int, tested: int, bind: Bind
) -> None:
    code, writer = code_of(condition, bind)
    assert code.count(":=") == fills
    assert len(writer.tested) == tested


def test_flow_where_ways_meet_is_certain_of_what_all_have_filled() -> None:
    one, two = Flow().with_filled("v0").with_filled("v1"), Flow().with_filled("v1").with_filled("v2")
    joined = Flow.joined([one, two])
    assert joined == Flow(frozenset({"v1"}), frozenset({"v0", "v1", "v2"}))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("s.k[x]", 's.k["x"]', True),
        ("s.k[x]", "s.k", False),
        ("tolower(s.a)", "tolower(s.a)", True),
        ("tolower(s.a)", "toupper(s.a)", False),
        ('concat(s.a, "s.b")', "concat(s.a, s.b)", False),
        ('join(",", (s.a, s.b))', 'join(",", (s.b, s.a))', False),
        ('getopt(ls.a, "a:b:")[a]', 'getopt(ls.a, "a:b:")[b]', False),
        ('getopt(ls.a, "a:")', 'getopt(ls.a, "a:")[a]', False),
    ],
)
def test_operands_have_the_same_key_only_where_they_are_the_same(
    one: str, other: str, same: bool, fields: FieldTable
) -> None:
    keys = {
        operand_text(bind_operand(parse_operand(Text.plain(text)), fields, nowhere)) for text in (one, other)
    }
    assert (len(keys) == 1) is same


def test_plain_fields_are_found_inside_transformers_in_order(bind: Bind) -> None:
    bound, _ = bind('concat(s.b, tolower(s.a), join(",", (s.c, "x", s.b))) exists')
    assert isinstance(bound, BoundCheck)
    assert [field.label for field in plain_fields(bound.left)] == ["s.b", "s.a", "s.c", "s.b"]


def test_getters_are_named_so_that_each_can_be_guarded(bind: Bind) -> None:
    _, writer = code_of("s.a = x or tolower(s.b) = y or s.c = val(u.a)".replace("u.a", "s.a"), bind)
    assert sorted(bound.label for bound in writer.getters.values()) == ["s.a", "s.b", "s.c"]
    assert all(writer.names[name] is bound.getter for name, bound in writer.getters.items())
