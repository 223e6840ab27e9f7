"""Which events of a piece are looked at one by one; the others go into the journal, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from falcocore_syscall.event import Event
from falcocore_syscall.needs import Needs
from falcocore_syscall.scap.blocks import HEADER_BYTES
from falcocore_syscall.scap.columns import Array, Columns, by_type
from falcocore_syscall.scap.event import CapturedEvent
from falcocore_syscall.state.files import AT_FDCWD, OPEN, OPENAT, OPENAT2, opened_file
from falcocore_syscall.state.journal import FIRST_READING, Change, Journal
from falcocore_syscall.state.machine import HANDLERS, Machine
from falcocore_syscall.state.sockets import IO_TYPES
from falcocore_syscall.state.threads import Thread
from falcocore_syscall.tables import EVENTS, METADATA_TYPES

_CLOSE, _FCNTL, _PRLIMIT = 5, 151, 145
_F_SETFD = 3
_COPIES = {1: Change.COPIED, 26: Change.COPIED_TO_CLOSE_AT_EXEC}
"""The commands of fcntl that copy a descriptor."""
_FD_CLOEXEC = 1
_RLIMIT_NOFILE = 7
_SLASH = ord("/")
_TYPE_AT = 20
"""Where the type is in the header of an event; the number of parameters and their lengths follow."""
_FLAGS_BYTES = 4
_OPENS = (OPEN, OPENAT, OPENAT2)
_SCREENED = frozenset({*_OPENS, _CLOSE, _FCNTL, _PRLIMIT}) | IO_TYPES
_MOST_REMEMBERED = 1 << 15
_MOST_PATH_BYTES = 1024
"""Opening a longer path is looked at one by one, so that what is remembered stays small."""

_IS_STATE = by_type(frozenset(HANDLERS) | METADATA_TYPES)


_Key: TypeAlias = bytes | tuple[int, int, int]
"""What tells opened files apart that are judged differently."""
Changes: TypeAlias = tuple[Array, Array, Array, Array]
"""Places of events, the descriptors that they change, how (a Change), and what descriptors they read."""
Some: TypeAlias = tuple[Array, Array, Change, Array]
"""The same for one change, with the numbers of the events among those of their group."""


class Screen:
    """Goes over the columns of pieces for one set of needs."""

    def __init__(self, needs: Needs) -> None:
        self.needs = needs
        self.is_needed = _IS_STATE | needs.types
        """By type: whether rules or state need such an event."""
        self._remembered: dict[_Key, bool] = {}
        self._group_of, self._kinds = _groups(needs)

    def note(self, columns: Columns, chosen: Array, machine: Machine) -> tuple[Array, int]:
        """Put changes that can wait into the machine's journal.

        Returns those of `chosen` that can't wait, and the place of the first event that is damaged. All of
        them have the newest layout, and no enter event was seen before: it would have told more.
        """
        groups = self._group_of[columns.types[chosen]]
        stays = np.ones(len(chosen), dtype=bool)
        end = len(columns)
        changes: list[Changes] = []
        for group in np.flatnonzero(np.bincount(groups)).tolist():
            if not group:
                continue
            kind, same = self._kinds[group], np.flatnonzero(groups == group)
            rows = _Rows.of(kind, columns, chosen[same])
            damaged = rows.places[~rows.are_intact]
            end = min(end, int(damaged[0])) if len(damaged) else end
            found = self._opened(rows) if kind in _OPENS else _changed(rows)
            for which, fds, change, sources in found:
                changes.append((rows.places[which], fds, np.full(len(which), change), sources))
            stays[same[rows.waits]] = False
        left = chosen[stays]
        end = min(end, columns.first_damaged(left))
        if changes:
            _fill(machine.journal, columns, changes, end)
        return left[left < end], end

    def _opened(self, rows: _Rows) -> Iterator[Some]:
        """Files that no rule asks for, by what is known of them without the process that opens them."""
        path = 1 if rows.kind == OPEN else 2
        data, starts, ends = rows.columns.data, rows.spans[:, path], rows.spans[:, path + 1]
        sizes = ends - starts
        fits = rows.are_whole & (sizes > 0) & (sizes <= _MOST_PATH_BYTES)
        is_absolute = np.frombuffer(data, np.uint8)[np.minimum(starts, len(data) - 1)] == _SLASH
        which = np.flatnonzero(fits & is_absolute)
        # From the type to the flags everything is the same for the same file, opened in the same way.
        firsts, lasts = rows.columns.headers[rows.places[which]] + _TYPE_AT, ends[which] + _FLAGS_BYTES
        keys = [data[first:last] for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)]
        made = self._quiet(rows, which, keys, self.needs.may_match)
        fds = rows.results[made]
        yield made, fds, Change.OPENED, fds
        which = np.flatnonzero(fits & ~is_absolute)
        flags = rows.columns.numbers(ends[which], _FLAGS_BYTES).tolist()
        pathless = [(rows.kind, *key) for key in zip(rows.results[which].tolist(), flags, strict=True)]
        made = self._quiet(rows, which, pathless, self.needs.may_match_anywhere)
        fds = rows.results[made]
        directories = np.full_like(made, AT_FDCWD) if rows.kind == OPEN else rows.numbers_at(made, 1)
        yield made, fds, Change.OPENED_RELATIVE, directories

    def _quiet(
        self, rows: _Rows, which: Array, keys: Sequence[_Key], may_match: Callable[[Event], bool]
    ) -> Array:
        """Note that those of some events wait which no rule can match; those of them that made a descriptor.

        Events with the same key are judged by the first of them.
        """
        found = list(map(self._remembered.get, keys))
        if None in found:
            for number, key in enumerate(keys):
                if found[number] is None:
                    place = int(rows.places[which[number]])
                    found[number] = self._judge(key, _event_at(rows.columns, place), may_match)
        quiet = which[~np.array(found, dtype=bool)]
        rows.waits[quiet] = True
        made: Array = quiet[rows.results[quiet] >= 0]
        return made

    def _judge(self, key: _Key, event: Event, may_match: Callable[[Event], bool]) -> bool:
        """Whether a rule can match, found out by one such event in a process that nothing is known of."""
        found = self._remembered.get(key)
        if found is not None:
            return found
        if not self.needs.types[event.type]:
            found = False
        else:
            machine = Machine()
            machine.apply(event)
            found = may_match(event)
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = found
        return found


def _groups(needs: Needs) -> tuple[Array, list[int]]:
    """The types that are screened in groups, for each possible type the number of its group, and one of each.

    Those of a group have the same parameters as far as they are read. Group 0 has the other types.
    """
    group_of = np.zeros(1 << 16, dtype=np.uint8)
    kinds = [0]
    numbers: dict[tuple[int, int | None], int] = {}
    for kind in sorted(_SCREENED):
        if kind not in _OPENS and needs.types[kind]:
            continue
        info = EVENTS[kind]
        key = (len(info.params), info.fd_param) if kind in IO_TYPES else (-kind, None)
        group_of[kind] = numbers.setdefault(key, len(kinds))
        if group_of[kind] == len(kinds):
            kinds.append(kind)
    return group_of, kinds


@dataclass(slots=True)
class _Rows:
    """Events of one group: where they are in their piece, and where their parameters are in its data.

    `kind` is one of their types. `are_intact` says which have all their parameters in them, `are_whole` which
    of these have the numbers that are read here in their width. `results` are -1 for the others. `waits` is
    set for all that need not be looked at one by one.
    """

    kind: int
    columns: Columns
    places: Array
    spans: Array
    are_intact: Array
    are_whole: Array
    results: Array
    waits: Array

    @classmethod
    def of(cls, kind: int, columns: Columns, places: Array) -> _Rows:
        """The events of that type at these places."""
        spans = columns.spans(places, len(EVENTS[kind].params))
        intact = spans[:, -1] <= columns.ends(places)
        whole = intact & _have_widths(spans, _widths_of(kind))
        results = np.where(whole, columns.numbers(spans[:, 0], 8), -1)
        return cls(kind, columns, places, spans, intact, whole, results, np.zeros(len(places), dtype=bool))

    def bytes_at(self, which: Array, parameter: int) -> Array:
        """The first byte of a parameter of some of the events, all of which are whole."""
        found: Array = np.frombuffer(self.columns.data, np.uint8)[self.spans[which, parameter]]
        return found

    def numbers_at(self, which: Array, parameter: int) -> Array:
        """The number of eight bytes that a parameter is."""
        return self.columns.numbers(self.spans[which, parameter], 8)


def _widths_of(kind: int) -> dict[int, int]:
    """The parameters that are read here, and their width in bytes."""
    if kind in _OPENS:
        return {0: 8, 2: 4} if kind == OPEN else {0: 8, 1: 8, 3: 4}
    if kind == _FCNTL:
        return {0: 8, 1: 8, 2: 1, 3: 8}
    if kind == _PRLIMIT:
        return {0: 8, 6: 1}
    return {0: 8, EVENTS[kind].fd_param or 0: 8}


def _have_widths(spans: Array, widths: dict[int, int]) -> Array:
    fits = np.ones(len(spans), dtype=bool)
    for parameter, width in widths.items():
        fits &= spans[:, parameter + 1] - spans[:, parameter] == width
    return fits


def _changed(rows: _Rows) -> Iterator[Some]:
    """What calls do to descriptors that don't open a file."""
    rows.waits[:] = rows.are_whole
    worked = np.flatnonzero(rows.are_whole & (rows.results >= 0))
    if rows.kind == _CLOSE:
        worked = worked[rows.results[worked] == 0]
        fds = rows.numbers_at(worked, 1)
        yield worked, fds, Change.CLOSED, fds
    elif rows.kind == _FCNTL:
        yield from _controlled(rows, worked)
    elif rows.kind == _PRLIMIT:
        rows.waits[worked[rows.bytes_at(worked, 6) == _RLIMIT_NOFILE]] = False
    else:
        fds = rows.numbers_at(worked, EVENTS[rows.kind].fd_param or 0)
        yield worked, fds, Change.USED, fds


