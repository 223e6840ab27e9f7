"""Which system calls the kernel sends, and because of which rules.

What no rule can match need not leave the kernel. Of a call are told its number and class (`classes.py`), who
has made it, and what path or port it is about (`needs.py`): what follows from these is an upper bound of what
rules match, so that nothing is lost; the rules themselves are matched outside the kernel, as always.

Not planned are forks, execs and exits of processes: these are always sent, because the state needs them. A
call that has made one (an execve that has worked) is not sent a second time.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from falcocore.toolkit import Projectable, checks
from falcocore_syscall.live.pushdown.atoms import CLIMBING, Atom, Part, is_plain
from falcocore_syscall.live.pushdown.classes import CLASSES, EVERY, FAILED, KINDS, SUCCESSES, Kind
from falcocore_syscall.live.pushdown.deciding import CALLS, GENERIC_EXIT, UNKNOWN_CALL, CallChecks, Checks
from falcocore_syscall.live.pushdown.demand import Demand, joined, may_hold
from falcocore_syscall.live.pushdown.groups import Groups
from falcocore_syscall.live.pushdown.keys import Keys
from falcocore_syscall.live.pushdown.matchers import LONGEST_NAME, LONGEST_PATH
from falcocore_syscall.live.pushdown.needs import NO_NEEDS, Names, Needs, Ranges

_SENT_BY_ITSELF: Mapping[str, int] = {"execve": SUCCESSES, "execveat": SUCCESSES}
"""Classes of calls of which the kernel tells in another way."""


class Action(enum.IntEnum):
    """What the kernel does with a call; the values are those of its table."""

    NOTHING = 0
    EMIT = 1
    TEST = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """One rule that may match events of a call, and when."""

    rule: str
    demand: Demand


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What is done with one call, and the rules because of which; `classes` are those of the demand."""

    kind: Kind
    demand: Demand
    classes: int
    wishes: tuple[Wish, ...] = ()

    @property
    def certain(self) -> int:
        """The classes in which the call is sent without another look."""
        return self.demand.anything

    @property
    def action(self) -> Action:
        """Whether the kernel has to look at the class."""
        if self.certain == EVERY:
            return Action.EMIT
        return Action.TEST if self.classes else Action.NOTHING

    def groups(self, numbers: Mapping[Needs, int]) -> tuple[int, ...]:
        """For each class the set of groups whose needs are enough."""
        found = [0] * CLASSES
        for needs, classes in self.demand.terms.items():
            bit = 1 << numbers[needs]
            for number in range(CLASSES):
                if classes >> number & 1:
                    found[number] |= bit
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Told:
    """What the kernel finds of one call; None is what is not there, or can't be read.

    `path` is that of an opened file, resolved, `raw` how the caller gave it. Where the call has failed, `raw`
    takes the place of `path` if it is plain. `exe` is what the program was started as, `directory` the
    working directory without a slash at its end, `above` are the names of the programs above, nearest first.
    """

    path: bytes | None = None
    raw: bytes | None = None
    user: int | None = None
    ports: tuple[int, ...] | None = None
    program: bytes | None = None
    exe: bytes | None = None
    directory: bytes | None = None
    above: tuple[bytes, ...] | None = None
    marks: frozenset[str] | None = None


NOTHING_TOLD = Told()


