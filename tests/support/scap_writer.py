"""Writes .scap captures of any version and byte order, block by block."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from falcocore_syscall.scap.records import FdRecord, InterfaceRecord, ThreadRecord
from falcocore_syscall.tables import EVENTS, LARGE, ParamType

Value = int | str | bytes | None
Named = tuple[int, str]

_LETTERS = {
    **dict.fromkeys((ParamType.UINT8, ParamType.SIGTYPE, ParamType.FLAGS8, ParamType.ENUMFLAGS8), "B"),
    **dict.fromkeys((ParamType.UINT16, ParamType.SYSCALLID, ParamType.FLAGS16, ParamType.ENUMFLAGS16), "H"),
    **dict.fromkeys((ParamType.UINT32, ParamType.FLAGS32, ParamType.ENUMFLAGS32, ParamType.UID), "I"),
    **dict.fromkeys((ParamType.GID, ParamType.MODE, ParamType.SIGSET, ParamType.BOOL), "I"),
    **dict.fromkeys((ParamType.UINT64, ParamType.RELTIME, ParamType.ABSTIME), "Q"),
    **dict.fromkeys((ParamType.INT64, ParamType.ERRNO, ParamType.FD, ParamType.PID), "q"),
    **dict.fromkeys((ParamType.INT32, ParamType.FD32, ParamType.PID32), "i"),
    ParamType.INT16: "h",
}
PROCESS_LISTS = {
    1: 0x202, 2: 0x207, 3: 0x209, 4: 0x210, 5: 0x211, 6: 0x212, 7: 0x213, 8: 0x214, 9: 0x215
}  # fmt: skip


def encode(value: Value, kind: ParamType, sign: str = "<") -> bytes:
    """A parameter: numbers in the width of the type, texts with a NUL, bytes as they are, None as nothing."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode() + b"\0"
    return struct.pack(sign + _LETTERS[kind], value)


