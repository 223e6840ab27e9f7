"""Events of system calls by the names of their arguments, applied to a machine, and the fields of them."""

from __future__ import annotations

import json
import struct
from typing import Any

from falcocore.fields import FieldTable
from falcocore.generic_fields import GENERIC_FIELDS
from falcocore.lang.bound import BoundField
from falcocore.lang.operands import bind_field, nowhere
from falcocore.lang.syntax import FieldRef
from falcocore.stream import Stream
from falcocore_syscall.event import Event
from falcocore_syscall.fields import FIELDS
from falcocore_syscall.scap.blocks import HEADER_BYTES
from falcocore_syscall.scap.modernise import packed_event
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.tables import EVENTS, types_named
from tests.support.scap_writer import encode

START_NS = 1_700_000_000_000_000_000
AT_FDCWD = -100

_own = {field.name for field in FIELDS}
TABLE = FieldTable(
    "syscall",
    [(field, "test") for field in FIELDS]
    + [(field, "falcocore") for field in GENERIC_FIELDS if field.name not in _own],
)


def type_of(name: str | int) -> int:
    """The number of a type: the newest exit event of that name."""
    return name if isinstance(name, int) else max(types_named(name))


def make_event(
    name: str | int, tid: int, /, *, time_ns: int = START_NS, num: int = 1, **arguments: Any
) -> Event:
    """An event in the newest layout; arguments that are not given were not available."""
    number = type_of(name)
    known = EVENTS[number].params
    if unknown := arguments.keys() - {param.name for param in known}:
        raise ValueError(f"{EVENTS[number].name} has no argument {unknown}")
    params = [encode(arguments.get(param.name), param.type) for param in known]
    data = packed_event(time_ns, tid, number, params)
    return Event(number, time_ns, tid, 0, num, data, HEADER_BYTES, len(params))


class Box:
    """A machine on which things happen."""

    def __init__(self) -> None:
        self.machine = Machine("box")
        self.time_ns = START_NS

    def happens(self, name: str | int, tid: int = 1, /, **arguments: Any) -> Event:
        """An event, applied to the machine, a millisecond after the one before."""
        self.time_ns += 1_000_000
        event = make_event(name, tid, time_ns=self.time_ns, **arguments)
        self.machine.apply(event)
        return event

    def starts(self, tid: int = 1, ptid: int = 0, comm: str = "bash", /, **arguments: Any) -> Event:
        """A process that was not known runs a program."""
        exe = arguments.pop("exe", f"/bin/{comm}")
        values: dict[str, Any] = {"res": 0, "exe": exe, "pid": tid, "ptid": ptid, "tid": tid, "comm": comm}
        return self.happens("execve", tid, **{**values, "uid": 0, "gid": 0, "cgroups": b"", **arguments})

    def forks(self, tid: int, child: int, /, **arguments: Any) -> Event:
        """A process makes another; both sides of the call are seen."""
        parent = self.machine.threads[tid]
        values: dict[str, Any] = {"exe": parent.exe, "comm": parent.comm, "args": parent.args, "flags": 0}
        own = {"tid": tid, "pid": parent.pid, "ptid": parent.ptid, "vtid": tid, "vpid": parent.pid}
        self.happens("clone", tid, res=child, **{**values, **own, **arguments})
        theirs = {"tid": child, "pid": child, "ptid": tid, "vtid": child, "vpid": child}
        return self.happens("clone", child, res=0, **{**values, **theirs, **arguments})

    def opens(self, path: str, fd: int = 3, tid: int = 1, **arguments: Any) -> Event:
        """A file is opened."""
        return self.happens(
            "openat", tid, **{"fd": fd, "dirfd": AT_FDCWD, "name": path, "flags": 1, **arguments}
        )


def bound(name: str) -> BoundField:
    """A field, with its argument in brackets or behind a dot."""
    word, _, rest = name.partition("[")
    return bind_field(FieldRef(word, rest[:-1] if rest else None), TABLE, nowhere)


def value_of(event: Event, name: str) -> Any:
    """What a condition reads in a field."""
    found = bound(name)
    stream = Stream("syscall", "syscall", "syscall", "box")
    return found.getter(event, stream) if found.field.of_stream else found.getter(event)


def shown(event: Event, name: str) -> str:
    """What an alert's text shows of a field."""
    found = bound(name)
    getter = found.field.captured or found.getter
    return found.text(getter(event))


def one_rule(condition: str, output: str) -> str:
    """The text of a rule file with one rule."""
    rule = {"rule": "R", "desc": "d", "condition": condition, "output": output, "priority": "INFO"}
    return json.dumps([rule])


def ipv4(address: str) -> bytes:
    """The bytes of an address."""
    return bytes(map(int, address.split(".")))


def sockaddr(address: str, port: int) -> bytes:
    """An IPv4 address as a parameter."""
    return b"\x02" + ipv4(address) + struct.pack("<H", port)


def tuple4(source: str, sport: int, destination: str, dport: int) -> bytes:
    """Both ends of an IPv4 connection as a parameter."""
    return sockaddr(source, sport) + ipv4(destination) + struct.pack("<H", dport)
