"""Threads and descriptors as they were listed: groups, parents, roles of sockets."""

from __future__ import annotations

from falcocore_syscall.scap.records import FdListRecord, FdRecord, MachineRecord, ThreadRecord, UserRecord
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.state.threads import CLONE_FILES
from tests.support.syscall_events import ipv4, make_event, value_of


def record(tid: int, pid: int, ptid: int, comm: bytes, flags: int = 0) -> ThreadRecord:
    return ThreadRecord(tid, pid, ptid, comm=comm, exe=comm, cwd=b"/srv", flags=flags, uid=0, gid=0)


def machine() -> Machine:
    made = Machine()
    made.load(MachineRecord(1, 1, 1, "box", 77))
    made.load([UserRecord(0, 0, "root", "/root", "/bin/sh")])
    made.load(
        [
            record(20, 10, 1, b"worker", CLONE_FILES),
            record(10, 10, 1, b"nginx"),
            record(1, 1, 99, b"init"),
        ]
    )
    here, there = ipv4("10.0.0.1"), ipv4("10.0.0.2")
    made.load(
        FdListRecord(
            10,
            [
                FdRecord(3, 1, 5, destination=ipv4("0.0.0.0"), dport=80, l4proto=2),
                FdRecord(4, 2, 3, source=here, destination=there, sport=80, dport=5000, l4proto=2),
                FdRecord(5, 3, 3, source=here, destination=there, sport=6000, dport=443, l4proto=2),
                FdRecord(6, 4, 16, b"/var/log/x", flags=2, dev=5),
                FdRecord(7, 5, 8, b"/run/x.sock\n", source_pointer=1),
            ],
        )
    )
    made.load(FdListRecord(99, [FdRecord(0, 1, 16, b"/of/nobody")]))
    made.start()
    return made


def fields_of(fd: int, *names: str, tid: int = 10) -> list[object]:
    event = make_event("read", tid, res=1, fd=fd)
    machine().apply(event)
    return [value_of(event, name) for name in names]


def test_who_is_whose() -> None:
    names = ["proc.name", "proc.pname", "proc.ppid", "proc.cwd"]
    names += ("thread.ismain", "proc.nthreads", "user.name")
    assert fields_of(3, *names) == ["nginx", "init", 1, "/srv/", True, 2, "root"]
    assert fields_of(3, *names, tid=20) == ["worker", "init", 1, "/srv/", False, 2, "root"]
    assert fields_of(3, "proc.ppid", "proc.pname", tid=1) == [None, None]
    assert fields_of(3, "proc.duration", "evt.hostname") == [None, "box"]


def test_descriptors_are_shared_by_threads() -> None:
    assert fields_of(6, "fd.name", "fd.ino", "fd.dev", tid=20) == ["/var/log/x", 4, 5]


def test_the_server_of_a_listed_connection_is_who_has_its_port() -> None:
    names = ("fd.name", "fd.sport", "fd.cport", "fd.l4proto")
    assert fields_of(4, *names) == ["10.0.0.2:5000->10.0.0.1:80", 80, 5000, "tcp"]
    assert fields_of(5, *names) == ["10.0.0.1:6000->10.0.0.2:443", 443, 6000, "tcp"]
    assert fields_of(3, "fd.name", "fd.is_server") == ["0.0.0.0:80", True]