class ScapWriter:
    """Collects the bytes of a capture; `order` is the sign of `struct`."""

    def __init__(self, order: str = "<") -> None:
        self.order = order
        self._written = bytearray()
        self.section()

    @property
    def data(self) -> bytes:
        """What was written."""
        return bytes(self._written)

    def block(self, kind: int, body: bytes, trailer: int | None = None) -> ScapWriter:
        """Add a block, padded."""
        body += bytes(-len(body) % 4)
        length = len(body) + 12
        self._written += (
            self.pack("II", kind, length) + body + self.pack("I", length if trailer is None else trailer)
        )
        return self

    def pack(self, letters: str, *values: Any) -> bytes:
        """Numbers in the capture's order."""
        return struct.pack(self.order + letters, *values)

    def text(self, value: str | bytes) -> bytes:
        """A text with its length."""
        raw = value.encode() if isinstance(value, str) else value
        return self.pack("H", len(raw)) + raw

    def section(self, major: int = 1, minor: int = 2, options: bytes = b"") -> ScapWriter:
        """Begin a section."""
        return self.block(0x0A0D0D0A, self.pack("IHHQ", 0x1A2B3C4D, major, minor, (1 << 64) - 1) + options)

    def machine(self, hostname: str = "box", boot_time_ns: int = 0) -> ScapWriter:
        """The machine info."""
        body = self.pack("IQQ", 4, 1 << 30, 32768) + hostname.encode().ljust(128, b"\0")
        return self.block(0x201, body + self.pack("QQQQ", boot_time_ns, 0, 0, 0))

    def interfaces(self, records: Iterable[InterfaceRecord], *, version: int = 2) -> ScapWriter:
        """A list of interfaces, without link speeds."""
        body = b""
        for it in records:
            name = it.name.encode()
            size = len(it.address)
            element = self.pack("HH", 3 if size == 4 else 4, len(name))
            element += it.address + it.netmask + bytes(size) + name
            body += (self.pack("I", len(element)) if version > 1 else b"") + element
        return self.block(0x219 if version > 1 else 0x205, body)

    def users(
        self,
        users: Sequence[tuple[int, str]] = (),
        groups: Sequence[tuple[int, str]] = (),
        *,
        version: int = 2,
    ) -> ScapWriter:
        """A list of users, with /home/NAME and /bin/sh, and groups."""
        elements = [
            self.pack("BII", 0, uid, uid)
            + self.text(name)
            + self.text(f"/home/{name}")
            + self.text("/bin/sh")
            for uid, name in users
        ] + [self.pack("BI", 1, gid) + self.text(name) for gid, name in groups]
        sized = (self.pack("I", len(element) + 4) + element for element in elements)
        return self.block(0x220 if version > 1 else 0x206, b"".join(sized if version > 1 else elements))

    def processes(
        self, records: Iterable[ThreadRecord], *, version: int = 9, extra: bytes = b""
    ) -> ScapWriter:
        """A list of processes, with all that the version can hold."""
        body = b""
        for it in records:
            element = self.thread(it, version)
            if version >= 9:
                element += self.thread_tail(it) + extra
                element = self.pack("I", len(element) + 4) + element
            body += element
        return self.block(PROCESS_LISTS[version], body)

    def thread(self, it: ThreadRecord, version: int) -> bytes:
        """The part of a process that has no length."""
        parts = [self.pack("qqq", it.tid, it.pid, it.ptid)]
        parts += [self.pack("q", it.sid)] if version >= 6 else []
        parts += [self.pack("q", it.vpgid)] if version >= 8 else []
        parts += [self.text(it.comm), self.text(it.exe)]
        parts += [self.text(it.exepath)] if version >= 7 else []
        parts += [
            self.text(it.args),
            self.text(it.cwd),
            self.pack("qIII", it.fdlimit, it.flags, it.uid, it.gid),
        ]
        if version >= 2:
            parts.append(self.pack("III", it.vmsize_kb, it.vmrss_kb, it.vmswap_kb))
            parts.append(self.pack("QQ", it.pfmajor, it.pfminor))
        parts += [self.text(it.env)] if version >= 3 else []
        parts += [self.pack("qq", it.vtid, it.vpid), self.text(it.cgroups)] if version >= 4 else []
        parts += [self.text(it.root)] if version >= 5 else []
        return b"".join(parts)

    def thread_tail(self, it: ThreadRecord) -> bytes:
        """What the newest version has behind it."""
        return (
            self.pack("QII", it.pidns_init_start_ns, it.tty, it.loginuid)
            + self.pack("B", it.exe_writable)
            + self.pack("QQQ", it.cap_inheritable, it.cap_permitted, it.cap_effective)
            + self.pack("B", it.exe_upper_layer)
            + self.pack("QQQ", it.exe_ino, it.exe_ino_ctime_ns, it.exe_ino_mtime_ns)
            + self.pack("BBq", it.exe_from_memfd, it.exe_lower_layer, it.pgid)
        )

    def fds(self, tid: int, records: Iterable[FdRecord], *, version: int = 2) -> ScapWriter:
        """The descriptors of a process."""
        body = self.pack("q", tid)
        for it in records:
            element = self.pack("qQB", it.fd, it.ino, it.type) + self._fd_part(it, version)
            body += (self.pack("I", len(element) + 4) if version > 1 else b"") + element
        return self.block(0x218 if version > 1 else 0x203, body)

    def _fd_part(self, it: FdRecord, version: int) -> bytes:
        if it.type in (3, 4):
            return it.source + it.destination + self.pack("HHB", it.sport, it.dport, it.l4proto)
        if it.type in (5, 6):
            return it.destination + self.pack("HB", it.dport, it.l4proto)
        if it.type == 8:
            return self.pack("QQ", it.source_pointer, it.destination_pointer) + self.text(it.name)
        if it.type == 16:
            return (
                self.pack("I", it.flags)
                + self.text(it.name)
                + (self.pack("I", it.dev) if version > 1 else b"")
            )
        return self.text(it.name) if it.type else b""

    def event(
        self,
        number: int,
        tid: int,
        *params: Value,
        time_ns: int = 1,
        cpu: int = 0,
        block: int = 0x216,
        flags: int = 0,
        options: bytes = b"",
    ) -> ScapWriter:
        """An event; its block's type says in which layout."""
        known = EVENTS[number].params
        values = [encode(value, known[n].type, self.order) for n, value in enumerate(params)]
        lengths = b"".join(self.pack("I" if number in LARGE else "H", len(value)) for value in values)
        is_old = block in (0x204, 0x208, 0x8010ABCD)
        size = (22 if is_old else 26) + len(lengths) + sum(map(len, values))
        head = self.pack("QqIH", time_ns, tid, size, number)
        head += b"" if is_old else self.pack("I", len(values))
        start = self.pack("H", cpu) + (self.pack("I", flags) if block in (0x208, 0x217, 0x222) else b"")
        return self.block(block, start + head + lengths + b"".join(values) + options)
