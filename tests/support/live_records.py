"""Records as the kernel program writes them, put together by hand, and events of them on a machine."""

from __future__ import annotations

import struct
from typing import Any

from falcocore_syscall.live.calls.table import Calls
from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.items import ItemKind
from falcocore_syscall.live.record import HEAD, Head, Record, RecordKind
from falcocore_syscall.scap.records import InterfaceRecord
from falcocore_syscall.state.interfaces import Interfaces
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.state.threads import Thread
from falcocore_syscall.tables import NATIVE, SYSCALL_NAMES
from tests.support.syscall_events import START_NS, ipv4, shown

TID = 100
RETURNED, NO_ARG = 6, 7
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
STREAM, DATAGRAM, RAW = 1, 2, 3
ESTABLISHED, SYN_SENT, CLOSED, LISTENING = 1, 2, 7, 10
REGULAR, FOLDER, FIFO = 0o100644, 0o040755, 0o010600


Case = tuple[str, tuple[bytes, ...], int, tuple[int, ...], str]
"""A call, the items of its record, what it returns, its arguments, and these as text."""
CALLS = {architecture: Calls(architecture) for architecture in NATIVE}


def number_of(name: str, architecture: str = "x86_64") -> int:
    """The kernel's number of a system call."""
    code = SYSCALL_NAMES.index(name)
    return next(number for number, found in NATIVE[architecture].items() if found == code)


def item(kind: ItemKind, data: bytes, arg: int = NO_ARG, flags: int = 0) -> bytes:
    """An item, padded."""
    return struct.pack("<HBBI", kind, arg, flags, len(data)) + data + bytes(-len(data) % 8)


def text(arg: int, value: str | bytes) -> bytes:
    """A text that an argument points to."""
    return item(ItemKind.TEXT, _bytes(value), arg)


def directory(arg: int, value: str) -> bytes:
    """What the path of an argument is relative to."""
    return item(ItemKind.DIRECTORY, _bytes(value), arg)


def memory(arg: int, data: bytes) -> bytes:
    """What stands in the caller's memory."""
    return item(ItemKind.BYTES, data, arg)


def file(
    arg: int, fd: int, path: str | bytes, *, mode: int = REGULAR, flags: int = 0, dev: int = 0, ino: int = 7,
    marks: int = 0, kind: int = 0,
) -> bytes:  # fmt: skip
    """A descriptor of a file; with a kind, of an anonymous inode."""
    data = struct.pack("<iIIIQII", fd, mode, flags, dev, ino, marks, kind) + _bytes(path)
    return item(ItemKind.FILE, data, arg)


def socket(
    arg: int, fd: int, family: int = AF_INET, kind: int = STREAM, protocol: int = 6, *,
    state: int = ESTABLISHED, local: tuple[bytes, int] = (b"", 0), remote: tuple[bytes, int] = (b"", 0),
    ino: int = 9, ends: tuple[int, int] = (0, 0), path: str | bytes = b"",
) -> bytes:  # fmt: skip
    """A descriptor of a socket."""
    (lip, lport), (rip, rport) = local, remote
    numbers = (fd, family, kind, protocol, state, lport, rport, lip, rip, ino, *ends)
    return item(ItemKind.SOCKET, struct.pack("<iHHHHHH16s16sQQQ", *numbers) + _bytes(path), arg)


def end(address: str, port: int) -> tuple[bytes, int]:
    """One end of an IPv4 connection."""
    return ipv4(address), port


def user_address(address: str, port: int) -> bytes:
    """A `struct sockaddr_in`."""
    return struct.pack("<H", AF_INET) + struct.pack(">H", port) + ipv4(address) + bytes(8)


def user_address_6(address: bytes, port: int) -> bytes:
    """A `struct sockaddr_in6`."""
    return struct.pack("<H", AF_INET6) + struct.pack(">H", port) + bytes(4) + address + bytes(4)


def user_path(path: bytes) -> bytes:
    """A `struct sockaddr_un`."""
    return struct.pack("<H", AF_UNIX) + path


def record(*items: bytes, **head: Any) -> bytes:
    """The bytes of a record; `args` are the first arguments."""
    values: dict[str, Any] = dict.fromkeys(Head._fields, 0)
    values.update(
        kind=RecordKind.CALL, cpu=1, time_ns=5_000, tid=TID, pid=TID, ppid=1, loginuid=0xFFFFFFFF,
        vtid=TID, vpid=TID, sid=TID, pgid=TID, comm=b"cat",
    )  # fmt: skip
    for number, value in enumerate(head.pop("args", ())):
        values[f"arg{number}"] = value % (1 << 64)
    values.update(head)
    body = b"".join(items)
    values["size"] = HEAD.size + len(body)
    return HEAD.pack(*(values[name] for name in Head._fields)) + body


def called(
    name: str,
    *items: bytes,
    ret: int = 0,
    args: tuple[int, ...] = (),
    architecture: str = "x86_64",
    **head: Any,
) -> LiveEvent:
    """The event of a system call on a machine that knows the thread."""
    nr = number_of(name, architecture)
    return seen(record(*items, nr=nr, ret=ret, args=args, **head), architecture)


def seen(raw: bytes, architecture: str = "x86_64") -> LiveEvent:
    """The event of a record on a machine that knows the thread."""
    parsed = Record(raw)
    call = CALLS[architecture].of(parsed)
    assert call is not None
    event = LiveEvent(parsed, call, START_NS, 1)
    event.machine, event.thread = machine_with_thread()
    return event


def check_arguments(case: Case) -> None:
    """The arguments of a call as text; and laid out as in a capture, they are the same."""
    name, items, ret, args, expected = case
    event = called(name, *items, ret=ret, args=args)
    assert shown(event, "evt.args") == expected
    assert [event.data[slice(*event.span(number))] for number in range(event.count)] == event.params()


def machine_with_thread() -> tuple[Machine, Thread]:
    """A machine with a process that runs cat."""
    machine = Machine("box")
    machine.interfaces = Interfaces([InterfaceRecord("eth0", ipv4("10.0.0.2"), ipv4("255.255.255.0"))])
    thread = Thread(TID, TID, 1)
    thread.comm, thread.exe, thread.exepath = "cat", "cat", "/bin/cat"
    thread.args, thread.cgroups, thread.cwd = b"-n\0", b"cpu=/user\0", "/home/u/"
    thread.vtid = thread.vpid = TID
    thread.fdlimit, thread.vmsize_kb, thread.vmrss_kb = 1024, 2000, 300
    machine.threads.add(thread)
    return machine, thread


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
