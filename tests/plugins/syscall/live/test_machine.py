"""The state of the machine that is watched: what records tell, and /proc where they tell nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from falcocore_syscall.live.items import ItemKind, RecordError
from falcocore_syscall.live.machine import LiveMachine
from falcocore_syscall.live.procfs.processes import FoundThread
from falcocore_syscall.live.record import Record, RecordFlag, RecordKind
from falcocore_syscall.live.threads import LiveThread
from falcocore_syscall.scap.records import FdRecord, ThreadRecord
from tests.support.live_records import item, record

OFFSET_NS = 1_700_000_000_000_000_000
START_NS = 50_000_000_000
CONTAINER = "3f" * 32


@dataclass
class Proc:
    """A /proc with these processes."""

    found: dict[int, FoundThread] = field(default_factory=dict)
    groups: dict[int, bytes] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)

    def thread(self, pid: int, tid: int) -> FoundThread | None:
        found = self.found.get(tid)
        return found if found is not None and found.record.pid == pid else None

    def cgroups(self, pid: int) -> bytes | None:
        return self.groups.get(pid)

    def parent(self, pid: int) -> int:
        return self.parents.get(pid, 0)

    def read_fds(self, pid: int) -> list[FdRecord]:
        return [FdRecord(0, 7, 9, b"/dev/pts/0")] if pid in self.found else []

    def read_fd(self, pid: int, fd: int) -> FdRecord | None:
        return next((one for one in self.read_fds(pid) if one.fd == fd), None)


def found(pid: int, ppid: int, comm: str, **more: Any) -> FoundThread:
    more = {"cgroups": b"cpu=/\0", **more}
    made = ThreadRecord(pid, pid, ppid, comm=comm.encode(), exe=comm.encode(), **more)
    return FoundThread(made, OFFSET_NS + START_NS, START_NS)


class Box:
    """A machine under test, with what it has told of threads that it met."""

    def __init__(self, *started: FoundThread) -> None:
        self.proc = Proc()
        self.met: list[tuple[int, str]] = []
        self.missed: list[int] = []
        self.machine = LiveMachine(
            self.proc,
            OFFSET_NS,
            lambda thread: self.met.append((thread.tid, thread.container_id)),
            self.missed.append,
        )
        self.machine.start_with(started)

    def takes(self, kind: RecordKind, *items: bytes, **more: Any) -> LiveThread | None:
        return self.machine.take(Record(record(*items, kind=kind, **{"start_ns": START_NS, **more})))

    def call(self, tid: int, *items: bytes, **more: Any) -> LiveThread:
        thread = self.takes(RecordKind.CALL, *items, **{"tid": tid, "pid": tid, **more})
        assert thread is not None
        return thread

    def names(self, tid: int) -> list[str]:
        """The thread's own name and those of its ancestors."""
        thread = self.machine.threads[tid]
        return [thread.comm, *(each.comm for each in self.machine.threads.ancestors(thread))]


@pytest.fixture
def box() -> Box:
    return Box(found(1, 0, "init"), found(10, 1, "shell"))


def argv(*texts: str) -> bytes:
    return item(ItemKind.ARGV, "".join(text + "\0" for text in texts).encode())


def test_a_child_has_what_its_parent_has_until_it_runs_something(box: Box) -> None:
    box.takes(RecordKind.FORK, tid=11, pid=11, ppid=10, args=(10,), start_ns=START_NS + 10**9)
    assert box.names(11) == ["shell", "shell", "init"]
    later = {"tid": 11, "pid": 11, "ppid": 10, "start_ns": START_NS + 10**9}
    box.takes(RecordKind.EXEC, argv("./ls", "-l"), item(ItemKind.EXE, b"/bin/ls"), comm=b"ls", **later)
    assert box.names(11) == ["ls", "shell", "init"]
    thread = box.machine.threads[11]
    assert (thread.exe, thread.args, thread.exepath) == ("./ls", b"-l\0", "/bin/ls")
    assert thread.clone_time_ns > OFFSET_NS