@dataclass(frozen=True)
class Plan:
    """All calls by the kernel's names, and the needs that they share.

    The call `unknown` stands for those that have no name here.
    """

    calls: Mapping[str, CallPlan]
    groups: Groups

    @classmethod
    def of(cls, rules: Iterable[Projectable], calls: Iterable[str] = CALLS) -> Plan:
        """The plan for a rule set's rules; calls may be fewer where an architecture has fewer."""
        planner = _Planner(tuple(rules))
        return cls._grouped({call: planner.call(call) for call in calls})

    @classmethod
    def everything(cls, calls: Iterable[str] = CALLS) -> Plan:
        """Send every call: for those who want to see all, such as a recording."""
        every = {call: EVERY & ~_SENT_BY_ITSELF.get(call, 0) for call in calls}
        return cls._grouped(
            {call: CallPlan(_kind(call), Demand({NO_NEEDS: its}), its) for call, its in every.items()}
        )

    @classmethod
    def _grouped(cls, calls: Mapping[str, CallPlan]) -> Plan:
        wanted: dict[Needs, int] = {}
        for plan in calls.values():
            for needs, classes in plan.demand.terms.items():
                wanted[needs] = wanted.get(needs, 0) | classes
        return cls(calls, Groups.of(wanted))

    @cached_property
    def keys(self) -> Keys:
        """The tests of paths."""
        return Keys.of(self.groups.atoms("paths"))

    def passes(self, call: str, number: int, told: Told = NOTHING_TOLD) -> bool:
        """True where the kernel sends a call of the class with this number.

        If the kernel can't tell whether it is a container that has called, it sends what passes in either
        class.
        """
        plan = self.calls.get(call, self.calls.get(UNKNOWN_CALL))
        if plan is None:
            return False
        left = plan.groups(self.groups.numbers)[number]
        return any(
            left >> group & 1 and self._fits(group, needs, number, told)
            for group, needs in enumerate(self.groups.needs)
        )

    def _fits(self, group: int, needs: Needs, number: int, told: Told) -> bool:
        return (
            _is_among(needs.users, told.user)
            and (told.ports is None or any(_is_among(needs.ports, port) for port in told.ports))
            and (needs.programs is None or told.program is None or needs.programs.fits(told.program))
            and (needs.parents is None or not told.above or needs.parents.fits(told.above[0]))
            and (needs.ancestors is None or told.above is None or _has_ancestor(needs.ancestors, told))
            and (needs.marks is None or told.marks is None or needs.marks <= told.marks)
            and _fits_one(needs.exes, told.exe)
            and _fits_one(needs.directories, told.directory)
            and (not needs.climbs or told.raw is None or CLIMBING.text in told.raw)
            and (needs.paths is None or self._path_fits(group, number, told))
        )

    def _path_fits(self, group: int, number: int, told: Told) -> bool:
        path = told.path
        if number & FAILED:
            path = told.raw if told.raw is not None and is_plain(told.raw) else None
        if path is None or path[:1] != b"/" or len(path) > LONGEST_PATH:
            return True
        if self.keys.name_groups >> group & 1 and len(path.rpartition(b"/")[2]) > LONGEST_NAME:
            return True
        return bool(self.keys.groups_of(path) >> group & 1)


def _fits_one(atoms: frozenset[Atom] | None, text: bytes | None) -> bool:
    return (
        atoms is None
        or text is None
        or any(text.startswith(its) if part is Part.PREFIX else text == its for part, its in atoms)
    )


def _has_ancestor(names: Names, told: Told) -> bool:
    return told.program is None or any(names.fits(name) for name in (told.program, *(told.above or ())))


def _is_among(ranges: Ranges | None, number: int | None) -> bool:
    return ranges is None or number is None or any(low <= number <= high for low, high in ranges)


def _kind(call: str) -> Kind:
    return KINDS.get(call, Kind.PLAIN)


class _Planner:
    """Works rule by rule; calls that a rule can't tell apart share what it demands."""

    def __init__(self, rules: tuple[Projectable, ...]) -> None:
        self._rules = rules
        self._checks = Checks(check for rule in rules for check in checks(rule.condition))
        self._naming = [
            tuple(check for check in checks(rule.condition) if self._checks.reads_name(check))
            for rule in rules
        ]
        self._generic: dict[tuple[object, ...], Demand] = {}

    def call(self, call: str) -> CallPlan:
        known = self._checks.of_call(call)
        kind = _kind(call)
        apart = _SENT_BY_ITSELF.get(call, 0)
        wishes = []
        for number, rule in enumerate(self._rules):
            demand = self._demand(number, known, kind)
            if apart:
                demand = demand.within(EVERY & ~apart)
            if demand.classes:
                wishes.append(Wish(rule.name, demand))
        whole = joined(wish.demand for wish in wishes)
        return CallPlan(kind, whole, whole.classes, tuple(wishes))

    def _demand(self, number: int, known: CallChecks, kind: Kind) -> Demand:
        condition = self._rules[number].condition
        if known.kind != GENERIC_EXIT:
            return may_hold(condition, known.decide, kind)
        key = number, *(known.decide(check) for check in self._naming[number])
        found = self._generic.get(key)
        if found is None:
            found = self._generic[key] = may_hold(condition, known.decide, kind)
        return found
