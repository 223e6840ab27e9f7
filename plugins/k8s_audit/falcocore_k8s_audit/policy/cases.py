"""A condition as cases: for each what it says about the parts of a request that a policy can test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from falcocore.toolkit import (
    BoundAnd,
    BoundCheck,
    BoundField,
    BoundNode,
    BoundNot,
    BoundOr,
    evaluate_check,
    reduced,
    weakened,
)
from falcocore_k8s_audit.policy.levels import Level, Stage, absent_at, is_time, path_of
from falcocore_k8s_audit.policy.parts import ANYTHING, Known, Literal, Part, known_of, part_of

_STAGE = ("stage",)

MOST_CASES = 200
"""Cases of one condition; what would make more of them is left out, which lets more events pass."""


def possible(condition: BoundNode, stage: Stage, level: Level) -> BoundNode | bool:
    """What is left of a condition for the events of one stage, recorded at a level."""

    def decide(check: BoundCheck) -> bool | None:
        left = check.left
        if not isinstance(left, BoundField) or check.compares_operand:
            return None
        if path_of(left) == _STAGE:
            return evaluate_check(check, lambda _bound: stage.value)
        if absent_at(left, stage, level):
            return False
        if is_time(left):
            return _of_time(check)
        return None

    return reduced(condition, decide)


def _of_time(check: BoundCheck) -> bool | None:
    """Every event has a time, and none of 1970: macros that always or never hold are written so."""
    if check.operator.name == "exists":
        return True
    return False if check.operator.name == "=" and check.right == "0" else None


@dataclass(frozen=True, slots=True)
class Case:
    """One way to fulfil a condition, as far as a policy can tell."""

    known: Mapping[Part, Known]

    def __getitem__(self, part: Part) -> Known:
        return self.known.get(part, ANYTHING)


def cases(condition: BoundNode | bool) -> Iterator[Case]:
    """The cases of a condition. Every event that it holds for is of one of them."""
    projected = condition if isinstance(condition, bool) else weakened(condition, _testable)
    if projected is False:
        return
    for literals in _alternatives(projected, holds=True):
        case = _case(literals)
        if case is not None:
            yield case


def _testable(check: BoundCheck) -> bool:
    left = check.left
    return isinstance(left, BoundField) and not check.compares_operand and part_of(left) is not None


def _alternatives(node: BoundNode | bool, *, holds: bool) -> list[tuple[Literal, ...]]:
    """The disjunctive normal form of a condition, or of its negation."""
    match node:
        case bool():
            return [()] if node is holds else []
        case BoundCheck(left):
            part = part_of(left) if isinstance(left, BoundField) else None
            return [()] if part is None else [(Literal(part, node, holds),)]
        case BoundNot(child):
            return _alternatives(child, holds=not holds)
        case BoundAnd(children) | BoundOr(children):
            parts = [_alternatives(child, holds=holds) for child in children]
            if isinstance(node, BoundOr) is holds:
                either = [literals for part in parts for literals in part]
                return either if len(either) <= MOST_CASES else [()]
            return _product(sorted(parts, key=len))


def _product(parts: Iterable[Sequence[tuple[Literal, ...]]]) -> list[tuple[Literal, ...]]:
    found: list[tuple[Literal, ...]] = [()]
    for part in parts:
        if len(found) * len(part) <= MOST_CASES:
            found = [(*left, *right) for left in found for right in part]
    return found


def _case(literals: Iterable[Literal]) -> Case | None:
    by_part: dict[Part, list[Literal]] = defaultdict(list)
    for literal in literals:
        by_part[literal.part].append(literal)
    known = {part: known_of(part, of) for part, of in by_part.items()}
    return Case(MappingProxyType(known)) if all(one.is_possible for one in known.values()) else None
