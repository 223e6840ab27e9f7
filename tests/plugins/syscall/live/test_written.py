"""What is written of an event where a replay would come to something else."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.items import ItemKind
from falcocore_syscall.live.record import RecordFlag
from falcocore_syscall.live.written import after, before, is_needed, params_of
from falcocore_syscall.tables import EVENTS
from tests.support.live_records import RETURNED, called, directory, end, file, item, memory, socket, text
from tests.support.live_records import user_address as address

AT_FDCWD = -100


def opened(path: str, real: str, *, marks: int = 0, base: str = "/home/u") -> LiveEvent:
    items = [text(1, path), file(RETURNED, 3, real, marks=marks)]
    if not path.startswith("/"):
        items.insert(1, directory(1, base))
    return called("openat", *items, ret=3, args=(AT_FDCWD, 0, 0, 0))


@pytest.mark.parametrize(
    ("event", "written"),
    [
        (opened("/etc/hostname", "/etc/hostname"), "/etc/hostname"),
        (opened("/etc/../etc//hostname", "/etc/hostname"), "/etc/../etc//hostname"),
        (opened("file", "/home/u/file"), "file"),
        (opened("../u/file", "/home/u/file"), "../u/file"),
        (opened("link/file", "/home/u/real/file"), "/home/u/real/file"),
        (opened("/bin/sh", "/usr/bin/dash"), "/usr/bin/dash"),
        (opened("link/file", "/home/u/re", marks=8), "link/file"),
    ],
)
def test_a_path_that_replay_could_not_know(event: LiveEvent, written: str) -> None:
    assert params_of(event)[2] == written.encode() + b"\0"


def test_one_that_was_not_opened_stays() -> None:
    event = called("openat", text(1, "/none"), ret=-2, args=(AT_FDCWD, 0, 0, 0))
    assert params_of(event)[2] == b"/none\0"


def test_what_is_too_long_is_cut_off() -> None:
    event = called("chdir", text(0, "x" * 70_000), ret=-36)
    assert len(params_of(event)[1]) == 0xFFFF


def told(event: LiveEvent) -> tuple[list[str], list[str]]:
    """The names of hidden events before and after."""
    first, second = ([EVENTS[it.kind].name for it in side(event)] for side in (before, after))
    return first, second


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (called("chdir", text(0, "link"), item(ItemKind.CWD, b"/real")), ([], ["getcwd"])),
        (called("chdir", text(0, "link"), ret=-2), ([], [])),
        (called("setuid", args=(1,)), (["capset"], [])),
        (called("setuid", args=(1,), ret=-1), ([], [])),
        (
            called("openat", text(1, "/x"), args=(AT_FDCWD, 0, 0, 0), flags=RecordFlag.RING),
            (["dup2"], ["close", "dup2", "close"]),
        ),
        (
            called("openat", text(1, "/x"), args=(AT_FDCWD, 0, 0, 0), flags=RecordFlag.DIRECT, ret=3),
            (["dup2"], ["close", "dup2", "close"]),
        ),
        (
            called("openat", text(1, "/x"), args=(AT_FDCWD, 0, 0, 0), flags=RecordFlag.DIRECT, ret=-2),
            ([], []),
        ),
        (opened("/x", "/x"), ([], [])),
        (called("setsid", ret=6, flags=RecordFlag.IN_PID_NAMESPACE), ([], ["setsid"])),
        (called("setsid", ret=6), ([], [])),
        (called("setsid", ret=-1, flags=RecordFlag.IN_PID_NAMESPACE), ([], [])),
    ],
)
def test_hidden_events(event: LiveEvent, names: tuple[list[str], list[str]]) -> None:
    assert told(event) == names


@pytest.mark.parametrize(
    ("asked", "ret", "given"),
    [(0, 0, 4567), (80, 0, None), (0, -98, None)],
)
def test_a_port_that_the_kernel_has_chosen(asked: int, ret: int, given: int | None) -> None:
    event = called(
        "bind",
        socket(0, 4, local=end("127.0.0.1", 4567)),
        item(ItemKind.ADDRESS, address("127.0.0.1", asked), 1),
        args=(4, 0, 16),
        ret=ret,
    )
    ports = [struct.unpack("<H", it.params[1][-2:])[0] for it in after(event)]
    assert ports == ([] if given is None else [given])


@pytest.mark.parametrize(
    ("event", "needed"),
    [
        (opened("/x", "/x"), True),
        (called("close", args=(3,)), True),
        (called("getppid"), False),
        (called("mkdir", text(0, "/x")), False),
        (called("read", file(0, 3, "/x"), memory(1, b"x"), ret=1, args=(3, 0, 1)), False),
        (called("read", socket(0, 3), memory(1, b"x"), ret=1, args=(3, 0, 1)), True),
    ],
)
def test_what_the_state_needs(event: LiveEvent, needed: bool) -> None:
    assert is_needed(event) == needed
