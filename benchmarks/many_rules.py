"""A thousand rules: those that are given, with names and constants varied, one in five without dispatch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundAnd, BoundCheck, BoundField, BoundNode, BoundNot, BoundOr
from falcocore.lang.check import check_condition
from falcocore.lang.diagnostics import Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.text import Text
from falcocore.ruleset import Rule

KEPT = frozenset({"jevt.value[/stage]", "ka.verb", "ka.target.resource", "ka.target.subresource"})
"""Fields whose constants are not varied: the words of the API."""
_UNDISPATCHABLE = "ka.user.name startswith svc-{n}- and ka.uri contains /x{n}/"


def varied_rules(rules: Sequence[Rule], count: int, fields: FieldTable) -> list[Rule]:
    """`count` rules, the given ones among them."""
    found = list(rules)
    number = 0
    while len(found) < count:
        number += 1
        rule = rules[number % len(rules)]
        condition = _undispatchable(number, fields) if number % 5 == 0 else _varied(rule.condition, number)
        found.append(replace(rule, name=f"{rule.name} {number}", condition=condition))
    return found


def _undispatchable(number: int, fields: FieldTable) -> BoundNode:
    text = Text.plain(_UNDISPATCHABLE.format(n=number))
    condition = check_condition(parse_condition(text), fields, Report(), "rule")
    assert condition is not None
    return condition


def _varied(node: BoundNode, number: int) -> BoundNode:
    """The condition with other constants, but for what it excludes: that would make it match everything."""
    match node:
        case BoundCheck(left=BoundField(label=label)) if label not in KEPT and node.operator.name != "!=":
            return replace(node, right=_other(node.right, number))
        case BoundCheck() | BoundNot():
            return node
        case BoundAnd(children) | BoundOr(children):
            return type(node)(tuple(_varied(child, number) for child in children))


def _other(constant: object, number: int) -> object:
    match constant:
        case str():
            return f"{constant}{number}"
        case frozenset():
            return frozenset(_other(inner, number) for inner in constant)
        case _:
            return constant
