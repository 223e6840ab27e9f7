"""Whether one condition follows from another, in the cases that can be shown.

`implies` answers True only where every event that the first condition holds for also satisfies the second;
False means that it was not shown. That a check on an absent field is false is kept in mind throughout.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from falcocore.lang.bound import BoundAnd, BoundCheck, BoundField, BoundNode, BoundNot, BoundOr
from falcocore.lang.codegen import operand_text, plain_fields
from falcocore.lang.evaluate import evaluate_check
from falcocore.lang.paths import PathPatterns

MOST_STEPS = 2_000
"""Comparisons of parts that are made for one answer; conditions that need more are left alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A check, or the negation of one."""

    check: BoundCheck
    positive: bool


@dataclass(frozen=True, slots=True, eq=False)
class Every:
    """All of some parts."""

    parts: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Some:
    """One of some parts."""

    parts: tuple[Claim, ...]


Claim: TypeAlias = Every | Some | Literal
"""A condition in which only checks are negated."""


def claim(node: BoundNode, *, positive: bool = True) -> Claim:
    """The condition, or its negation, with `not` moved down to the checks."""
    match node:
        case BoundCheck():
            return Literal(node, positive)
        case BoundNot(child):
            return claim(child, positive=not positive)
        case BoundAnd(children) | BoundOr(children):
            kind = Every if isinstance(node, BoundAnd) is positive else Some
            return kind(tuple(_flat(kind, (claim(child, positive=positive) for child in children))))


def _flat(kind: type[Every] | type[Some], parts: Iterable[Claim]) -> Iterable[Claim]:
    for part in parts:
        if isinstance(part, kind):
            yield from part.parts
        else:
            yield part


def labels(part: Claim) -> frozenset[str]:
    """The fields that a claim reads."""
    if isinstance(part, Literal):
        return frozenset(bound.label for bound in _fields(part.check))
    return frozenset().union(*map(labels, part.parts))


def _fields(check: BoundCheck) -> Iterable[BoundField]:
    yield from plain_fields(check.left)
    if check.compares_operand:
        yield from plain_fields(check.right)


class _TooLongError(Exception):
    """The steps are used up."""


def implies(first: Claim, second: Claim) -> bool:
    """True where it can be shown that the second claim holds whenever the first does."""
    try:
        return _Proof().implies(first, second)
    except _TooLongError:
        return False


class _Proof:
    def __init__(self) -> None:
        self._steps = 0

    def implies(self, first: Claim, second: Claim) -> bool:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise _TooLongError
        if isinstance(first, Some):
            return all(self.implies(part, second) for part in first.parts)
        if isinstance(second, Every):
            return all(self.implies(first, part) for part in second.parts)
        if isinstance(second, Some) and any(self.implies(first, part) for part in second.parts):
            return True
        if isinstance(first, Every):
            return any(self.implies(part, second) for part in first.parts)
        return isinstance(second, Literal) and _literal_implies(first, second)


def _literal_implies(first: Literal, second: Literal) -> bool:
    match first.positive, second.positive:
        case True, True:
            return _check_implies(first.check, second.check)
        case False, False:
            return _check_implies(second.check, first.check)
        case True, False:
            return _excludes(first.check, second.check)
        case _:
            return False  # Where a field is absent, the negation holds and no check does.


def _check_implies(first: BoundCheck, second: BoundCheck) -> bool:
    """True where a value that makes the first check true makes the second true as well."""
    if second.operator.name == "exists" and isinstance(second.left, BoundField):
        # No check is true without each of the fields that it reads.
        return second.left.label in {bound.label for bound in _fields(first)}
    if operand_text(first.left) != operand_text(second.left):
        return False
    if first.compares_operand or second.compares_operand:
        return _is_same(first, second)
    if _is_same(first, second):
        return True
    if first.left.is_list:
        return _list_implies(first, second)
    values = _values(first)
    if values is not None:
        return all(_holds(second, value) for value in values)
    if second.operator.name == "!=" and second.modifier is None and _is_plain(second.right):
        return isinstance(second.left, BoundField) and not _holds(first, second.right)
    if first.modifier or second.modifier:
        return False
    return _order_implies(first, second) or _text_implies(first, second)


def _is_same(first: BoundCheck, second: BoundCheck) -> bool:
    if (first.operator.name, first.modifier) != (second.operator.name, second.modifier):
        return False
    if first.compares_operand and second.compares_operand:
        return operand_text(first.right) == operand_text(second.right)
    if first.compares_operand or second.compares_operand:
        return False
    return _means_the_same(first.right, second.right)


def _means_the_same(one: Any, other: Any) -> bool:
    """True for constants of one operator that are equal; some have an equality of their own."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_means_the_same, one, other))
    if isinstance(one, PathPatterns) and isinstance(other, PathPatterns):
        return set(one.patterns) == set(other.patterns)
    if hasattr(one, "pattern") and hasattr(other, "pattern"):
        return bool(one.pattern == other.pattern)  # a regular expression of RE2
    return bool(one == other) if _is_plain(one) or callable(one) else one is other


def _is_plain(constant: Any) -> bool:
    """True for constants whose equality says that they mean the same."""
    if isinstance(constant, tuple):
        return all(map(_is_plain, constant))
    return constant is None or isinstance(constant, str | int | float | bytes | frozenset)


def _values(check: BoundCheck) -> Iterable[Any] | None:
    """The values of a plain field that make a check true, where they can be counted."""
    if not isinstance(check.left, BoundField):
        return None
    if check.operator.name == "=" and check.modifier is None and _is_plain(check.right):
        return (check.right,)
    if check.operator.name == "=" and check.modifier == "anyof" and _is_plain(check.right):
        constants: Iterable[Any] = check.right
        return constants
    if check.operator.name in {"in", "intersects"} and isinstance(check.right, frozenset):
        return check.right
    return None


def _holds(check: BoundCheck, value: Any) -> bool:
    return evaluate_check(check, lambda _bound: value)


def _list_implies(first: BoundCheck, second: BoundCheck) -> bool:
    """The same for a field of many values, which `in` and `intersects` compare."""
    if not (isinstance(first.right, frozenset) and isinstance(second.right, frozenset)):
        return False
    kinds = (first.operator.name, second.operator.name)
    return kinds != ("intersects", "in") and first.right <= second.right


def _excludes(first: BoundCheck, second: BoundCheck) -> bool:
    """True where no value makes both checks true."""
    if first.compares_operand or second.compares_operand or first.left.is_list:
        return False
    if not isinstance(first.left, BoundField) or operand_text(first.left) != operand_text(second.left):
        return False
    for one, other in ((first, second), (second, first)):
        values = _values(one)
        if values is not None:
            return not any(_holds(other, value) for value in values)
    return False


_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def _order_implies(first: BoundCheck, second: BoundCheck) -> bool:
    one, other = first.operator.name, second.operator.name
    if one not in _ORDERS or other not in _ORDERS or one[0] != other[0]:
        return False
    # Only `>= 3` before `> 3` needs more room than the limits themselves have.
    strictly = len(one) == 2 and len(other) == 1
    return bool(_ORDERS[one[0] if strictly else f"{one[0]}="](first.right, second.right))


def _text_implies(first: BoundCheck, second: BoundCheck) -> bool:
    """The same for parts of texts: what begins with `ab` begins with `a`, and contains `b`."""
    match first.operator.name, second.operator.name:
        case ("startswith", "startswith"):
            return bool(first.right.startswith(second.right))
        case ("endswith", "endswith"):
            return bool(first.right.endswith(second.right))
        case ("startswith" | "endswith" | "contains", "contains"):
            return second.right in first.right
        case _:
            return False
