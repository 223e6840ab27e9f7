"""Captures become events: what rules or state need is decoded, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from falcocore_syscall.event import Event
from falcocore_syscall.needs import Needs
from falcocore_syscall.scap.blocks import HEADER_BYTES
from falcocore_syscall.scap.columns import Array, Columns, by_type
from falcocore_syscall.scap.convert import Converted, Converter, deliverable, dropped
from falcocore_syscall.scap.errors import CaptureError
from falcocore_syscall.scap.event import CapturedEvent
from falcocore_syscall.scap.modernise import packed_event
from falcocore_syscall.scap.reader import Reader, SectionStart
from falcocore_syscall.screening import Screen
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.state.metadata import INITIAL
from falcocore_syscall.tables import ENTER_TYPES, EVENTS, SYSCALL_NAMES

_DELIVERABLE, _COUNTS = deliverable()
_IS_DROPPED = by_type(dropped() | set(range(len(EVENTS), 1 << 16)))
_ANY, _NONE = -1, -2
_PLAIN_COUNT = np.full(1 << 16, _NONE, dtype=np.int64)
_PLAIN_COUNT[list(_DELIVERABLE)] = _ANY
_PLAIN_COUNT[list(_COUNTS)] = list(_COUNTS.values())
"""The number of parameters with which events of each type have the newest layout."""
_IS_INITIAL = by_type(INITIAL)
_GENERIC_EXIT = 1


class Replay:
    """Goes through a capture, keeps a machine's state, and gives the events that rules may match.

    `needs` may be replaced between two pieces. `num` is the number of the last event.
    """

    def __init__(self, reader: Reader, machine: Machine) -> None:
        self._reader = reader
        self._machine = machine
        self._converter = Converter()
        self._is_starting = True
        self._failure: CaptureError | None = None
        self._screen = Screen(Needs.everything())
        self._has_enter_events = False
        self.num = 0

    @property
    def needs(self) -> Needs:
        """Which events rules can match."""
        return self._screen.needs

    @needs.setter
    def needs(self, needs: Needs) -> None:
        self._screen = Screen(needs)

    def pieces(self) -> Iterator[Columns]:
        """The events of the capture, as they were read; what stands before them goes into the state.

        Raises:
            CaptureError: the capture can't be read any further.
        """
        is_loading = False
        for item in self._reader:
            if isinstance(item, Columns):
                if is_loading:
                    self._machine.start()
                    is_loading = False
                yield item
                if self._failure is not None:
                    raise self._failure
            elif isinstance(item, SectionStart):
                self._machine.reset()
                self._converter = Converter()
                is_loading = True
            else:
                self._machine.load(item)

    def events(self, columns: Columns) -> Iterator[Event]:
        """The events of a piece that rules may match, each after the state was brought up to it.

        Where an event is found to be damaged, it is the end; `pieces` then says why.
        """
        machine = self._machine
        chosen, plain = self._choose(columns)
        if self._has_enter_events:
            end = columns.first_damaged(chosen)
            chosen = chosen[chosen < end]
        else:
            chosen, end = self._screen.note(columns, chosen, machine)
        if end < len(columns):
            self._fail("the parameters of an event don't fit into it", columns, end)
            columns, plain = columns.until(end), plain[:end]
        if machine.first_time_ns is None and len(columns):
            machine.first_time_ns = columns.times_and_threads(np.zeros(1, dtype=int))[0][0]
        counted = np.cumsum(plain)
        lead = self._lead(columns, plain)
        journal = machine.journal
        times, tids = columns.times_and_threads(chosen)
        types = columns.types[chosen]
        visible = self.needs.types[types] & ~columns.hidden[chosen]
        data, converted = columns.data, 0
        for kind, time_ns, tid, cpu, num, at, count, is_plain, is_visible, place in zip(
            types.tolist(),
            times,
            tids,
            columns.processors(chosen),
            (self.num + counted[chosen]).tolist(),
            (columns.headers[chosen] + HEADER_BYTES).tolist(),
            columns.counts[chosen].tolist(),
            plain[chosen].tolist(),
            visible.tolist(),
            chosen.tolist(),
            strict=True,
        ):
            event: Event = CapturedEvent(kind, time_ns, tid, cpu, num + converted, data, at, count)
            if not is_plain:
                try:
                    found = self._converter.convert(kind, tid, event.params())
                except ValueError as error:
                    columns, plain = columns.until(place), plain[:place]
                    self._fail(str(error), columns, place)
                    break
                if found is None:
                    continue
                converted += 1
                event = _unpacked(event, found)
                is_visible = self._shows(event) and not columns.hidden[place]
            if place < lead:
                self._is_starting = self._is_starting and event.type in INITIAL
                is_visible = is_visible and not self._is_starting
            journal.now = place
            machine.apply(event)
            if is_visible:
                yield event
            machine.previous_time_ns = time_ns
        machine.catch_up()
        if lead < len(columns):
            self._is_starting = False
        self.num += int(np.count_nonzero(plain)) + converted

    def _choose(self, columns: Columns) -> tuple[Array, Array]:
        """The numbers of the events that are looked at, and which of all have the newest layout."""
        types = columns.types.astype(np.intp)  # So the tables need not do it each.
        count = _PLAIN_COUNT[types]
        plain = (count == columns.counts) | (count == _ANY)
        needed = self._screen.is_needed[types]
        generic = np.flatnonzero(plain & (types == _GENERIC_EXIT) & needed)
        needed[generic] = self.needs.calls[np.minimum(columns.first_numbers(generic), len(SYSCALL_NAMES) - 1)]
        old = ~(plain | _IS_DROPPED[types])
        self._has_enter_events |= bool(old.any())
        return np.flatnonzero(np.where(plain, needed, old)), plain

    def _lead(self, columns: Columns, plain: Array) -> int:
        """How many events at the start may tell of the initial state, and then are not shown."""
        if not self._is_starting:
            return 0
        others = np.flatnonzero(plain & ~_IS_INITIAL[columns.types])
        return int(others[0]) if len(others) else len(columns)

    def _shows(self, event: Event) -> bool:
        """True for a converted event that rules may match."""
        return event.type not in ENTER_TYPES and bool(self.needs.types[event.type])

    def _fail(self, problem: str, columns: Columns, place: int) -> None:
        at = int(columns.blocks[place]) if place < len(columns) else columns.end
        self._failure = CaptureError(problem, columns.start + at)


def _unpacked(old: Event, found: Converted) -> CapturedEvent:
    """The event that an old one was converted to; it has the next number."""
    data = packed_event(old.time_ns, old.tid, found.type, found.params)
    return CapturedEvent(
        found.type, old.time_ns, old.tid, old.cpu, old.num + 1, data, HEADER_BYTES, len(found.params)
    )
