"""Processes begin, run programs and end: events of records of their own, and of calls."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.items import ItemKind
from falcocore_syscall.live.record import RecordFlag, RecordKind
from falcocore_syscall.live.threads import LiveThread
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.tables import EVENTS
from tests.support.live_records import called, directory, item, memory, record, seen, text
from tests.support.syscall_events import shown, value_of

ARGV = b"./ls\0-l\0/tmp\0"
PROCESS = struct.pack(
    "<QQQQQQIIIIQQqIIII", 1, 2, 3, 77, 1000, 2000, 1 | 2, 34816, 50, 51, 5, 6, 4096, 10, 20, 30, 0
)
STARTED = (
    item(ItemKind.ARGV, ARGV), item(ItemKind.ENV, b"HOME=/root\0A=1\0"), item(ItemKind.EXE, b"/usr/bin/ls"),
    item(ItemKind.PROCESS, PROCESS),
)  # fmt: skip


def test_a_program_that_has_started() -> None:
    event = seen(
        record(*STARTED, kind=RecordKind.EXEC, pid=100, ppid=9, uid=1000, gid=5, pgid=40, comm=b"ls", ret=99)
    )
    assert (event.type, event.name, event.result, event.count) == (293, "execve", 0, len(EVENTS[293].params))
    assert shown(event, "evt.args") == (
        "res=0 exe=./ls args=-l./tmp. tid=100(cat) pid=100(cat) ptid=9 cwd=<NA> fdlimit=4096 pgft_maj=5 "
        "pgft_min=6 vm_size=10 vm_rss=20 vm_swap=30 comm=ls cgroups=cpu=/user. env=HOME=/root.A=1. tty=34816 "
        "vpgid=50 loginuid=-1(<NONE>) flags=3(EXE_WRITABLE|EXE_UPPER_LAYER) cap_inheritable=1 "
        "cap_permitted=2 "
        "cap_effective=3 exe_ino=77 exe_ino_ctime=1000 exe_ino_mtime=2000 uid=1000(<NA>) "
        "trusted_exepath=/usr/bin/ls pgid=40 gid=5(<NA>) filename=<NA>"
    )


def test_the_state_takes_it_as_it_takes_a_captures() -> None:
    event = seen(record(*STARTED, kind=RecordKind.EXEC, ppid=9, uid=1000, pgid=40, comm=b"ls"))
    machine = Machine("box")
    machine.apply(event)
    expected = {
        "proc.name": "ls", "proc.exe": "./ls", "proc.exepath": "/usr/bin/ls", "proc.cmdline": "ls -l /tmp",
        "proc.env[HOME]": "/root", "proc.tty": 34816, "proc.pgid": 40, "user.uid": 1000,
        "proc.is_exe_writable": True, "proc.is_exe_upper_layer": True,
        "thread.cap_permitted": "CAP_DAC_OVERRIDE",
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected


@pytest.mark.parametrize("name", ["execve", "execveat"])
def test_a_program_that_could_not_start(name: str) -> None:
    first = 1 if name == "execve" else 2
    items = (text(first - 1, "ls"), directory(first - 1, "/opt"))
    vectors = (item(ItemKind.ARGV, ARGV, first), item(ItemKind.ENV, b"A=1\0", first + 1))
    event = called(name, *items, *vectors, ret=-2, args=(0xFFFFFF9C, 1, 1), comm=b"cat", pgid=40)
    arguments = shown(event, "evt.args")
    assert (event.name, event.result) == (name, -2)
    assert arguments.startswith("res=-2(ENOENT) exe=./ls args=-l./tmp. tid=100(cat)")
    assert "fdlimit=1024 pgft_maj=0 pgft_min=0 vm_size=2000 vm_rss=300" in arguments
    assert "comm=cat cgroups=cpu=/user. env=A=1. tty=0 vpgid=-1" in arguments
    assert "trusted_exepath=/bin/cat pgid=40" in arguments
    assert arguments.endswith("filename=ls(/opt/ls)") == (name == "execve")


def test_a_program_of_which_nothing_could_be_read() -> None:
    event = seen(record(kind=RecordKind.EXEC))
    assert (event.raw(1), event.raw(2), event.raw(15)) == (b"", b"", b"")
    event.thread = None
    assert all(event.raw(number) in (b"", None) for number in (7, 14, 16, 19, 27))


@pytest.mark.parametrize(
    ("name", "args", "memories", "flags"),
    [
        ("clone", (0x10000 | 0x100 | 17,), (), "flags=40960(CLONE_THREAD|CLONE_VM)"),
        ("clone3", (1, 88), (memory(0, struct.pack("<Q", 0x20000000)),), "flags=64(CLONE_NEWPID)"),
        ("fork", (), (), "flags=0"),
        ("vfork", (), (), "flags=134250496(CLONE_VM|CLONE_VFORK)"),
    ],
)
def test_both_sides_of_a_clone(
    name: str, args: tuple[int, ...], memories: tuple[bytes, ...], flags: str
) -> None:
    for ret in (101, 0, -11):
        event = called(name, *memories, ret=ret, args=args, uid=7, gid=8, ppid=9, pidns_start_ns=6)
        assert event.result == ret
        assert shown(event, "evt.args") == (
            f"res={ret} exe=cat args=-n. tid=100(cat) pid=100(cat) ptid=9 cwd=<NA> fdlimit=1024 pgft_maj=0 "
            "pgft_min=0 vm_size=2000 vm_rss=300 vm_swap=0 comm=cat cgroups=cpu=/user. "
            f"{flags} uid=7 gid=8 vtid=100(cat) vpid=100(cat) pidns_init_start_ts=6"
        )


def test_a_clone_inside_of_a_pid_namespace() -> None:
    event = called("fork", ret=5, flags=RecordFlag.IN_PID_NAMESPACE, vtid=2, vpid=2)
    assert value_of(event, "evt.arg.flags") == "CLONE_CHILD_IN_PIDNS"
    assert (event.integer(18), event.integer(19)) == (2, 2)


@pytest.mark.parametrize(
    ("code", "reaper", "expected"),
    [
        (3 << 8, 0, "status=768 ret=3 sig=0 core=0 reaper_tid=0"),
        (9, 100, "status=9 ret=0 sig=9(SIGKILL) core=0 reaper_tid=100(cat)"),
        (0x8B, 0, "status=139 ret=0 sig=11(SIGSEGV) core=1 reaper_tid=0"),
    ],
)
def test_the_end_of_a_thread(code: int, reaper: int, expected: str) -> None:
    event = seen(record(kind=RecordKind.EXIT, args=(code,)))
    event.thread = ended = LiveThread(event.tid, event.tid, 1)
    ended.reaper = reaper
    assert (event.type, event.name, event.result) == (186, "procexit", None)
    assert shown(event, "evt.args") == expected


def test_a_forks_record_is_no_event() -> None:
    assert isinstance(called("fork"), LiveEvent)
    with pytest.raises(AssertionError):
        seen(record(kind=RecordKind.FORK))
