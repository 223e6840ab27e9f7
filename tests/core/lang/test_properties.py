"""What holds for every condition: printing parses back, generated code equals plain evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundNode
from falcocore.lang.check import check_condition
from falcocore.lang.compile import Program
from falcocore.lang.diagnostics import Report
from falcocore.lang.evaluate import evaluate
from falcocore.lang.grammar import parse_condition
from falcocore.lang.printer import format_condition, print_condition
from falcocore.lang.syntax import Node
from falcocore.lang.text import Text
from tests.support.condition_strategies import bounded, conditions, events


class _Rule:
    def __init__(self, condition: BoundNode) -> None:
        self.condition = condition
        self.captures = ()


@bounded
@given(node=conditions())
def test_printed_condition_parses_to_an_equal_tree(node: Node) -> None:
    assert parse_condition(Text.plain(print_condition(node))) == node
    assert parse_condition(Text.plain(format_condition(node))) == node


def bound_tree(node: Node, fields: FieldTable) -> BoundNode | None:
    return check_condition(node, fields, Report(), "rule")


def counting(event: dict[str, Any], calls: dict[str, int]) -> Any:
    class Event(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            calls[key] = calls.get(key, 0) + 1
            return super().get(key, default)

    return Event(event)


@bounded
@given(
    nodes=st.lists(conditions(), min_size=1, max_size=5),
    stream=st.lists(events(), min_size=1, max_size=3),
    first=st.booleans(),
    least_rules=st.sampled_from([1, 9]),
    many_rules=st.sampled_from([1, 9]),
)
def test_generated_code_equals_plain_evaluation(
    nodes: list[Node],
    stream: list[dict[str, Any]],
    first: bool,
    least_rules: int,
    many_rules: int,
    fields: FieldTable,
) -> None:
    trees = [tree for node in nodes if (tree := bound_tree(node, fields)) is not None]
    assume(trees)
    rules = [_Rule(tree) for tree in trees]
    match = Program(rules, first=first, least_rules=least_rules, many_rules=many_rules).link()
    for event in stream:
        found = match(event, None)
        expected = [rule for rule in rules if evaluate(rule.condition, lambda bound: bound.getter(event))]  # noqa: B023
        assert [rule for rule, _ in found] == (expected[:1] if first else expected)


@bounded
@given(nodes=st.lists(conditions(), min_size=1, max_size=4), event=events())
def test_each_plain_field_is_extracted_at_most_once(
    nodes: list[Node], event: dict[str, Any], fields: FieldTable
) -> None:
    trees = [
        tree for node in nodes if "(" not in print_condition(node) and (tree := bound_tree(node, fields))
    ]
    assume(trees)
    calls: dict[str, int] = {}
    rules = [_Rule(tree) for tree in trees]
    match = Program(rules, first=False, least_rules=1, many_rules=1).link()
    match(counting(event, calls), None)
    assert max(calls.values()) == 1


Bind = Callable[..., tuple[BoundNode | None, Report]]


def test_strategies_are_accepted_by_the_checker(fields: FieldTable) -> None:
    refused: list[str] = []

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(node=conditions())
    def collect(node: Node) -> None:
        if bound_tree(node, fields) is None:
            refused.append(print_condition(node))

    collect()
    assert len(refused) < 60, refused[:5]


@pytest.mark.parametrize("depth", [95])
def test_deep_condition_compiles(depth: int, bind: Bind) -> None:
    condition = "s.a = x"
    for level in range(depth):
        condition = f"({condition} {'and' if level % 2 else 'or'} s.b = y)"
    bound, _ = bind(condition)
    assert bound is not None
    assert Program([_Rule(bound)], first=True).link()({"s.a": "x", "s.b": "y"}, None)
