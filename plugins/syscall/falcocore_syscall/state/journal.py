"""Changes of descriptors that nobody looks at: kept as they were read, and made when a table is asked for.

Most files are opened and closed again before anything depends on it. Of what a thread has done to one
descriptor only the last counts; the rest leaves no trace and is never made.
"""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from falcocore_syscall.state.fds import Fd, SocketFd

if TYPE_CHECKING:
    from falcocore_syscall.state.threads import Thread

NEVER = 1 << 62
"""Later than every event."""


class Change(enum.IntEnum):
    """What an event has done to a descriptor."""

    OPENED = 0
    CLOSED = 1
    USED = 2
    KEPT_AT_EXEC = 3
    CLOSED_AT_EXEC = 4
    COPIED = 5
    COPIED_TO_CLOSE_AT_EXEC = 6
    OPENED_RELATIVE = 7
    """By a path that is relative to another descriptor, or to the working directory."""


_CLOSED, _USED = Change.CLOSED.value, Change.USED.value
_OPENINGS = frozenset({Change.OPENED.value, Change.OPENED_RELATIVE.value})
_COPIES = frozenset({Change.COPIED.value, Change.COPIED_TO_CLOSE_AT_EXEC.value})
_CLOSING = frozenset({Change.CLOSED_AT_EXEC.value, Change.COPIED_TO_CLOSE_AT_EXEC.value})
FIRST_READING = Change.COPIED
"""This change and those with higher numbers read another descriptor, their source."""


class Journal:
    """Changes of one piece of a capture by thread, in the order of events.

    `now` is the place of the event that is being applied: what stands before it may be made.
    """

    def __init__(self) -> None:
        self.waiting: dict[int, list[int]] = {}
        """For each thread with changes that were not made the first and the end of them."""
        self.now = NEVER
        self._places: list[int] = []
        self._fds: list[int] = []
        self._changes: list[int] = []
        self._sources: dict[int, int] = {}
        self._open: Callable[[int, Thread], Fd] | None = None

    def fill(
        self,
        threads: Iterable[tuple[int, int, int]],
        places: list[int],
        fds: list[int],
        changes: list[int],
        sources: dict[int, int],
        open_file: Callable[[int, Thread], Fd],
    ) -> None:
        """Take the changes of a piece. `threads` has the id of each, and where its changes begin and end.

        `sources` has the descriptors that changes read, by the numbers of these changes. `open_file` makes
        the entry that the event at a place has opened.
        """
        self.waiting = {tid: [start, end] for tid, start, end in threads}
        self._places, self._fds, self._changes, self._open = places, fds, changes, open_file
        self._sources = sources
        self.now = 0

    def threads(self) -> list[int]:
        """The threads with changes that were not made; all of these may be made now."""
        self.now = NEVER
        return list(self.waiting)

    def clear(self) -> None:
        """Forget the piece."""
        self.waiting.clear()
        self._open = None

    def has_seen(self, tid: int) -> bool:
        """True where a thread has made a change before now that was not made yet."""
        bounds = self.waiting.get(tid)
        return bounds is not None and self._places[bounds[0]] < self.now

    def skip(self, tid: int) -> None:
        """Forget the changes up to now of a thread whose table nobody sees any more, or saw then."""
        if self.has_seen(tid):
            self._take(tid)

    def catch_up(self, thread: Thread) -> None:
        """Make the changes up to now in the thread's table, by all threads that share it."""
        group = thread.group
        if group is None or len(group.threads) < 2:
            if self.has_seen(thread.tid):
                self._make(thread, range(*self._take(thread.tid)))
            return
        found: list[int] = []
        for other in group.threads.values():
            if other.tid in self.waiting and other.shares_fds_with(thread):
                found += range(*self._take(other.tid))
        if found:
            found.sort(key=self._places.__getitem__)
            self._make(thread, found)

    def _take(self, tid: int) -> tuple[int, int]:
        """Where the changes of a waiting thread up to now begin and end; they count as made."""
        bounds = self.waiting[tid]
        start, end = bounds
        stop = end if self.now == NEVER else bisect_left(self._places, self.now, start, end)
        if stop == end:
            del self.waiting[tid]
        else:
            bounds[0] = stop
        return start, stop

    def _make(self, thread: Thread, numbers: Sequence[int]) -> None:
        """Make those changes that leave a trace: found from the last to the first, made in their order."""
        fds, changes = self._fds, self._changes
        decided: set[int] = set()
        used: set[int] = set()
        marked: set[int] = set()
        left: list[int] = []
        for number in reversed(numbers):
            fd = fds[number]
            if fd in decided:
                continue
            change = changes[number]
            if change == _CLOSED:
                decided.add(fd)
            elif change == _USED:
                if fd in used:
                    continue
                used.add(fd)
            elif change in _OPENINGS:
                decided.add(fd)
            elif change not in _COPIES:
                if fd in marked:
                    continue
                marked.add(fd)
            if number in self._sources:
                # What the source is here counts, whatever becomes of it later.
                source = self._sources[number]
                decided.discard(source)
                used.discard(source)
            left.append(number)
        table: dict[int, Fd] = thread._fds  # noqa: SLF001 - the property would come back to here
        for number in reversed(left):
            if changes[number] == _CLOSED:
                table.pop(fds[number], None)
            else:
                self._make_one(thread, table, number)

    def _make_one(self, thread: Thread, table: dict[int, Fd], number: int) -> None:
        fd, change = self._fds[number], self._changes[number]
        if change in _OPENINGS:
            if self._open is not None:
                table[fd] = self._open(self._places[number], thread)
            return
        entry = table.get(self._sources[number] if change in _COPIES else fd)
        if entry is None:
            return
        if change != _USED:
            table[fd] = entry.with_cloexec(change in _CLOSING)
        elif isinstance(entry, SocketFd) and not entry.connected:
            made = table[fd] = entry.copy()
            made.connected = True