def test_a_process_that_ends_leaves_its_children_to_its_reaper(box: Box) -> None:
    for tid, parent in ((11, 10), (12, 11)):
        box.takes(RecordKind.FORK, tid=tid, pid=tid, ppid=parent, args=(parent,))
    ended = box.takes(RecordKind.EXIT, tid=11, pid=11, ppid=10, flags=RecordFlag.GROUP_DEAD)
    assert ended is box.machine.threads[11], "rules may still look at it"
    assert box.names(12) == ["shell", "init"]
    box.call(10)
    assert 11 not in box.machine.threads


@pytest.mark.parametrize(
    ("parents", "reaper"),
    [
        ({12: 10}, 10),
        ({12: 0, 13: 10}, 10),
        ({}, 1),
        ({12: 11}, 1),
        ({12: 99}, 1),
    ],
)
def test_the_reaper_is_who_has_got_the_children(box: Box, parents: dict[int, int], reaper: int) -> None:
    """Nobody was seen to ask for them."""
    for tid, parent in ((11, 10), (12, 11), (13, 11)):
        box.takes(RecordKind.FORK, tid=tid, pid=tid, ppid=parent, args=(parent,))
    box.proc.parents = parents
    ended = box.takes(RecordKind.EXIT, tid=11, pid=11, ppid=10, flags=RecordFlag.GROUP_DEAD)
    assert ended is not None
    assert [box.machine.threads[tid].ptid for tid in (12, 13)] == [reaper, reaper]
    assert ended.reaper == (reaper if reaper == 10 else 0), "what was not seen is not told"


def test_who_has_got_a_process_gets_the_next_one(box: Box) -> None:
    for tid in (11, 12):
        box.takes(RecordKind.FORK, tid=tid, pid=tid, ppid=10, args=(10,))
        box.takes(RecordKind.FORK, tid=tid + 10, pid=tid + 10, ppid=tid, args=(tid,))
    box.takes(RecordKind.EXIT, tid=11, pid=11, ppid=10, flags=RecordFlag.GROUP_DEAD)
    assert box.machine.threads[21].ptid == 1
    box.call(21, ppid=10)
    box.takes(RecordKind.EXIT, tid=12, pid=12, ppid=10, flags=RecordFlag.GROUP_DEAD)
    assert (box.machine.threads[21].ptid, box.machine.threads[22].ptid) == (10, 10)


@pytest.mark.parametrize(
    ("vpid", "groups", "reapers"),
    [
        (1, b"cpu=/docker/" + CONTAINER.encode() + b"\0", [10]),
        (2, b"cpu=/docker/" + CONTAINER.encode() + b"\0", []),
        (1, b"cpu=/\0", []),
    ],
)
def test_the_monitor_of_a_container_gets_what_others_leave(
    vpid: int, groups: bytes, reapers: list[int]
) -> None:
    box = Box(found(1, 0, "init"), found(10, 1, "shim"), found(20, 10, "sh", vpid=vpid, cgroups=groups))
    assert list(box.machine.reapers) == reapers
    for tid, parent in ((11, 10), (12, 11)):
        box.takes(RecordKind.FORK, tid=tid, pid=tid, ppid=parent, args=(parent,))
    box.takes(RecordKind.EXIT, tid=11, pid=11, ppid=10, flags=RecordFlag.GROUP_DEAD)
    assert box.machine.threads[12].ptid == (10 if reapers else 1)


def test_a_number_that_was_given_again_is_another_process(box: Box) -> None:
    box.proc.found[10] = found(10, 1, "other")
    thread = box.call(10, start_ns=START_NS + 10**10, ppid=1)
    assert thread.comm == "other"
    assert thread.start_ns == START_NS + 10**10


def test_a_thread_that_nobody_has_told_of_is_read_from_proc(box: Box) -> None:
    box.proc.found[20] = found(20, 10, "late")
    assert box.call(20, ppid=10).comm == "late"
    assert box.names(20) == ["late", "shell", "init"]


def test_one_that_is_gone_has_what_its_parent_had(box: Box) -> None:
    thread = box.call(30, ppid=10, comm=b"short")
    assert box.names(30) == ["shell", "shell", "init"]
    assert thread.pid == 30


