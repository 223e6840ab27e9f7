"""Requests of io_uring: the record of what was asked for and that of what has come of it become one.

A request is told of when it is asked for, by who asks, and again when it is done, by whoever has done it. In
between its first record waits here, but not for long: a connection may take minutes, and a request of which
nothing more is heard is told all the same, with a result that is not known. An open that works after that is
told once more.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from falcocore_syscall.live.reads import signed_32
from falcocore_syscall.live.record import RETURNED, Record, RecordFlag, RecordKind
from falcocore_syscall.state.paths import normalise

PATIENCE_NS = 1_000_000_000
MOST_WAITING = 4096
REQUEST = 5
"""The argument in which both records have the request; 0 where this kernel does not tell when it is done."""
_PATH, _SOCKET = 1, 0
"""The arguments with the path of an open and with the socket of a connect."""
OF_REQUEST = int(RecordFlag.RING)
"""What is among the flags of all records that have to be settled; others while a request is kept."""
_LATE, _TOLD_LATER = int(RecordFlag.LATE), int(RecordFlag.DIRECT | RecordFlag.TRUNCATED)
_DONE = int(RecordKind.DONE)
_FD = slice(8, 12)
"""Where the descriptor stands in the item of a socket."""
_pack_fd = struct.Struct("<i").pack


class Requests:
    """Those of which it is not known yet what comes of them."""

    def __init__(self) -> None:
        self.waiting: dict[int, Record] = {}
        """By their addresses in the kernel, in the order in which they were asked for."""
        self.overdue: dict[int, Record] = {}
        """Those that were told because they took too long, of processes that still run what has asked."""

    def settle(self, record: Record) -> list[Record]:
        """The records that are complete with this one, in their order; most often itself.

        Raises:
            RecordError: the record contradicts itself.
        """
        if record.kind == _DONE:
            return [*self.late(record.time_ns), *self._done(record)]
        found = list(self.late(record.time_ns))
        if record.kind in (RecordKind.EXEC, RecordKind.EXIT):
            # Who has asked is not what it was any more.
            found += self._left_by(record)
        elif record.flags & OF_REQUEST and record.args[REQUEST]:
            found += self._asked(record)
            return found
        found.append(record)
        return found

    def late(self, now_ns: int) -> Iterator[Record]:
        """Take out the requests that have waited for too long."""
        while self.waiting:
            first = next(iter(self.waiting))
            if self.waiting[first].time_ns + PATIENCE_NS > now_ns:
                return
            if len(self.overdue) >= MOST_WAITING:
                del self.overdue[next(iter(self.overdue))]
            self.overdue[first] = record = self.waiting.pop(first)
            yield record

    def rest(self) -> Iterator[Record]:
        """Take out all."""
        while self.waiting:
            yield self.waiting.pop(next(iter(self.waiting)))

    def _asked(self, record: Record) -> Iterator[Record]:
        request = record.args[REQUEST]
        self.overdue.pop(request, None)
        before = self.waiting.pop(request, None)
        if before is not None:
            yield before  # It is over: the kernel uses its memory again.
        if len(self.waiting) >= MOST_WAITING:
            yield self.waiting.pop(next(iter(self.waiting)))
        self.waiting[request] = record

    def _left_by(self, record: Record) -> list[Record]:
        """Those of a process, or of a thread that alone has ended."""
        is_whole = record.kind == RecordKind.EXEC or record.flags & RecordFlag.GROUP_DEAD

        def of_it(requests: dict[int, Record]) -> list[Record]:
            left = [
                key
                for key, asked in requests.items()
                if (asked.pid == record.pid if is_whole else asked.tid == record.tid)
            ]
            return [requests.pop(key) for key in left]

        of_it(self.overdue)
        return of_it(self.waiting)

    def _done(self, done: Record) -> list[Record]:
        """One record of both. A file that was opened is told even where nobody knows what was asked for."""
        file, socket = done.file(RETURNED), done.socket(_SOCKET)
        request = done.args[REQUEST]
        overdue = self.overdue.pop(request, None)
        if overdue is not None and (socket is not None or done.ret < 0):
            return []
        asked = self.waiting.pop(request, overdue)
        if asked is None:
            if file is None:
                return []
            flags = done.flags & ~(OF_REQUEST | _LATE)
            return [done.changed(done.named()._replace(kind=RecordKind.CALL, flags=flags))]
        items = done.body
        if socket is not None:
            items = items[: _FD.start] + _pack_fd(signed_32(asked.args[_SOCKET])) + items[_FD.stop :]
        flags = asked.flags & ~OF_REQUEST | done.flags & _TOLD_LATER
        head = asked.named()._replace(time_ns=done.time_ns, ret=done.ret, flags=flags)
        found = [asked.changed(head, items)]
        is_told = overdue is not None
        if file is not None and done.flags & _LATE and not is_told and _asked_path(asked) != file.path:
            # The way to the file may have led over a link. Or it was closed and another one opened since.
            found.insert(0, asked.changed(head))
        return found


def _asked_path(asked: Record) -> bytes | None:
    """The path that an open has given, as a whole."""
    given = asked.text(_PATH)
    if given is None:
        return None
    base = b"" if given[:1] == b"/" else (asked.directory(_PATH) or b"") + b"/"
    return normalise((base + given).decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
