"""Events of records as fields see them: descriptors and directories are those that the kernel saw."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest

from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.items import ItemKind
from falcocore_syscall.live.record import Record
from falcocore_syscall.state.fds import FileFd
from tests.support.live_records import (
    CALLS,
    FOLDER,
    RETURNED,
    called,
    directory,
    file,
    item,
    machine_with_thread,
    memory,
    number_of,
    record,
    text,
)
from tests.support.syscall_events import START_NS, value_of

AT_FDCWD = 0xFFFFFF9C
O_DIRECTORY, O_CLOEXEC = 0o200000, 0o2000000
OPENED = file(RETURNED, 3, "/etc/passwd", dev=8 << 20 | 1, ino=9)
GIVEN = text(1, "..//etc/passwd")
HERE = directory(1, "/home")


def opens(*items: bytes, ret: int = 3, dirfd: int = AT_FDCWD, flags: int = 0, **head: Any) -> LiveEvent:
    """An openat."""
    return called("openat", *items, ret=ret, args=(dirfd, 1, flags, 0), **head)


def test_what_is_there_at_once() -> None:
    parsed = Record(record(nr=257, tid=44, cpu=2, ret=-2))
    event = LiveEvent(parsed, CALLS["x86_64"].by_number(257), START_NS, 8)
    assert (event.type, event.name, event.tid, event.cpu, event.num) == (307, "openat", 44, 2, 8)
    assert (event.time_ns, event.result, event.count, event.thread) == (START_NS, -2, 7, None)


FIELDS: list[tuple[LiveEvent, dict[str, Any]]] = [
    (
        opens(GIVEN, HERE, OPENED),
        {
            "fd.num": 3, "fd.name": "/etc/passwd", "fd.nameraw": "../etc/passwd", "fd.filename": "passwd",
            "fd.directory": "/etc", "fd.typechar": "f", "fd.dev.major": 8, "fd.dev.minor": 1, "fd.ino": 9,
            "fd.name_changed": True, "evt.is_open_read": True, "evt.is_open_write": False,
            "evt.abspath": "/etc/passwd", "fs.path.name": "/etc/passwd", "evt.res": "SUCCESS",
            "evt.rawres": 3,
            "fd.is_upper_layer": False,
        },
    ),
    (
        opens(GIVEN, HERE, ret=-13, flags=1),
        {
            "fd.num": -1, "fd.name": "/etc/passwd", "fd.nameraw": "../etc/passwd", "fd.typechar": "f",
            "fd.type": None, "evt.res": "EACCES", "evt.is_open_write": True, "fs.path.name": "/etc/passwd",
        },
    ),
    (opens(text(1, "x"), ret=-2), {"fd.name": "/home/u/x"}),
    (opens(text(1, "x"), ret=-2, dirfd=5), {"fd.name": "<UNKNOWN>x"}),
    (opens(text(1, "x"), directory(1, "/opt"), ret=-2, dirfd=5), {"fd.name": "/opt/x"}),
    (opens(text(1, "x"), item(ItemKind.CWD, b"/srv"), ret=-2), {"fd.name": "/srv/x"}),
    (
        opens(text(1, "opt"), file(RETURNED, 3, "/opt", mode=FOLDER), flags=O_DIRECTORY | O_CLOEXEC),
        {"fd.type": "directory", "fd.name": "/opt", "fd.directory": "/opt", "fd.filename": None},
    ),
    (opens(GIVEN, file(RETURNED, 3, "wd", marks=8), HERE), {"fd.name": "/etc/passwd"}),
    (opens(GIVEN, HERE), {"fd.name": "/etc/passwd", "fd.ino": 0}),
    (opens(OPENED), {"fd.name": "/etc/passwd", "fd.nameraw": "/etc/passwd", "evt.arg.name": "<NA>"}),
    (
        opens(GIVEN, file(RETURNED, 3, "/merged/x", marks=1)),
        {"fd.is_upper_layer": True, "fd.is_lower_layer": False, "evt.arg.flags": "O_RDONLY|FD_UPPER_LAYER"},
    ),
    (opens(GIVEN, file(RETURNED, 3, b"/a\xff")), {"fd.name": "/a\udcff"}),
    (
        called("creat", text(0, "/a"), file(RETURNED, 3, "/a", marks=2), ret=3, args=(1, 0o700)),
        {"fd.is_lower_layer": True, "fd.name": "/a", "evt.is_open_write": False, "evt.is_open_exec": True},
    ),
    (
        called(
            "unlinkat", text(1, "x"), directory(1, "/opt"), args=(5, 1, 0),
        ),
        {"fd.name": "/opt", "fd.type": "directory", "fs.path.name": "/opt/x", "evt.abspath": "/opt/x"},
    ),
    (
        called("renameat", text(1, "a"), directory(1, "/p"), text(3, "b"), directory(3, "/q"), args=(5,
            1, 6, 1)),
        {"fs.path.source": "/p/a", "fs.path.target": "/q/b", "evt.abspath.src": "/p/a",
        "evt.abspath.dst": "/q/b"},
    ),
    (
        called("symlink", text(0, "a"), directory(0, "/here"), text(1, "b"), directory(1, "/here"),
            args=(1, 1)),
        {"fs.path.source": "/here/b", "fs.path.target": "/here/a", "fs.path.sourceraw": "b"},
    ),
    (
        called("newfstatat", text(1, ""), directory(1, "/etc/passwd"), args=(3, 1, 1, 0x1000)),
        {"fd.name": "/etc/passwd", "fd.type": "file"},
    ),
    (called("close", file(0, 3, "/a"), args=(3,)), {"fd.name": "/a", "fd.name_changed": False, "fd.num": 3}),
    (called("close", args=(3,)), {"fd.name": "", "fd.num": 3, "fd.typechar": "o"}),
    (
        called("dup2", file(0, 3, "/a"), ret=1, args=(3, 1)),
        {"fd.num": 1, "fd.name": "/a", "evt.rawres": 1, "fd.name_changed": False},
    ),
    (called("dup", file(0, 3, "/a"), ret=-24, args=(3,)), {"fd.num": 3, "fd.name": "/a",
    "evt.res": "EMFILE"}),
    (called("dup", ret=-9, args=(3,)), {"fd.num": 3, "fd.name": ""}),
    (called("eventfd2", ret=-24, args=(3, 0)), {"fd.num": -1, "fd.type": None}),
    (called("pipe2", memory(0, struct.pack("<ii", 3, 4)), args=(1, 0)), {"fd.num": 4, "fd.type": "pipe"}),
    (called("pipe2", ret=-24, args=(1, 0)), {"fd.num": -1}),
    (called("getuid", ret=5), {"fd.num": None, "evt.rawres": 5}),
]  # fmt: skip


@pytest.mark.parametrize(("event", "expected"), FIELDS)
def test_fields(event: LiveEvent, expected: dict[str, Any]) -> None:
    assert {name: value_of(event, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("item_of_fd", "kind", "name"),
    [
        (file(0, 3, "[eventfd]", kind=1), "event", ""),
        (file(0, 3, "[eventpoll]", kind=1), "eventpoll", ""),
        (file(0, 3, "inotify", kind=1), "inotify", ""),
        (file(0, 3, "[signalfd]", kind=1), "signalfd", ""),
        (file(0, 3, "[timerfd]", kind=1), "timerfd", ""),
        (file(0, 3, "[io_uring]", kind=1), "io_uring", ""),
        (file(0, 3, "[userfaultfd]", kind=1), "userfaultfd", ""),
        (file(0, 3, "[pidfd]", kind=1), "pidfd", ""),
        (file(0, 3, "bpf-map", kind=1), "bpf", ""),
        (file(0, 3, "[perf_event]", kind=1), "<NA>", ""),
        (file(0, 3, "/memfd:payload", marks=4), "memfd", "payload"),
        (file(0, 3, "/", mode=0o010600), "pipe", ""),
        (file(0, 3, "/run/initctl", mode=0o010600), "file", "/run/initctl"),
        (file(0, 3, "/opt", mode=FOLDER), "directory", "/opt"),
        (file(0, 3, "/dev/null", mode=0o020666), "file", "/dev/null"),
    ],
)
def test_what_a_descriptor_stands_for(item_of_fd: bytes, kind: str, name: str) -> None:
    event = called("ioctl", item_of_fd, args=(3,))
    assert (value_of(event, "fd.type"), value_of(event, "fd.name")) == (kind, name)


def test_close_on_exec_of_copies() -> None:
    for name, args, expected in (
        ("dup", (3,), False),
        ("dup3", (3, 4, O_CLOEXEC), True),
        ("fcntl", (3, 0), False),
        ("fcntl", (3, 1030), True),
    ):
        event = called(name, file(0, 3, "/a", flags=O_CLOEXEC), ret=4, args=args)
        entry = event.find_fd()
        assert isinstance(entry, FileFd)
        assert (event.fd, entry.cloexec, entry.name) == (4, expected, "/a")
    set_by_hand = called("fcntl", file(0, 3, "/a"), args=(3, 2, 1)).find_fd()
    assert set_by_hand is not None
    assert set_by_hand.cloexec


def test_parameters_are_encoded_when_they_are_read() -> None:
    parsed = Record(record(GIVEN, OPENED, nr=number_of("openat"), ret=3, args=(AT_FDCWD, 1, 0, 0)))
    reads: list[int] = []
    call = CALLS["x86_64"].of(parsed)
    assert call is not None

    def noting(number: int) -> Any:
        def read(event: LiveEvent) -> bytes:
            reads.append(number)
            return call.reads[number](event)

        return read

    event = LiveEvent(parsed, replace(call, reads=tuple(map(noting, range(7)))), START_NS, 1)
    event.machine, event.thread = machine_with_thread()
    assert (event.result, value_of(event, "fd.name"), reads) == (3, "/etc/passwd", [])
    assert (event.number(3), event.number(3), event.raw(7), reads) == (1, 1, None, [3])
    assert event.data.endswith(event.params()[-1])
    assert sorted(reads) == list(range(7))
    with pytest.raises(AttributeError):
        event.nothing_like_it  # noqa: B018