def test_one_of_which_nothing_is_known(box: Box) -> None:
    thread = box.call(31, ppid=99, comm=b"short")
    assert (thread.comm, thread.ptid) == ("short", 99)
    assert box.machine.unknown == 1


def test_a_program_that_starts_tells_of_the_processes_above(box: Box) -> None:
    above = [
        struct.pack("<IIQ16s", pid, 5, START_NS, comm)
        for pid, comm in ((40, b"make"), (41, b"ci"), (1, b"init"))
    ]
    box.takes(
        RecordKind.EXEC, argv("cc"), item(ItemKind.ANCESTORS, b"".join(above)),
        tid=42, pid=42, ppid=40, comm=b"cc",
    )  # fmt: skip
    assert box.names(42) == ["cc", "make", "ci", "init"]
    with pytest.raises(RecordError):
        box.takes(RecordKind.EXEC, item(ItemKind.ANCESTORS, above[0][:-1]), tid=43, pid=43, ppid=50)


@pytest.mark.parametrize("fields", [{"uid": 5, "gid": 6, "loginuid": 7}, {"caps_effective": 3}, {"sid": 8}])
def test_each_record_tells_who_its_thread_is_now(box: Box, fields: dict[str, int]) -> None:
    box.call(10)
    thread = box.call(10, **fields)
    names = {"caps_effective": "cap_effective"}
    assert {name: getattr(thread, names.get(name, name)) for name in fields} == fields


def test_a_process_gets_another_parent(box: Box) -> None:
    box.takes(RecordKind.FORK, tid=11, pid=11, ppid=10, args=(10,))
    box.call(11, ppid=1)
    assert box.names(11) == ["shell", "init"]


def test_the_working_directory_is_that_of_the_record(box: Box) -> None:
    assert box.call(10, item(ItemKind.CWD, b"/srv")).cwd == "/srv/"
    assert box.call(10, item(ItemKind.CWD, b"/")).cwd == "/"


def test_a_thread_that_goes_into_a_container_is_told_of(box: Box) -> None:
    box.call(10, cgroup=5)
    assert box.met[-1] == (10, "")
    box.proc.groups[10] = b"cpu=/docker/" + CONTAINER.encode() + b"\0"
    thread = box.call(10, cgroup=6)
    assert thread.container_id == CONTAINER[:12]
    assert box.met[-1] == (10, CONTAINER[:12])
    told = len(box.met)
    box.call(10, cgroup=6)
    assert len(box.met) == told


def test_control_groups_of_a_process_that_is_gone_are_those_of_its_record(box: Box) -> None:
    box.call(10, cgroup=5)
    names = item(ItemKind.CGROUP, CONTAINER.encode() + b"\0docker\0")
    box.takes(RecordKind.EXEC, argv("sh"), names, tid=10, pid=10, ppid=1, cgroup=7, comm=b"sh")
    assert box.machine.threads[10].container_id == CONTAINER[:12]


def test_threads_of_a_process_that_runs_another_program_are_gone(box: Box) -> None:
    box.takes(RecordKind.FORK, tid=15, pid=10, ppid=1, args=(10,))
    assert 15 in box.machine.threads
    box.takes(RecordKind.EXEC, argv("sh"), tid=10, pid=10, ppid=1, comm=b"sh")
    assert 15 not in box.machine.threads


def test_the_main_thread_stays_while_others_of_its_process_live(box: Box) -> None:
    box.takes(RecordKind.FORK, tid=15, pid=10, ppid=1, args=(10,))
    box.takes(RecordKind.EXIT, tid=10, pid=10, ppid=1)
    assert box.call(15, pid=10, ppid=1).main is box.machine.threads[10]
    box.takes(RecordKind.EXIT, tid=15, pid=10, ppid=1, flags=RecordFlag.GROUP_DEAD)
    box.call(1)
    assert not {10, 15} & box.machine.threads.keys()


def test_the_end_of_a_thread_that_nobody_has_told_of_is_not_that_of_its_process(box: Box) -> None:
    box.takes(RecordKind.FORK, tid=11, pid=11, ppid=10, args=(10,))
    assert box.takes(RecordKind.EXIT, tid=15, pid=10, ppid=1) is box.machine.threads[10]
    assert box.names(11) == ["shell", "shell", "init"]
    box.call(11)
    assert 10 in box.machine.threads


