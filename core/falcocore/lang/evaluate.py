"""The tree evaluated directly: the slow way that compiled code is held against, and that can be watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from falcocore.fields import Several
from falcocore.lang.bound import (
    BoundAnd,
    BoundArgument,
    BoundCheck,
    BoundField,
    BoundNode,
    BoundNot,
    BoundOperand,
    BoundOr,
    BoundTransform,
)
from falcocore.lang.transformers import apply_each, getopt_one

Get = Callable[[BoundField], Any]
"""Looks up the value of a field; None or an empty list where it is absent."""


def evaluate(node: BoundNode, get: Get) -> bool:
    """True where the condition holds for the event whose fields `get` looks up."""
    match node:
        case BoundAnd(children):
            return all(evaluate(child, get) for child in children)
        case BoundOr(children):
            return any(evaluate(child, get) for child in children)
        case BoundNot(child):
            return not evaluate(child, get)
        case BoundCheck():
            return evaluate_check(node, get)


def evaluate_check(check: BoundCheck, get: Get) -> bool:
    """True where one check holds; false where a field that it needs is absent."""
    value = evaluate_operand(check.left, get)
    if is_absent(value):
        return False
    right = check.right
    if check.compares_operand:
        right = evaluate_operand(right, get)
        if is_absent(right):
            return False
    if isinstance(check.left, BoundField) and check.left.field.several:
        return evaluate_several(check, value, right)
    return _evaluate_value(check, value, right)


def evaluate_several(check: BoundCheck, values: Sequence[Any], right: Any) -> bool:
    """A check on a field with several values, of which at least one is there."""
    assert isinstance(check.left, BoundField)  # noqa: S101 - for the type checker; the callers have tested it
    all_of_them = check.left.field.several is Several.EITHER and check.operator.name == "!="
    return (all if all_of_them else any)(_evaluate_value(check, value, right) for value in values)


def _evaluate_value(check: BoundCheck, value: Any, right: Any) -> bool:
    operator = check.operator
    if check.compares_operand:
        if check.left.is_list and operator.on_lists:
            return operator.on_lists.function(value, right)
        return operator.operand_function is not None and operator.operand_function(value, right)
    if check.left.is_list and operator.on_lists:
        return operator.on_lists.function(value, right)
    if check.modifier is None:
        return operator.function(value, right)
    matches = sum(operator.function(value, constant) for constant in right)
    return {"oneof": matches == 1, "anyof": matches > 0, "allof": 0 < matches == len(right)}[check.modifier]


def is_absent(value: object) -> bool:
    """True for what a getter returns where the event has no such value."""
    return value is None or value == [] or value == ()


def evaluate_operand(operand: BoundOperand, get: Get) -> Any:
    """The value of a field or of a transformer's result; None where it is absent."""
    if isinstance(operand, BoundField):
        return get(operand)
    return _transformed(operand, get)


def _transformed(transform: BoundTransform, get: Get) -> Any:
    values = [_argument(argument, get) for argument in transform.arguments]
    if any(is_absent(value) for value in values):
        return None
    if transform.index is not None:
        return getopt_one(values[0], values[1], transform.index)
    if transform.is_list and not transform.transformer.whole_list:
        return apply_each(transform.transformer, values[0])
    return transform.transformer.function(*values)


def _argument(argument: BoundArgument, get: Get) -> Any:
    match argument:
        case str():
            return argument
        case tuple():
            items = [_argument(item, get) for item in argument]
            return None if None in items else items
        case _:
            return evaluate_operand(argument, get)