def _controlled(rows: _Rows, worked: Array) -> Iterator[Some]:
    """The commands of fcntl that copy a descriptor, or mark it."""
    commands = rows.bytes_at(worked, 2)
    for command, change in _COPIES.items():
        which = worked[commands == command]
        yield which, rows.results[which], change, rows.numbers_at(which, 1)
    which = worked[commands == _F_SETFD]
    fds = rows.numbers_at(which, 1)
    marked = rows.numbers_at(which, 3) & _FD_CLOEXEC == 1
    yield which[marked], fds[marked], Change.CLOSED_AT_EXEC, fds[marked]
    yield which[~marked], fds[~marked], Change.KEPT_AT_EXEC, fds[~marked]


def _event_at(columns: Columns, place: int) -> Event:
    header = int(columns.headers[place])
    kind, count = int(columns.types[place]), int(columns.counts[place])
    return CapturedEvent(kind, 0, 1, 0, 0, columns.data, header + HEADER_BYTES, count)


def _fill(journal: Journal, columns: Columns, changes: list[Changes], end: int) -> None:
    """Order the changes before `end` by thread, and those of a thread by their place in the piece."""
    places, fds, kinds, sources = (np.concatenate(parts) for parts in zip(*changes, strict=True))
    before = places < end
    places, fds, kinds, sources = places[before], fds[before], kinds[before], sources[before]
    tids = columns.fields["tid"][places]
    order = np.lexsort((places, tids))
    tids, kinds, sources = tids[order], kinds[order], sources[order]
    readers = np.flatnonzero(kinds >= FIRST_READING)
    starts = np.flatnonzero(np.diff(tids, prepend=tids[:1] - 1)) if len(tids) else tids
    ends = np.append(starts[1:], len(tids)) if len(tids) else tids

    def open_file(place: int, thread: Thread) -> Any:
        return opened_file(_event_at(columns, place), thread)

    journal.fill(
        zip(tids[starts].tolist(), starts.tolist(), ends.tolist(), strict=True),
        places[order].tolist(),
        fds[order].tolist(),
        kinds.tolist(),
        dict(zip(readers.tolist(), sources[readers].tolist(), strict=True)),
        open_file,
    )