def test_descriptors_are_read_when_one_is_asked_for(box: Box) -> None:
    box.proc.found[10] = found(10, 1, "shell")
    fds = box.machine.threads[10].fds
    entry = fds.get(0)
    assert entry is not None
    assert entry.name == "/dev/pts/0"
    assert (fds.get(5), len(fds), list(fds), 0 in fds) == (None, 1, [0], True)


def threads(box: Box) -> Iterable[int]:
    return sorted(box.machine.threads)


def test_the_end_of_a_process_that_nobody_knows(box: Box) -> None:
    before = threads(box)
    assert box.takes(RecordKind.EXIT, tid=77, pid=77, ppid=1, flags=RecordFlag.GROUP_DEAD) is None
    assert threads(box) == before


def child(box: Box, **more: Any) -> dict[str, Any]:
    """The shell has made a process; what records of that one have."""
    ids = {"tid": 11, "pid": 11, "ppid": 10}
    box.takes(RecordKind.FORK, **ids, args=(10,), **more)
    return ids


@pytest.mark.parametrize("is_parent_seen", [True, False])
def test_a_process_is_moved_into_a_container_before_its_first_record(box: Box, is_parent_seen: bool) -> None:
    if is_parent_seen:
        box.proc.groups[10] = b"cpu=/\0"
        box.call(10, cgroup=5)
    ids = child(box, cgroup=5)
    box.proc.groups[11] = b"cpu=/docker/" + CONTAINER.encode() + b"\0"
    thread = box.takes(RecordKind.EXEC, argv("sh"), **ids, cgroup=6, comm=b"sh")
    assert thread is not None
    assert (thread.container_id, box.met[-1]) == (CONTAINER[:12], (11, CONTAINER[:12]))
    assert box.machine.threads[10].container_id == ""


def test_where_a_process_was_that_is_gone_is_not_guessed(box: Box) -> None:
    box.proc.groups[10] = b"cpu=/\0"
    box.call(10, cgroup=5)
    ids = child(box)
    met = list(box.met)
    box.takes(RecordKind.CALL, **ids, cgroup=6)
    assert box.met == met
    names = item(ItemKind.CGROUP, CONTAINER.encode() + b"\0docker\0")
    box.takes(RecordKind.EXEC, argv("sh"), names, **ids, cgroup=6, comm=b"sh")
    assert box.met == [*met, (11, CONTAINER[:12])]


def test_children_that_stay_where_they_were_made_are_met_without_a_look(box: Box) -> None:
    box.proc.groups[11] = b"cpu=/\0"
    ids = child(box)
    box.takes(RecordKind.CALL, **ids, cgroup=5)
    box.proc.groups[12] = b"cpu=/docker/" + CONTAINER.encode() + b"\0"
    box.takes(RecordKind.FORK, tid=12, pid=12, ppid=10, args=(10,))
    thread = box.call(12, ppid=10, cgroup=5)
    assert (thread.container_id, box.met[-1]) == ("", (12, ""))


def test_who_needs_to_know_is_told_of_processes_that_no_record_had_told_of() -> None:
    box = Box(found(1, 0, "init"), found(10, 1, "shell"))
    box.takes(RecordKind.FORK, tid=11, pid=11, ppid=10, args=(10,))
    box.call(11)
    box.call(10)
    assert box.missed == []
    box.proc.found[40] = found(40, 1, "late")
    box.call(40)
    assert box.missed == [40]


def test_a_thread_that_is_found_has_the_name_of_its_process() -> None:
    box = Box(found(10, 1, "shell"))
    record_of_thread = ThreadRecord(12, 10, 1, comm=b"worker", exe=b"shell", cgroups=b"cpu=/\0")
    box.proc.found[12] = FoundThread(record_of_thread, OFFSET_NS + START_NS, START_NS)
    thread = box.takes(RecordKind.CALL, tid=12, pid=10)
    assert thread is not None
    assert thread.comm == "shell"
    assert box.missed == []
