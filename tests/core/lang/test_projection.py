"""What follows from a condition, of the checks that can be made early."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundCheck, BoundField, BoundNode
from falcocore.lang.check import check_condition
from falcocore.lang.codegen import operand_text
from falcocore.lang.diagnostics import Report
from falcocore.lang.evaluate import evaluate
from falcocore.lang.projection import project, weakened
from falcocore.lang.syntax import Node
from tests.support.condition_strategies import bounded, conditions, events

Bind = Callable[..., tuple[BoundNode | None, Report]]


def on_b(check: BoundCheck) -> bool:
    """Checks of s.b with constants can be made early."""
    return isinstance(check.left, BoundField) and check.left.label == "s.b" and not check.compares_operand


def shown(node: BoundNode | bool) -> str:
    """The condition in a short form."""
    if isinstance(node, bool):
        return str(node)
    if isinstance(node, BoundCheck):
        return f"{operand_text(node.left)} {node.operator.name} {node.right}"
    parts = [shown(child) for child in getattr(node, "children", ())]
    name = type(node).__name__
    if name == "BoundNot":
        return f"not {shown(node.child)}"  # type: ignore[union-attr]
    return f"({f' {name[5:].lower()} '.join(parts)})"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("s.b = x", "s.b = x"),
        ("s.a = x", "True"),
        ("not s.a = x", "True"),
        ("not s.b = x", "not s.b = x"),
        ("s.a = x and s.b = y", "s.b = y"),
        # what can't be tested may hold
        ("s.a = x or s.b = y", "True"),
        ("not (s.a = x and s.b = y)", "True"),
        ("not (s.a = x or s.b = y)", "not s.b = y"),
        ("(s.a = x and s.b = y) or (s.c = z and s.b = w)", "(s.b = y or s.b = w)"),
        ("(s.a = x and s.b = y) or (s.c = z and s.b = y)", "s.b = y"),
        ("s.b = x and (s.b = y and (s.b = z and s.a = q))", "(s.b = x and s.b = y and s.b = z)"),
        ("s.b = val(s.a)", "True"),
    ],
)
def test_the_weakest_condition_that_follows(condition: str, expected: str, bind: Bind) -> None:
    tree, _ = bind(condition)
    assert tree is not None
    assert shown(weakened(tree, on_b)) == expected


class _Rule:
    def __init__(self, condition: BoundNode, captures: tuple[BoundField, ...] = ()) -> None:
        self.name = "R"
        self.condition = condition
        self.captures = captures


def test_projection_keeps_the_rules_name_and_all_that_it_reads(bind: Bind) -> None:
    tree, _ = bind("s.b = x and tolower(s.a) = val(s.c)")
    shown_in_output, _ = bind("u.a = 1")
    assert tree is not None
    assert isinstance(shown_in_output, BoundCheck)
    assert isinstance(shown_in_output.left, BoundField)
    (found,) = project([_Rule(tree, (shown_in_output.left,))], on_b)
    assert (found.rule, shown(found.condition)) == ("R", "s.b = x")
    assert [field.label for field in found.reads] == ["s.b", "s.a", "s.c", "u.a"]


@bounded
@given(node=conditions(), event=events(), salt=st.integers(0, 7))
def test_projection_never_rejects_what_its_rule_matches(
    node: Node, event: dict[str, Any], salt: int, fields: FieldTable
) -> None:
    tree = check_condition(node, fields, Report(), "rule")
    assume(tree is not None)
    assert tree is not None

    def get(bound: BoundField) -> Any:
        return bound.getter(event)

    # An arbitrary half of the checks can be made.
    def testable(check: BoundCheck) -> bool:
        return bool((len(operand_text(check.left)) + len(repr(check.right))) >> (salt % 3) & 1) != (salt > 3)

    left = weakened(tree, testable)
    if evaluate(tree, get):
        assert left is True or (left is not False and evaluate(left, get))
