"""The lists at the start of a capture, block by block."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from falcocore_syscall.scap.blocks import BlockKind, Order
from falcocore_syscall.scap.records import (
    FdListRecord,
    FdRecord,
    GroupRecord,
    InterfaceRecord,
    MachineRecord,
    Record,
    ThreadRecord,
    UserRecord,
)

_PADDING_BYTES = 4
"""With fewer bytes left a list is at its end."""


class Cursor:
    """Reads numbers and texts from a block's body, one after the other.

    Raises:
        ValueError: something reaches beyond the end.
    """

    def __init__(self, data: bytes, order: Order, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._order = order
        self.at = start
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Bytes that were not read."""
        return self.end - self.at

    def numbers(self, layout: str) -> tuple[int, ...]:
        """Numbers by the letters of `struct`."""
        packed = struct.Struct(self._order.sign + layout)
        return packed.unpack_from(self._data, self._advance(packed.size))

    def number(self, letter: str) -> int:
        """One number."""
        return self.numbers(letter)[0]

    def take(self, size: int) -> bytes:
        """The next bytes."""
        start = self._advance(size)
        return self._data[start : start + size]

    def text(self) -> bytes:
        """A text with its length before it."""
        return self.take(self.number("H"))

    def elements(self, *, sized: bool, counts_itself: bool = True) -> Iterator[Cursor]:
        """A cursor for each element; elements that are not sized are all read by this one."""
        while self.left >= _PADDING_BYTES:
            if not sized:
                yield self
                continue
            size = self.number("I") - (4 if counts_itself else 0)
            if size < 0:
                raise ValueError("an element has a negative length")
            start = self._advance(size)
            yield Cursor(self._data, self._order, start, start + size)

    def _advance(self, size: int) -> int:
        start = self.at
        if start + size > self.end:
            raise ValueError(f"an element reaches {start + size - self.end} bytes beyond the end of its list")
        self.at = start + size
        return start


def read_list(kind: BlockKind, version: int, body: bytes, order: Order) -> Record:
    """The records of a block's body.

    Raises:
        ValueError: the body is not such a list.
    """
    cursor = Cursor(body, order)
    match kind:
        case BlockKind.MACHINE:
            return _machine(cursor)
        case BlockKind.INTERFACES:
            found = [_interface(it) for it in cursor.elements(sized=version > 1, counts_itself=False)]
            return [interface for interface in found if interface is not None]
        case BlockKind.USERS:
            return [_account(it) for it in cursor.elements(sized=version > 1)]
        case BlockKind.PROCESSES:
            return [_thread(it, version) for it in cursor.elements(sized=version >= _SIZED_THREADS)]
        case BlockKind.FDS:
            return FdListRecord(
                cursor.number("q"), [_fd(it, version) for it in cursor.elements(sized=version > 1)]
            )
        case BlockKind.EVENT:
            raise ValueError("an event is no list")


def _machine(cursor: Cursor) -> MachineRecord:
    cpus, memory_bytes, max_pid = cursor.numbers("IQQ")
    hostname = _text(cursor.take(128).partition(b"\0")[0])
    boot_time_ns = cursor.number("Q") if cursor.left >= 8 else 0
    return MachineRecord(cpus, memory_bytes, max_pid, hostname, boot_time_ns)


_INTERFACES = {1: (4, True), 2: (16, True), 3: (4, False), 4: (16, False)}
"""Length of addresses, and whether a link speed follows, by kind."""


def _interface(cursor: Cursor) -> InterfaceRecord:
    kind, size = cursor.numbers("HH")
    if kind not in _INTERFACES:
        raise ValueError(f"kind {kind} of a network interface is not known")
    length, has_speed = _INTERFACES[kind]
    address, netmask = cursor.take(length), cursor.take(length)
    cursor.take(length + (8 if has_speed else 0))
    return InterfaceRecord(_text(cursor.take(size)), address, netmask)


def _account(cursor: Cursor) -> UserRecord | GroupRecord:
    if cursor.number("B"):
        return GroupRecord(cursor.number("I"), _text(cursor.text()))
    uid, gid = cursor.numbers("II")
    name, home, shell = cursor.text(), cursor.text(), cursor.text()
    return UserRecord(uid, gid, _text(name), _text(home), _text(shell))


_SIZED_THREADS = 9
"""The version of the process list from which on elements have a length."""
_SHORT_TAIL_BYTES = 29
"""A tail of at most this size begins with the login id: what stands before it was put in later."""


def _thread(cursor: Cursor, version: int) -> ThreadRecord:
    tid, pid, ptid = cursor.numbers("qqq")
    thread = ThreadRecord(tid, pid, ptid)
    if version >= 6:
        thread.sid = cursor.number("q")
    if version >= 8:
        thread.vpgid = cursor.number("q")
    thread.comm, thread.exe = cursor.text(), cursor.text()
    if version >= 7:
        thread.exepath = cursor.text()
    thread.args, thread.cwd = cursor.text(), cursor.text()
    thread.fdlimit, thread.flags, thread.uid, thread.gid = cursor.numbers("qIII")
    if version >= 2:
        thread.vmsize_kb, thread.vmrss_kb, thread.vmswap_kb = cursor.numbers("III")
        thread.pfmajor, thread.pfminor = cursor.numbers("QQ")
    if version >= 3:
        thread.env = cursor.text()
    if version >= 4:
        thread.vtid, thread.vpid = cursor.numbers("qq")
        thread.cgroups = cursor.text()
    if version >= 5:
        thread.root = cursor.text()
    if version >= _SIZED_THREADS:
        _thread_tail(thread, cursor)
    return thread


_TAIL = (
    ("pidns_init_start_ns", "Q", 8),
    ("tty", "I", 4),
    ("loginuid", "I", 4),
    ("exe_writable", "B", 1),
    ("cap_inheritable", "Q", 8),
    ("cap_permitted", "Q", 8),
    ("cap_effective", "Q", 8),
    ("exe_upper_layer", "B", 1),
    ("exe_ino", "Q", 8),
    ("exe_ino_ctime_ns", "Q", 8),
    ("exe_ino_mtime_ns", "Q", 8),
    ("exe_from_memfd", "B", 1),
    ("exe_lower_layer", "B", 1),
    ("pgid", "q", 8),
)


def _thread_tail(thread: ThreadRecord, cursor: Cursor) -> None:
    for name, letter, size in _TAIL[2:] if cursor.left <= _SHORT_TAIL_BYTES else _TAIL:
        if cursor.left < size:
            return
        setattr(thread, name, cursor.number(letter))


def _fd(cursor: Cursor, version: int) -> FdRecord:
    fd, ino, kind = cursor.numbers("qQB")
    record = FdRecord(fd, ino, kind)
    match kind:
        case 0:
            pass
        case 3 | 4:
            size = 4 if kind == 3 else 16
            record.source, record.destination = cursor.take(size), cursor.take(size)
            record.sport, record.dport, record.l4proto = cursor.numbers("HHB")
        case 5 | 6:
            record.destination = cursor.take(4 if kind == 5 else 16)
            record.dport, record.l4proto = cursor.numbers("HB")
        case 8:
            record.source_pointer, record.destination_pointer = cursor.numbers("QQ")
            record.name = cursor.text()
        case 16:
            record.flags = cursor.number("I")
            record.name = cursor.text()
            if version > 1 and cursor.left >= 4:
                record.dev = cursor.number("I")
        case _ if version > 1 and kind not in _NAMED_FDS:
            pass
        case _:
            record.name = cursor.text()
    return record


_NAMED_FDS = frozenset({1, 2, 7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21})


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
