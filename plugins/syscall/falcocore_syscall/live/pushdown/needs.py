"""What the kernel has to find for a call to be sent, beside its class.

Two needs can be joined: `both` of them have to be there, or `either` is enough. What comes of it may ask for
less than they do, and never for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TypeAlias

from falcocore_syscall.live.pushdown.atoms import Atom, looseness

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Numbers, as ranges with both their ends: in order, with a gap between any two."""
Atoms: TypeAlias = "frozenset[Atom] | None"
Marks: TypeAlias = "frozenset[str] | None"
EVERY_USER: Ranges = ((0, (1 << 32) - 1),)


@dataclass(frozen=True, slots=True)
class Names:
    """The names that fit: those that are listed, or with `others` all but those."""

    listed: frozenset[bytes]
    others: bool = False

    def opposite(self) -> Names:
        """All other names."""
        return Names(self.listed, not self.others)

    def both(self, other: Names) -> Names:
        """The names that fit both."""
        if self.others and other.others:
            return Names(self.listed | other.listed, others=True)
        if self.others:
            return other.both(self)
        return Names(self.listed - other.listed if other.others else self.listed & other.listed)

    def either(self, other: Names) -> Names:
        """The names that fit one of them."""
        return self.opposite().both(other.opposite()).opposite()

    def fits(self, name: bytes) -> bool:
        """True for a name that is one of them."""
        return (name in self.listed) is not self.others

    @property
    def is_empty(self) -> bool:
        """No name fits."""
        return not self.listed and not self.others

    @property
    def is_open(self) -> bool:
        """Every name fits."""
        return not self.listed and self.others


@dataclass(frozen=True, slots=True)
class Needs:
    """None, and of `climbs` False, stand for what the kernel does not look at.

    `paths`: one of these fits the path. `climbs`: it was asked for with `../`. `users`: the number of the
    effective user. `ports`: one of those that the socket or the given address has. `programs`: the name that
    the program got when it was started. `exes`: one of these fits what it was started as, its first argument.
    `directories`: one of these fits the working directory. `parents`: the name of the parent's program.
    `ancestors`: these are listed, and one of the programs above, or this one, has such a name. `marks`: the
    program's file has all of these, which are attributes of a thread of the state.
    """

    paths: Atoms = None
    climbs: bool = False
    users: Ranges | None = None
    ports: Ranges | None = None
    programs: Names | None = None
    exes: Atoms = None
    directories: Atoms = None
    parents: Names | None = None
    ancestors: Names | None = None
    marks: Marks = None

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of what is looked at."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) not in (None, False))

    def without(self, name: str) -> Needs:
        """The same without a look at what has this name."""
        return replace(self, **{name: None})  # type: ignore[arg-type]

    def both(self, other: Needs) -> Needs | None:
        """What has to be found where both are needed; None where that can't be."""
        users = _common(self.users, other.users)
        programs = _in_both(self.programs, other.programs)
        parents = _in_both(self.parents, other.parents)
        if users == () or any(names is not None and names.is_empty for names in (programs, parents)):
            return None
        return Needs(
            paths=_tighter(self.paths, other.paths),
            climbs=self.climbs or other.climbs,
            users=users,
            ports=_tighter_ports(self.ports, other.ports),
            programs=programs,
            exes=_tighter(self.exes, other.exes),
            directories=_tighter(self.directories, other.directories),
            parents=parents,
            ancestors=_shorter(self.ancestors, other.ancestors),
            marks=_all_of(self.marks, other.marks),
        )

    def either(self, other: Needs) -> Needs:
        """What has to be found where one is enough."""
        users = _united(self.users, other.users)
        return Needs(
            paths=_one_of(self.paths, other.paths),
            climbs=self.climbs and other.climbs,
            users=None if users == EVERY_USER else users,
            ports=_united(self.ports, other.ports),
            programs=_in_one(self.programs, other.programs),
            exes=_one_of(self.exes, other.exes),
            directories=_one_of(self.directories, other.directories),
            parents=_in_one(self.parents, other.parents),
            ancestors=_in_one(self.ancestors, other.ancestors),
            marks=_common_marks(self.marks, other.marks),
        )


NO_NEEDS = Needs()


def _tighter(one: Atoms, other: Atoms) -> Atoms:
    """Those that let less pass: a path may fit an atom of each."""
    return min((atoms for atoms in (one, other) if atoms is not None), key=looseness, default=None)


def _in_both(one: Names | None, other: Names | None) -> Names | None:
    if one is None or other is None:
        return one or other
    return one.both(other)


def _in_one(one: Names | None, other: Names | None) -> Names | None:
    names = None if one is None or other is None else one.either(other)
    return None if names is None or names.is_open else names


def _shorter(one: Names | None, other: Names | None) -> Names | None:
    """Those that let less pass: of several programs one may be in the one, and another in the other."""
    return min((names for names in (one, other) if names), key=lambda names: len(names.listed), default=None)


def _all_of(one: Marks, other: Marks) -> Marks:
    return (one or frozenset()) | (other or frozenset()) or None


def _common_marks(one: Marks, other: Marks) -> Marks:
    return None if one is None or other is None else one & other or None


def _one_of(one: Atoms, other: Atoms) -> Atoms:
    return None if one is None or other is None else one | other


def _tighter_ports(one: Ranges | None, other: Ranges | None) -> Ranges | None:
    """The one with fewer numbers: one port may be in the one, and another in the other."""
    return min((ranges for ranges in (one, other) if ranges is not None), key=_count, default=None)


def _count(ranges: Ranges) -> int:
    return sum(high - low + 1 for low, high in ranges)


def _common(one: Ranges | None, other: Ranges | None) -> Ranges | None:
    if one is None or other is None:
        return one if other is None else other
    found = ((max(low, start), min(high, end)) for low, high in one for start, end in other)
    return ranges_of(pair for pair in found if pair[0] <= pair[1])


def _united(one: Ranges | None, other: Ranges | None) -> Ranges | None:
    return None if one is None or other is None else ranges_of((*one, *other))


def ranges_of(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Ranges with what these pairs of ends hold."""
    return tuple(_merged(sorted(pairs)))


def _merged(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for low, high in pairs:
        if held is not None and low <= held[1] + 1:
            held = held[0], max(held[1], high)
            continue
        if held is not None:
            yield held
        held = low, high
    if held is not None:
        yield held
