"""In which class of calls a condition may hold, and what the kernel has to find there.

It is an upper bound: the kernel may send more than rules match, never less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from falcocore.toolkit import BoundAnd, BoundCheck, BoundNode, BoundNot, BoundOr
from falcocore_syscall.live.pushdown.classes import EVERY, NONE, Kind, Verdict
from falcocore_syscall.live.pushdown.needs import NO_NEEDS, Needs
from falcocore_syscall.live.pushdown.values import needs_of

MOST_TERMS = 24
"""A condition with more ways to hold is simplified, so that more passes than it asks for."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The ways in which a condition may hold: what is needed for it, and in which classes."""

    terms: Mapping[Needs, int] = field(default_factory=dict)

    @property
    def anything(self) -> int:
        """The classes in which any event may make the condition hold."""
        return self.terms.get(NO_NEEDS, NONE)

    @property
    def classes(self) -> int:
        """All classes in which it may hold."""
        return reduce(or_, self.terms.values(), NONE)

    def within(self, classes: int) -> Demand:
        """The same in fewer classes."""
        return Demand({needs: left for needs, its in self.terms.items() if (left := its & classes)})


NOTHING = Demand()
_ONE_OF_SEVERAL = ("paths", "users", "ports", "programs", "exes", "directories", "parents", "ancestors")
"""Needs that are joined to one without a loss where there is no other difference."""

Decide = Callable[[BoundCheck], Verdict]


def may_hold(node: BoundNode, decide: Decide, kind: Kind) -> Demand:
    """When a condition may hold for calls of a kind."""
    match node:
        case BoundCheck():
            return _of_check(node, decide(node), kind, holds=True)
        case BoundNot(child):
            return may_fail(child, decide, kind)
        case BoundAnd(children):
            return _all(may_hold(child, decide, kind) for child in children)
        case BoundOr(children):
            return joined(may_hold(child, decide, kind) for child in children)


def may_fail(node: BoundNode, decide: Decide, kind: Kind) -> Demand:
    """When a condition may not hold."""
    match node:
        case BoundCheck():
            return _of_check(node, decide(node), kind, holds=False)
        case BoundNot(child):
            return may_hold(child, decide, kind)
        case BoundAnd(children):
            return joined(may_fail(child, decide, kind) for child in children)
        case BoundOr(children):
            return _all(may_fail(child, decide, kind) for child in children)


def _of_check(check: BoundCheck, verdict: Verdict, kind: Kind, *, holds: bool) -> Demand:
    certain, never = (verdict.holds, verdict.fails) if holds else (verdict.fails, verdict.holds)
    open_classes = EVERY & ~certain & ~never
    needs = needs_of(check, kind, holds=holds) if open_classes else None
    if needs is None:
        return _simple({NO_NEEDS: EVERY & ~never})
    return _simple({NO_NEEDS: certain, needs: open_classes})


def _simple(terms: Mapping[Needs, int]) -> Demand:
    """Without what is in no class, or asks for less elsewhere."""
    anything = terms.get(NO_NEEDS, NONE)
    found = {needs: left for needs, its in terms.items() if needs != NO_NEEDS and (left := its & ~anything)}
    return Demand({NO_NEEDS: anything, **found} if anything else found)


def joined(demands: Iterable[Demand]) -> Demand:
    """The demand of whoever has one of these."""
    terms: dict[Needs, int] = {}
    for demand in demands:
        for needs, classes in demand.terms.items():
            terms[needs] = terms.get(needs, NONE) | classes
        if terms.get(NO_NEEDS) == EVERY:
            break
    return _limited(_merged(_simple(terms)))


def _merged(demand: Demand) -> Demand:
    """Ways that differ in one thing only as one: nothing is lost by that."""
    terms = demand.terms
    for name in _ONE_OF_SEVERAL:
        alike: dict[tuple[int, bool, Needs], list[Needs]] = {}
        for needs, classes in terms.items():
            is_asked = getattr(needs, name) is not None
            rest = needs.without(name) if is_asked else needs
            alike.setdefault((classes, is_asked, rest), []).append(needs)
        if len(alike) < len(terms):
            united: dict[Needs, int] = {}
            for (classes, *_), several in alike.items():
                needs = reduce(Needs.either, several)
                united[needs] = united.get(needs, NONE) | classes
            terms = united
    return demand if terms is demand.terms else _simple(terms)


def _limited(demand: Demand) -> Demand:
    if len(demand.terms) <= MOST_TERMS:
        return demand
    alike: dict[tuple[str, ...], list[Needs]] = {}
    for needs in demand.terms:
        alike.setdefault(needs.asked, []).append(needs)
    terms: dict[Needs, int] = {}
    for several in alike.values():
        needs = reduce(Needs.either, several)
        classes = reduce(or_, (demand.terms[one] for one in several))
        terms[needs] = terms.get(needs, NONE) | classes
    simple = _simple(terms)
    return simple if len(simple.terms) <= MOST_TERMS else Demand({NO_NEEDS: simple.classes})


def _all(demands: Iterable[Demand]) -> Demand:
    """The demand of whoever has them all."""
    possible = EVERY
    several: list[Demand] = []
    for demand in demands:
        possible &= demand.classes
        if not possible:
            return NOTHING
        if demand.anything != demand.classes:
            several.append(demand)
    found = Demand({NO_NEEDS: possible})
    for demand in several:
        found = _limited(_merged(_simple(_product(found.terms, demand.terms))))
    return found


def _product(one: Mapping[Needs, int], other: Mapping[Needs, int]) -> dict[Needs, int]:
    terms: dict[Needs, int] = {}
    for needs, classes in one.items():
        for more, its in other.items():
            common = classes & its
            both = needs.both(more) if common else None
            if both is not None:
                terms[both] = terms.get(both, NONE) | common
    return terms
