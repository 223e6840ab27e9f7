"""What every event that a rule matches must satisfy, of the checks that somebody else can make.

This is the push-down: a kernel, an API server or a byte scan can drop an event early that no rule can
match, if it makes only those checks that it knows how to. A projection is the weakest condition of such
checks that follows from the rule's; where nothing follows it is True, and nothing may be dropped.

A check on an absent field is false here as everywhere. Whoever makes the checks has to do the same, and
has to let an event pass of which it can't tell whether a field is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from falcocore.lang.bound import BoundAnd, BoundCheck, BoundField, BoundNode, BoundNot, BoundOr, checks
from falcocore.lang.codegen import operand_text, plain_fields
from falcocore.lang.partial import joined, negated

Testable = Callable[[BoundCheck], bool]
"""True for a check that can be made early."""


class Projectable(Protocol):
    """What a projection needs of a rule."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def condition(self) -> BoundNode:
        """When it matches."""

    @property
    def captures(self) -> tuple[BoundField, ...]:
        """The fields whose values its alerts show."""


@dataclass(frozen=True, slots=True)
class Projection:
    """One rule's: `condition` holds for every event that the rule matches.

    True says that any event may match, False that none can. `reads` are the fields that have to be there
    for those events that pass: those of the rule's whole condition and of its output.
    """

    rule: str
    condition: BoundNode | bool
    reads: tuple[BoundField, ...]


def project(rules: Iterable[Projectable], testable: Testable) -> tuple[Projection, ...]:
    """A projection for each rule, in order."""
    return tuple(
        Projection(rule.name, weakened(rule.condition, testable), fields_read(rule.condition, rule.captures))
        for rule in rules
    )


def weakened(node: BoundNode, testable: Testable) -> BoundNode | bool:
    """The weakest condition of testable checks that follows from a condition, simplified."""
    return _bound(node, testable, above=True)


def _bound(node: BoundNode, testable: Testable, *, above: bool) -> BoundNode | bool:
    """The closest condition of testable checks that `node` implies (above), or that implies it."""
    match node:
        case BoundCheck():
            return node if testable(node) else above
        case BoundNot(child):
            return negated(_bound(child, testable, above=not above))
        case BoundAnd(children) | BoundOr(children):
            kind = type(node)
            parts = [_bound(child, testable, above=above) for child in children]
            return joined(kind, _distinct(_flat(kind, parts)))


def _flat(
    kind: type[BoundAnd] | type[BoundOr], parts: Sequence[BoundNode | bool]
) -> Iterator[BoundNode | bool]:
    """The parts, with those of a part of the same kind in its place."""
    for part in parts:
        if isinstance(part, BoundAnd | BoundOr) and isinstance(part, kind):
            yield from part.children
        else:
            yield part


def _distinct(parts: Iterable[BoundNode | bool]) -> list[BoundNode | bool]:
    """Each part once; two rules' macros often say the same."""
    return list({_identity(part): part for part in parts}.values())


def _identity(part: BoundNode | bool) -> Any:
    match part:
        case BoundCheck(left, operator, right, modifier):
            shown = operand_text(right) if part.compares_operand else repr(right)
            return operand_text(left), operator.name, part.compares_operand, shown, modifier
        case BoundNot(child):
            return "not", _identity(child)
        case BoundAnd(children) | BoundOr(children):
            return type(part).__name__, *map(_identity, children)
        case _:
            return part


def fields_read(condition: BoundNode | bool, captures: Sequence[BoundField]) -> tuple[BoundField, ...]:
    """Each field of a condition, or of what is left of one, and of the captures, once."""
    found: dict[str, BoundField] = {}
    for check in () if isinstance(condition, bool) else checks(condition):
        for operand in (check.left, check.right) if check.compares_operand else (check.left,):
            found.update((bound.label, bound) for bound in plain_fields(operand))
    found.update((bound.label, bound) for bound in captures)
    return tuple(found.values())
