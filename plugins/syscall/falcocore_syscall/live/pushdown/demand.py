"""In which class of calls a condition may hold, and with which paths.

Its *demand*: in each class nothing can make it hold, or anything may, or only paths that fit one of some
atoms. It is an upper bound: the kernel may send more than rules match, never less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from falcocore.toolkit import BoundAnd, BoundCheck, BoundNode, BoundNot, BoundOr
from falcocore_syscall.live.pushdown.atoms import Atom, looseness, path_atoms
from falcocore_syscall.live.pushdown.classes import CLASSES, EVERY, NONE, Verdict


@dataclass(frozen=True, slots=True)
class Demand:
    """The classes in which any event may make a condition hold, and those in which an atom has to."""

    anything: int = NONE
    atoms: Mapping[Atom, int] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """All classes in which the condition may hold."""
        found = self.anything
        for classes in self.atoms.values():
            found |= classes
        return found

    def within(self, classes: int) -> Demand:
        """The same in fewer classes."""
        return Demand(
            self.anything & classes,
            {atom: left for atom, its in self.atoms.items() if (left := its & classes)},
        )


NOTHING = Demand()
ANYTHING = Demand(EVERY)

Decide = Callable[[BoundCheck], Verdict]


def may_hold(node: BoundNode, decide: Decide, paths: int) -> Demand:
    """When a condition may hold; `paths` are the classes of calls that have a path."""
    match node:
        case BoundCheck():
            return _check_holds(node, decide(node), paths)
        case BoundNot(child):
            return may_fail(child, decide, paths)
        case BoundAnd(children):
            return _all(children, may_hold, decide, paths)
        case BoundOr(children):
            return _any(children, may_hold, decide, paths)


def may_fail(node: BoundNode, decide: Decide, paths: int) -> Demand:
    """When a condition may not hold."""
    match node:
        case BoundCheck():
            return Demand(EVERY & ~decide(node).holds)
        case BoundNot(child):
            return may_hold(child, decide, paths)
        case BoundAnd(children):
            return _any(children, may_fail, decide, paths)
        case BoundOr(children):
            return _all(children, may_fail, decide, paths)


_Half = Callable[[BoundNode, Decide, int], Demand]


def _check_holds(check: BoundCheck, verdict: Verdict, paths: int) -> Demand:
    possible = EVERY & ~verdict.fails
    tested = possible & ~verdict.holds & paths
    atoms = path_atoms(check) if tested else None
    if atoms is None:
        return Demand(possible)
    return Demand(possible & ~tested, dict.fromkeys(atoms, tested))


def _any(children: Iterable[BoundNode], half: _Half, decide: Decide, paths: int) -> Demand:
    return joined(half(child, decide, paths) for child in children)


def joined(demands: Iterable[Demand]) -> Demand:
    """The demand of whoever has one of these."""
    anything = NONE
    atoms: dict[Atom, int] = {}
    for demand in demands:
        anything |= demand.anything
        for atom, classes in demand.atoms.items():
            atoms[atom] = atoms.get(atom, NONE) | classes
    if anything == EVERY:
        return ANYTHING
    return Demand(anything, {atom: left for atom, its in atoms.items() if (left := its & ~anything)})


def _all(children: Iterable[BoundNode], half: _Half, decide: Decide, paths: int) -> Demand:
    """In each class the demand of the child that lets the fewest events pass."""
    possible = EVERY
    demands: list[Demand] = []
    for child in children:
        demand = half(child, decide, paths)
        possible &= demand.classes
        if not possible:
            return NOTHING
        demands.append(demand)
    certain = possible
    for demand in demands:
        certain &= demand.anything
    parts = [Demand(certain)]
    for classes in _alike(possible & ~certain, demands):
        choices = [demand.within(classes) for demand in demands if not demand.anything & classes]
        parts.append(min(choices, key=lambda demand: looseness(demand.atoms)))
    return joined(parts)


def _alike(classes: int, demands: Sequence[Demand]) -> Iterable[int]:
    """Sets of classes in which the same demands have atoms, and the same number of them."""
    found: dict[tuple[int | None, ...], int] = {}
    for number in range(CLASSES):
        if bit := classes & 1 << number:
            key = tuple(
                None if demand.anything & bit else sum(its & bit != 0 for its in demand.atoms.values())
                for demand in demands
            )
            found[key] = found.get(key, NONE) | bit
    return found.values()
