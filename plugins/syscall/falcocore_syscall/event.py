"""One event, pointing into the bytes that it was read from. Parameters are decoded one by one, on demand."""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING

from falcocore_syscall.state.paths import UNKNOWN_DIRECTORY
from falcocore_syscall.tables import EVENTS, GENERIC, LARGE, NATIVE_NAMES, SYSCALL_NAMES

if TYPE_CHECKING:
    from falcocore_syscall.state.fds import Fd
    from falcocore_syscall.state.known import KnownMachine
    from falcocore_syscall.state.threads import Thread

_MOST_PARAMS = max(len(event.params) for event in EVENTS)
_LENGTHS = [struct.Struct(f"<{count}H") for count in range(_MOST_PARAMS + 1)]
_LONG_LENGTHS = [struct.Struct(f"<{count}I") for count in range(_MOST_PARAMS + 1)]
ASYNC = 402
"""Events that a plugin has made itself; they carry their name."""
_NAMED_BY_THEMSELVES = GENERIC | {ASYNC}
NAMES = tuple(event.name for event in EVENTS)
_FD_PARAMS = tuple(event.fd_param for event in EVENTS)


def lengths_of(kind: int, count: int) -> struct.Struct:
    """The layout of the lengths of so many parameters before an event of this type's."""
    return (_LONG_LENGTHS if kind in LARGE else _LENGTHS)[count]


class Row:
    """Parameters that are numbers and follow each other, by the letters of `struct`."""

    __slots__ = ("end", "first", "lengths", "packed")

    def __init__(self, first: int, letters: str) -> None:
        self.first = first
        self.end = first + len(letters)
        self.packed = struct.Struct(f"<{letters}")
        self.lengths = tuple(struct.calcsize(f"<{letter}") for letter in letters)


class Event:
    """An event in the newest layout, as the getters of fields take it.

    `data[at:]` has the lengths of `count` parameters and then their bytes. `thread` is who made it, after
    the state was brought up to it; None where nobody did. What events of some types only have (`fd`,
    `entry`) is filled by whoever applies them to the state.
    """

    __slots__ = (
        "_lengths",
        "_spans",
        "at",
        "count",
        "cpu",
        "data",
        "entry",
        "fd",
        "machine",
        "name",
        "num",
        "old_name",
        "thread",
        "tid",
        "time_ns",
        "type",
    )

    _spans: tuple[int, ...]
    _lengths: tuple[int, ...]
    thread: Thread | None
    entry: Fd | None
    machine: KnownMachine

    def __init__(
        self, kind: int, time_ns: int, tid: int, cpu: int, num: int, data: bytes, at: int, count: int
    ) -> None:
        self.type = kind
        self.time_ns = time_ns
        self.tid = tid
        self.cpu = cpu
        self.num = num
        self.data = data
        self.at = at
        self.count = count
        self.name = self._own_name() if kind in _NAMED_BY_THEMSELVES else NAMES[kind]
        self.fd: int | None = None
        self.old_name: str | None = None

    @property
    def key(self) -> str:
        """Host, time, thread, type and number: the same for the same event of the same capture."""
        return f"{self.machine.hostname}/{self.time_ns}/{self.tid}/{self.type}/{self.num}"

    def span(self, number: int) -> tuple[int, int]:
        """Where a parameter begins and ends in `data`; it has to be there."""
        try:
            spans = self._spans
        except AttributeError:
            spans = self._spans = self._find_spans()
        return spans[number], spans[number + 1]

    def _find_spans(self) -> tuple[int, ...]:
        packed = lengths_of(self.type, self.count)
        self._lengths = packed.unpack_from(self.data, self.at)
        return tuple(accumulate(self._lengths, initial=self.at + packed.size))

    def raw(self, number: int) -> bytes | None:
        """The bytes of a parameter; empty where its value was not available, None where it is not there."""
        if number >= self.count:
            return None
        try:
            spans = self._spans
        except AttributeError:
            spans = self._spans = self._find_spans()
        return self.data[spans[number] : spans[number + 1]]

    def params(self) -> list[bytes]:
        """The bytes of all parameters."""
        return [self.data[slice(*self.span(number))] for number in range(self.count)]

    def integer(self, number: int) -> int | None:
        """A signed number of any width; None where it is not available."""
        raw = self.raw(number)
        return int.from_bytes(raw, "little", signed=True) if raw else None

    def unsigned(self, number: int) -> int | None:
        """A number of any width that has no sign; None where it is not available."""
        raw = self.raw(number)
        return int.from_bytes(raw, "little") if raw else None

    def number(self, number: int, default: int = 0) -> int:
        """A number without sign, or the default."""
        found = self.unsigned(number)
        return default if found is None else found

    def row(self, layout: Row) -> tuple[int, ...] | None:
        """Several numbers that follow each other; None where one is not there, or not available."""
        first, end = layout.first, layout.end
        if end > self.count:
            return None
        start = self.span(first)[0]
        if self._lengths[first:end] != layout.lengths:
            return None
        return layout.packed.unpack_from(self.data, start)

    def text_bytes(self, number: int) -> bytes:
        """A text without the NUL at its end; empty where it is not available."""
        raw = self.raw(number)
        if not raw:
            return b""
        return b"" if raw == b"(NULL)\0" else raw[:-1] if raw[-1] == 0 else raw

    def text(self, number: int) -> str:
        """The same decoded; bytes that are not UTF-8 are kept as surrogate escapes."""
        return self.text_bytes(number).decode("utf-8", "surrogateescape")

    def is_available(self, number: int) -> bool:
        """False where the parameter is not there, or was recorded without a value."""
        if number >= self.count:
            return False
        start, end = self.span(number)
        return end > start

    def find_fd(self) -> Fd | None:
        """The descriptor that the event is about, as it is now; `fd` is then its number.

        Whoever makes one by the event has put it here already. -1 stands for none.
        """
        if self.fd is None:
            self.entry = None
            parameter = _FD_PARAMS[self.type]
            found = None if parameter is None else self.integer(parameter)
            self.fd = -1 if found is None else found
            if found is not None and self.thread is not None:
                self.entry = entry = self.thread.fds.get(found)
                self.old_name = None if entry is None else entry.name
        return self.entry

    def descriptor(self, fd: int) -> Fd | None:
        """What is known of a descriptor that an argument of the event names."""
        return self.thread.fds.get(fd) if self.thread is not None else None

    def directory(self, dirfd: int) -> str:
        """The path, with a slash at its end, that names are relative to which come with this descriptor."""
        thread = self.thread
        return UNKNOWN_DIRECTORY if thread is None else self.machine.directory(thread, dirfd)

    @property
    def result(self) -> int | None:
        """What the system call has returned; None for events that are no exit of one."""
        if self.type % 2 == 0 or self.type in GENERIC:
            return None
        return self.integer(0)

    def _own_name(self) -> str:
        """The name of the system call that a generic event stands for, or of a plugin's event."""
        if self.type == ASYNC:
            return self.text(1)
        code = self.number(0)
        if code == 0 and self.is_available(1):
            return NATIVE_NAMES.get(self.number(1), SYSCALL_NAMES[0])
        return SYSCALL_NAMES[code] if code < len(SYSCALL_NAMES) else SYSCALL_NAMES[0]
