"""Which system calls the kernel sends, and because of which rules.

What no rule can match need not leave the kernel. Of a call are told its number and class (`classes.py`), and
of an opened file its path (`demand.py`): what follows from these is an upper bound of what rules match, so
that nothing is lost; the rules themselves are matched outside the kernel, as always.

Not planned are forks, execs and exits of processes: these are always sent, because the state needs them. A
call that has made one (an execve that has worked) is not sent a second time.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from falcocore.toolkit import Projectable, checks
from falcocore_syscall.live.pushdown.atoms import CLIMBING, Atom, is_plain
from falcocore_syscall.live.pushdown.classes import (
    CONTAINER,
    CONTAINERS,
    EVERY,
    FAILED,
    KINDS,
    NONE,
    SUCCESSES,
    Kind,
)
from falcocore_syscall.live.pushdown.deciding import CALLS, GENERIC_EXIT, UNKNOWN_CALL, CallChecks, Checks
from falcocore_syscall.live.pushdown.demand import Demand, joined, may_hold
from falcocore_syscall.live.pushdown.keys import Keys
from falcocore_syscall.live.pushdown.matchers import LONGEST_NAME, LONGEST_PATH

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
        """The classes in which the call is sent whatever the path is."""
        return self.demand.anything

    @property
    def action(self) -> Action:
        """Whether the kernel has to look at the class."""
        if self.certain == EVERY:
            return Action.EMIT
        return Action.TEST if self.classes else Action.NOTHING


@dataclass(frozen=True, slots=True)
class Plan:
    """All calls by the kernel's names, and the tests of paths that they share.

    The call `unknown` stands for those that have no name here.
    """

    calls: Mapping[str, CallPlan]
    keys: Keys

    @classmethod
    def of(cls, rules: Iterable[Projectable], calls: Iterable[str] = CALLS) -> Plan:
        """The plan for a rule set's rules; calls may be fewer where an architecture has fewer."""
        planner = _Planner(tuple(rules))
        planned = {call: planner.call(call) for call in calls}
        atoms: dict[Atom, int] = {}
        for plan in planned.values():
            for atom, classes in plan.demand.atoms.items():
                atoms[atom] = atoms.get(atom, 0) | classes
        return cls(planned, Keys.of(atoms))

    @classmethod
    def everything(cls, calls: Iterable[str] = CALLS) -> Plan:
        """Send every call: for those who want to see all, such as a recording."""
        every = {call: EVERY & ~_SENT_BY_ITSELF.get(call, 0) for call in calls}
        return cls(
            {call: CallPlan(_kind(call), Demand(its), its) for call, its in every.items()}, Keys.of({})
        )

    @property
    def depends_on_containers(self) -> bool:
        """True where something would change if the kernel took a container for the host."""
        keys = self.keys
        tables = [table.values() for table in (keys.paths, keys.pieces, keys.names, keys.endings)]
        sets = {classes for table in tables for classes in table}
        sets.add(keys.climbing_classes)
        sets.update(classes for plan in self.calls.values() for classes in (plan.classes, plan.certain))
        return any((classes & CONTAINERS) >> CONTAINER != classes & ~CONTAINERS for classes in sets)

    def passes(self, call: str, number: int, path: bytes | None = None, raw: bytes | None = None) -> bool:
        """True where the kernel sends a call of the class with this number.

        `path` is that of an opened file, resolved, `raw` how the caller gave it; None where there is none, or
        none that can be read. Where the call has failed, `raw` takes the place of `path` if it is plain. If
        the kernel can't tell whether it is a container that has called, it sends what passes in either class.
        """
        plan = self.calls.get(call, self.calls.get(UNKNOWN_CALL))
        bit = 1 << number
        if plan is None or not plan.classes & bit:
            return False
        if plan.certain & bit:
            return True
        keys = self.keys
        if keys.climbing_classes & bit and (raw is None or CLIMBING.text in raw):
            return True
        if number & FAILED:
            path = raw if raw is not None and is_plain(raw) else None
        return bool((keys.path_classes | keys.name_classes) & bit) and self._path_passes(bit, path)

    def _path_passes(self, bit: int, path: bytes | None) -> bool:
        if path is None or path[:1] != b"/" or len(path) > LONGEST_PATH:
            return True
        if self.keys.name_classes & bit and len(path.rpartition(b"/")[2]) > LONGEST_NAME:
            return True
        return self.keys.classes_of(path) & bit != 0


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
        paths = EVERY if kind is Kind.OPEN else NONE
        if known.kind != GENERIC_EXIT:
            return may_hold(condition, known.decide, paths)
        key = number, *(known.decide(check) for check in self._naming[number])
        found = self._generic.get(key)
        if found is None:
            found = self._generic[key] = may_hold(condition, known.decide, paths)
        return found
