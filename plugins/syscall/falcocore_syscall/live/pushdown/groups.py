"""What calls have to have in common with a rule, as numbered groups: the kernel finds out which are left.

It has a set of groups for each class of each call, as a number of 64 bits. Each look at a call takes out of
it the groups that need something else; a call is sent when one is left that needs nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from falcocore_syscall.live.pushdown.atoms import Atom
from falcocore_syscall.live.pushdown.needs import NO_NEEDS, Atoms, Needs

MOST_GROUPS = 64
EVERY_GROUP = (1 << MOST_GROUPS) - 1


@dataclass(frozen=True, slots=True)
class Groups:
    """What each group needs, and which group stands for which needs; several may share one."""

    needs: tuple[Needs, ...]
    numbers: Mapping[Needs, int]

    @classmethod
    def of(cls, wanted: Mapping[Needs, int], most: int = MOST_GROUPS) -> Groups:
        """Groups for needs, each with the classes in which it is looked at.

        Where there are too many, alike ones are put together: that lets more pass than its parts do.
        """
        buckets: dict[tuple[str, ...], list[Needs]] = {}
        for needs in wanted:
            buckets.setdefault(needs.asked, []).append(needs)
        if len(buckets) > most:
            return cls((NO_NEEDS,), dict.fromkeys(wanted, 0))
        room = most - len(buckets)
        many = sum(len(bucket) - 1 for bucket in buckets.values())
        found: list[Needs] = []
        numbers: dict[Needs, int] = {}
        for bucket in buckets.values():
            count = 1 + (len(bucket) - 1) * min(room, many) // (many or 1)
            ordered = sorted(bucket, key=lambda needs: (wanted[needs], _texts(needs.paths)))
            for part in _parts(ordered, count):
                numbers.update(dict.fromkeys(part, len(found)))
                found.append(reduce(Needs.either, part))
        return cls(tuple(found), numbers)

    def where(self, name: str) -> int:
        """The groups that need something of this name, an attribute of Needs."""
        return bits(number for number, needs in enumerate(self.needs) if name in needs.asked)

    def atoms(self, name: str) -> dict[Atom, int]:
        """The atoms of `paths`, `exes` or `directories`, each with the groups that it is enough for."""
        found: dict[Atom, int] = {}
        for number, needs in enumerate(self.needs):
            for atom in getattr(needs, name) or ():
                found[atom] = found.get(atom, 0) | 1 << number
        return found


def bits(numbers: Iterable[int]) -> int:
    """A set of groups."""
    return reduce(lambda found, number: found | 1 << number, numbers, 0)


def _texts(atoms: Atoms) -> list[bytes]:
    return sorted(text for _, text in atoms or ())


def _parts(ordered: list[Needs], count: int) -> Iterable[list[Needs]]:
    """So many runs of about the same length."""
    total = len(ordered)
    for number in range(count):
        yield ordered[number * total // count : (number + 1) * total // count]
