"""Which events of a piece are looked at one by one; the others go into the journal, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from falcocore.api import RuleSet
from falcocore_syscall.event import Event
from falcocore_syscall.scap.blocks import HEADER_BYTES
from falcocore_syscall.scap.columns import Array, Columns, by_type
from falcocore_syscall.state.files import OPEN, OPENAT, OPENAT2, opened_file
from falcocore_syscall.state.journal import Change, Journal
from falcocore_syscall.state.machine import HANDLERS, Machine
from falcocore_syscall.state.sockets import IO_TYPES
from falcocore_syscall.state.threads import Thread
from falcocore_syscall.tables import EVENTS, GENERIC, METADATA_TYPES, SYSCALL_NAMES

_CLOSE, _FCNTL, _PRLIMIT = 5, 151, 145
_F_DUPFD, _F_SETFD, _F_DUPFD_CLOEXEC = 1, 3, 26
_FD_CLOEXEC = 1
_RLIMIT_NOFILE = 7
_AT_FDCWD = -100
_SLASH = ord("/")
_OPENS = (OPEN, OPENAT, OPENAT2)
_MOST_REMEMBERED = 1 << 15
_MOST_PATH_BYTES = 1024
"""Opening a longer path is looked at one by one, so that what is remembered stays small."""

SCREENED_FIELDS = frozenset(
    {"evt.type", "evt.dir", "evt.res", "evt.rawres", "evt.failed", "evt.is_open_read", "evt.is_open_write"}
    | {"fd.num", "fd.type", "fd.typechar", "fd.name", "fd.nameraw", "fd.directory", "fd.filename"}
)
"""What is known of an opened file by its type, result, flags and path alone, if the path is absolute."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Which events rules can match: by type; the generic type by system call; opened files by path."""

    types: Array
    calls: Array
    may_match: Callable[[Event], bool]

    @classmethod
    def of(cls, rules: RuleSet) -> Needs:
        """What a set of rules needs."""
        if any(label.startswith("evt.deltatime") for label in rules.reads()):
            return cls.everything()  # The time since the event before: none may be left out.
        names = {event.name for event in EVENTS} | set(SYSCALL_NAMES)
        possible = {name: rules.can_match({"evt.type": name}) for name in names}
        types = {
            number for number, event in enumerate(EVENTS) if number not in GENERIC and possible[event.name]
        }
        if rules.can_match({}):
            types |= METADATA_TYPES
        calls = np.array([possible[name] for name in SYSCALL_NAMES], dtype=bool)
        calls[0] = calls.any()  # A number that is not known may get its name from the kernel's own.
        return cls(by_type(types | (GENERIC if calls.any() else set())), calls, rules.screen(SCREENED_FIELDS))

    @classmethod
    def everything(cls) -> Needs:
        """For rules of which nothing is known."""
        every = np.ones(len(SYSCALL_NAMES), dtype=bool)
        return cls(by_type(range(len(EVENTS))), every, lambda _event: True)


IS_STATE = by_type(frozenset(HANDLERS) | METADATA_TYPES)


Changes: TypeAlias = tuple[Array, Array, Array, Array]
"""Places of events, the descriptors that they change, how (a Change), and what copies were made of."""


