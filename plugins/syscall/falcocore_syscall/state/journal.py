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


_OPENED, _CLOSED, _USED = Change.OPENED.value, Change.CLOSED.value, Change.USED.value
_CLOSED_AT_EXEC, _COPIED = Change.CLOSED_AT_EXEC.value, Change.COPIED.value


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
        self._copies: list[int] = []
        self._copying: set[int] = set()
        self._open: Callable[[int, Thread], Fd] | None = None

    def fill(
        self,
        threads: Iterable[tuple[int, int, int]],
        places: list[int],
        fds: list[int],
        changes: list[int],
        sources: dict[int, int],
        copying: set[int],
        open_file: Callable[[int, Thread], Fd],
    ) -> None:
        """Take the changes of a piece. `threads` has the id of each, and where its changes begin and end.

        `sources` has the descriptors that copies were made of, by the numbers of these changes, in order;
        `copying` are the threads that have made them.
        `open_file` makes the entry that the event at a place has opened.
        """
        self.waiting = {tid: [start, end] for tid, start, end in threads}
        self._places, self._fds, self._changes, self._open = places, fds, changes, open_file
        self._sources, self._copies = sources, list(sources)
        self._copying = copying
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
        if tid in self.waiting:
            self._take(tid)

    def catch_up(self, thread: Thread) -> None:
        """Make the changes up to now in the thread's table, by all threads that share it."""
        group = thread.group
        if group is None or len(group.threads) < 2:
            tid = thread.tid
            if self.has_seen(tid):
                start, stop = self._take(tid)
                copies: list[int] = []
                if tid in self._copying:
                    first, last = bisect_left(self._copies, start), bisect_left(self._copies, stop)
                    copies = [number - start for number in self._copies[first:last]]
                self._make(thread, range(start, stop), copies)
            return
        found: list[int] = []
        for other in group.threads.values():
            if other.tid in self.waiting and other.shares_fds_with(thread):
                found += range(*self._take(other.tid))
        if not found:
            return
        found.sort(key=self._places.__getitem__)
        changes = self._changes
        self._make(thread, found, [at for at, number in enumerate(found) if changes[number] >= _COPIED])

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

    def _make(self, thread: Thread, numbers: Sequence[int], copies: list[int]) -> None:
        """Make changes. What stands before a copy has to be there for it; `copies` says where they are."""
        table: dict[int, Fd] = thread._fds  # noqa: SLF001 - the property would come back to here
        done = 0
        for at in copies:
            self._make_last(thread, table, numbers[done:at])
            done, number = at + 1, numbers[at]
            entry = table.get(self._sources[number])
            if entry is not None:
                cloexec = self._changes[number] == Change.COPIED_TO_CLOSE_AT_EXEC
                table[self._fds[number]] = entry.with_cloexec(cloexec)
        self._make_last(thread, table, numbers[done:] if done else numbers)

    def _make_last(self, thread: Thread, table: dict[int, Fd], numbers: Sequence[int]) -> None:
        """From the last change to the first: the last of a descriptor decides, later marks are put on it."""
        fds, changes = self._fds, self._changes
        decided: set[int] = set()
        cloexec: dict[int, bool] = {}
        used: set[int] = set()
        for number in reversed(numbers):
            fd = fds[number]
            if fd in decided:
                continue
            change = changes[number]
            if change == _CLOSED:
                decided.add(fd)
                table.pop(fd, None)
            elif change == _OPENED:
                decided.add(fd)
                if self._open is not None:
                    table[fd] = self._open(self._places[number], thread)
            elif change == _USED:
                used.add(fd)
            else:
                cloexec.setdefault(fd, change == _CLOSED_AT_EXEC)
        for fd, value in cloexec.items():
            if fd in table:
                table[fd] = table[fd].with_cloexec(value)
        for fd in used:
            entry = table.get(fd)
            if isinstance(entry, SocketFd) and not entry.connected:
                made = table[fd] = entry.copy()
                made.connected = True
