"""The lists at the start of a capture, as bytes: the newest version of each."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from falcocore_syscall.scap.records import (
    FdListRecord,
    FdRecord,
    GroupRecord,
    InterfaceRecord,
    MachineRecord,
    ThreadRecord,
    UserRecord,
)

MOST_PATH_BYTES = 1023
MOST_VECTOR_BYTES = 4096
MOST_NAME_BYTES = 255
"""Longer texts are cut off: other readers refuse a capture that has them."""

_U32 = struct.Struct("<I")
_MACHINE = struct.Struct("<IQQ128sQQQQ")
_THREAD_IDS = struct.Struct("<qqqqq")
_THREAD_NUMBERS = struct.Struct("<qIIIIIIQQ")
_THREAD_TAIL = struct.Struct("<QIIBQQQBQQQBBq")
_FD = struct.Struct("<qQB")
_U64_MOST, _U32_MOST = (1 << 64) - 1, (1 << 32) - 1


def machine_body(record: MachineRecord) -> bytes:
    """The machine info."""
    hostname = _raw(record.hostname)[:127]
    return _MACHINE.pack(
        record.cpus, record.memory_bytes, record.max_pid, hostname, record.boot_time_ns, 0, 0, 0
    )


def interfaces_body(records: Iterable[InterfaceRecord]) -> bytes:
    """Version 2 of the list; of the kinds without a link's speed, with a broadcast address of zeros."""
    elements = []
    for record in records:
        name, size = _raw(record.name)[:MOST_NAME_BYTES], len(record.address)
        head = struct.pack("<HH", 3 if size == 4 else 4, len(name))
        element = b"".join((head, record.address, record.netmask, bytes(size), name))
        elements.append(_U32.pack(len(element)) + element)
    return b"".join(elements)


def accounts_body(records: Iterable[UserRecord | GroupRecord]) -> bytes:
    """Version 2 of the list of users and groups."""
    elements = []
    for record in records:
        if isinstance(record, UserRecord):
            texts = [record.name, record.home, record.shell]
            head = struct.pack("<BII", 0, record.uid, record.gid)
        else:
            texts = [record.name]
            head = struct.pack("<BI", 1, record.gid)
        elements.append(_sized(head, *(_text(_raw(text), MOST_NAME_BYTES) for text in texts)))
    return b"".join(elements)


def threads_body(records: Iterable[ThreadRecord]) -> bytes:
    """Version 9 of the list of processes, with everything that was appended to it since."""
    return b"".join(map(_thread, records))


def _thread(it: ThreadRecord) -> bytes:
    return _sized(
        _THREAD_IDS.pack(it.tid, it.pid, it.ptid, it.sid, it.vpgid),
        *(_text(value, MOST_PATH_BYTES) for value in (it.comm, it.exe, it.exepath)),
        _text(it.args, MOST_VECTOR_BYTES),
        _text(it.cwd, MOST_PATH_BYTES),
        _THREAD_NUMBERS.pack(
            it.fdlimit, it.flags & _U32_MOST, it.uid, it.gid,
            it.vmsize_kb, it.vmrss_kb, it.vmswap_kb, it.pfmajor, it.pfminor,
        ),
        _text(it.env, MOST_VECTOR_BYTES),
        struct.pack("<qq", it.vtid, it.vpid),
        _text(it.cgroups, MOST_VECTOR_BYTES),
        _text(it.root, MOST_PATH_BYTES),
        _THREAD_TAIL.pack(
            it.pidns_init_start_ns, it.tty, it.loginuid, it.exe_writable,
            it.cap_inheritable, it.cap_permitted, it.cap_effective, it.exe_upper_layer,
            it.exe_ino, it.exe_ino_ctime_ns, it.exe_ino_mtime_ns,
            it.exe_from_memfd, it.exe_lower_layer, it.pgid,
        ),
    )  # fmt: skip


def fds_body(record: FdListRecord) -> bytes:
    """Version 2 of the list of a process's descriptors."""
    return struct.pack("<q", record.tid) + b"".join(map(_fd, record.fds))


def _fd(it: FdRecord) -> bytes:
    return _sized(_FD.pack(it.fd, it.ino & _U64_MOST, it.type), *_fd_parts(it))


def _fd_parts(it: FdRecord) -> tuple[bytes, ...]:
    name = _text(it.name, MOST_PATH_BYTES)
    match it.type:
        case 0:
            return ()
        case 3 | 4:
            ends = _address(it.source, it.type == 3), _address(it.destination, it.type == 3)
            return *ends, struct.pack("<HHB", it.sport, it.dport, it.l4proto)
        case 5 | 6:
            return _address(it.destination, it.type == 5), struct.pack("<HB", it.dport, it.l4proto)
        case 8:
            return struct.pack("<QQ", it.source_pointer, it.destination_pointer), name
        case 16:
            return _U32.pack(it.flags), name, _U32.pack(it.dev)
        case _:
            return (name,)


def _address(raw: bytes, is_v4: bool) -> bytes:
    """An address of the right length; zeros where it isn't known."""
    size = 4 if is_v4 else 16
    return raw if len(raw) == size else bytes(size)


def _sized(*parts: bytes) -> bytes:
    """An element with its length before it, which counts itself."""
    element = b"".join(parts)
    return _U32.pack(len(element) + 4) + element


def _text(raw: bytes, most_bytes: int) -> bytes:
    raw = raw[:most_bytes]
    return struct.pack("<H", len(raw)) + raw


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