class Screen:
    """Goes over the columns of pieces for one set of needs."""

    def __init__(self, needs: Needs) -> None:
        self.needs = needs
        self._remembered: dict[tuple[int, int, int, bytes], bool] = {}

    def note(self, columns: Columns, chosen: Array, machine: Machine) -> tuple[Array, int]:
        """Put changes that can wait into the machine's journal.

        Returns those of `chosen` that can't wait, and the place of the first event that is damaged. All of
        them have the newest layout, and no enter event was seen before: it would have told more.
        """
        types = columns.types[chosen]
        stays = np.ones(len(chosen), dtype=bool)
        end = len(columns)
        changes: list[Changes] = []
        for kind in np.unique(types).tolist():
            if kind not in _SCREENED or (kind not in _OPENS and self.needs.types[kind]):
                continue
            rows = np.flatnonzero(types == kind)
            places = chosen[rows]
            spans = columns.spans(places, len(EVENTS[kind].params))
            damaged = places[spans[:, -1] > columns.ends(places)]
            end = min(end, int(damaged[0])) if len(damaged) else end
            waits = np.zeros(len(rows), dtype=bool)
            for which, fds, change, sources in self._changes(kind, columns, places, spans, waits):
                changes.append((places[which], fds, np.full(len(which), change), sources))
            stays[rows[waits]] = False
        left = chosen[stays]
        end = min(end, columns.first_damaged(left))
        if changes:
            _fill(machine.journal, columns, changes, end)
        return left[left < end], end

    def _changes(
        self, kind: int, columns: Columns, places: Array, spans: Array, waits: Array
    ) -> Iterator[tuple[Array, Array, Change, Array]]:
        """Which events, by their number in `places`, change which descriptors, how, and from which.

        `waits` is set for all that need not be looked at one by one.
        """
        whole = _are_whole(kind, spans)
        results = np.where(whole, columns.numbers(spans[:, 0], 8), -1)
        if kind in _OPENS:
            yield from self._opened(kind, columns, places, spans, waits, results, whole)
            return
        waits[:] = whole
        if kind == _CLOSE:
            which = np.flatnonzero(whole & (results == 0))
            fds = columns.numbers(spans[which, 1], 8)
            yield which, fds, Change.CLOSED, fds
        elif kind == _FCNTL:
            worked = np.flatnonzero(whole & (results >= 0))
            commands = np.frombuffer(columns.data, np.uint8)[spans[worked, 2]]
            for command, change in (
                (_F_DUPFD, Change.COPIED),
                (_F_DUPFD_CLOEXEC, Change.COPIED_TO_CLOSE_AT_EXEC),
            ):
                which = worked[commands == command]
                yield which, results[which], change, columns.numbers(spans[which, 1], 8)
            which = worked[commands == _F_SETFD]
            fds = columns.numbers(spans[which, 1], 8)
            marked = columns.numbers(spans[which, 3], 8) & _FD_CLOEXEC == 1
            yield which[marked], fds[marked], Change.CLOSED_AT_EXEC, fds[marked]
            yield which[~marked], fds[~marked], Change.KEPT_AT_EXEC, fds[~marked]
        elif kind == _PRLIMIT:
            resources = np.frombuffer(columns.data, np.uint8)[np.where(whole, spans[:, 6], 0)]
            waits &= (resources != _RLIMIT_NOFILE) | (results != 0)
        else:
            which = np.flatnonzero(whole & (results >= 0))
            parameter = EVENTS[kind].fd_param or 0
            fds = columns.numbers(spans[which, parameter], 8)
            yield which, fds, Change.USED, fds

    def _opened(
        self,
        kind: int,
        columns: Columns,
        places: Array,
        spans: Array,
        waits: Array,
        results: Array,
        whole: Array,
    ) -> Iterator[tuple[Array, Array, Change, Array]]:
        path = 1 if kind == OPEN else 2
        data = columns.data
        starts = spans[:, path]
        sizes = spans[:, path + 1] - starts
        is_absolute = whole & (sizes > 0) & (sizes <= _MOST_PATH_BYTES)
        is_absolute &= np.frombuffer(data, np.uint8)[np.minimum(starts, len(data) - 1)] == _SLASH
        which = np.flatnonzero(is_absolute)
        flags = columns.numbers(spans[which, path + 1], 4)
        remembered, quiet = self._remembered, []
        for number, result, flag, start, end in zip(
            which.tolist(),
            results[which].tolist(),
            flags.tolist(),
            starts[which].tolist(),
            spans[which, path + 1].tolist(),
            strict=True,
        ):
            key = (kind, result, flag, data[start:end])
            may_match = remembered.get(key)
            if may_match is None:
                may_match = self._judge(key, _event_at(columns, int(places[number])))
            if not may_match:
                quiet.append(number)
        waits[quiet] = True
        made = np.array(quiet, dtype=np.int64)
        made = made[results[made] >= 0]
        yield made, results[made], Change.OPENED, results[made]

    def _judge(self, key: tuple[int, int, int, bytes], event: Event) -> bool:
        """Whether a rule can match, found out by one such event in a process that nothing is known of."""
        if not self.needs.types[event.type]:
            found = False
        else:
            machine = Machine()
            machine.apply(event)
            found = self.needs.may_match(event)
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = found
        return found


_SCREENED = frozenset({*_OPENS, _CLOSE, _FCNTL, _PRLIMIT}) | IO_TYPES


def _are_whole(kind: int, spans: Array) -> Array:
    """True for events that have all numbers which are read here, in their width."""
    sizes = np.diff(spans, axis=1)
    if kind in _OPENS:
        path = 1 if kind == OPEN else 2
        return np.asarray((sizes[:, 0] == 8) & (sizes[:, path + 1] == 4))
    if kind == _CLOSE:
        return np.asarray((sizes[:, 0] == 8) & (sizes[:, 1] == 8))
    if kind == _FCNTL:
        return np.asarray((sizes[:, :2] == 8).all(axis=1) & (sizes[:, 2] == 1) & (sizes[:, 3] == 8))
    if kind == _PRLIMIT:
        return np.asarray((sizes[:, 0] == 8) & (sizes[:, 6] == 1))
    return np.asarray((sizes[:, 0] == 8) & (sizes[:, EVENTS[kind].fd_param or 0] == 8))


def _event_at(columns: Columns, place: int) -> Event:
    header = int(columns.headers[place])
    kind, count = int(columns.types[place]), int(columns.counts[place])
    return Event(kind, 0, 1, 0, 0, columns.data, header + HEADER_BYTES, count)


def _fill(journal: Journal, columns: Columns, changes: list[Changes], end: int) -> None:
    """Order the changes before `end` by thread, and those of a thread by their place in the piece."""
    places, fds, kinds, sources = (np.concatenate(parts) for parts in zip(*changes, strict=True))
    before = places < end
    places, fds, kinds, sources = places[before], fds[before], kinds[before], sources[before]
    tids = columns.numbers(columns.headers[places] + 8, 8)
    order = np.lexsort((places, tids))
    tids = tids[order]
    starts = np.flatnonzero(np.diff(tids, prepend=tids[:1] - 1)) if len(tids) else tids
    ends = np.append(starts[1:], len(tids)) if len(tids) else tids

    def open_file(place: int, thread: Thread) -> Any:
        return opened_file(_event_at(columns, place), thread)

    journal.fill(
        zip(tids[starts].tolist(), starts.tolist(), ends.tolist(), strict=True),
        places[order].tolist(),
        fds[order].tolist(),
        kinds[order].tolist(),
        sources[order].tolist(),
        open_file,
    )
