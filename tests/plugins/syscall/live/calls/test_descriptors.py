"""Descriptors are closed, copied and made: the arguments of each call."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.calls import descriptors
from tests.support.live_records import (
    RETURNED,
    Case,
    check_arguments,
    end,
    file,
    memory,
    socket,
    text,
)

DEV = 8 << 20 | 1
PASSWD = file(0, 3, "/etc/passwd", dev=DEV, ino=9)
NEAR, FAR = end("10.0.0.2", 40000), end("8.8.8.8", 53)
TCP = socket(0, 4, local=NEAR, remote=FAR)
TO_FAR = "10.0.0.2:40000->8.8.8.8:53"

CASES: list[Case] = [
    ("close", (PASSWD,), 0, (3,), "res=0 fd=3(<f>/etc/passwd)"),
    ("close_range", (), 0, (3, 0xFFFFFFFF, 4), "res=0 first=3 last=4294967295 flags=4(CLOSE_RANGE_CLOEXEC)"),
    ("dup", (PASSWD,), 7, (3,), "res=7(<f>/etc/passwd) oldfd=3(<f>/etc/passwd)"),
    ("dup2", (TCP,), 1, (4, 1), f"res=1(<4t>{TO_FAR}) oldfd=4(<4t>{TO_FAR}) newfd=1(<4t>{TO_FAR})"),
    ("dup3", (PASSWD,), 7, (3, 7, 0o2000000),
     "res=7(<f>/etc/passwd) oldfd=3(<f>/etc/passwd) newfd=7(<f>/etc/passwd) flags=4096(O_CLOEXEC)"),
    ("fcntl", (PASSWD,), 7, (3, 1030, 5),
     "res=7(<f>/etc/passwd) fd=3(<f>/etc/passwd) cmd=26(F_DUPFD_CLOEXEC) arg=5"),
    ("pipe", (memory(0, struct.pack("<ii", 3, 4)),), 0, (1,), "res=0 fd1=3(<p>) fd2=4(<p>) ino=<NA>"),
    ("pipe2", (memory(0, struct.pack("<ii", 3, 4)),), 0, (1, 0o4000),
     "res=0 fd1=3(<p>) fd2=4(<p>) ino=<NA> flags=64(O_NONBLOCK)"),
    ("eventfd", (), 3, (5,), "res=3(<e>) initval=5 flags=0"),
    ("eventfd2", (), 3, (5, 0o4000), "res=3(<e>) flags=64(O_NONBLOCK) initval=5"),
    ("signalfd", (memory(1, struct.pack("<Q", 6)),), 3, (0xFFFFFFFF, 1),
     "res=3(<s>) fd=-1(EPERM) mask=6 flags=0"),
    ("signalfd4", (memory(1, struct.pack("<Q", 6)),), 3, (0xFFFFFFFF, 1, 8, 0o2000000),
     "res=3(<s>) flags=4096(O_CLOEXEC) fd=-1(EPERM) mask=6"),
    ("timerfd_create", (), 3, (1, 0), "res=3(<t>) clockid=1 flags=0"),
    ("inotify_init", (), 3, (), "res=3(<i>) flags=0"),
    ("inotify_init1", (), 3, (0o4000,), "res=3(<i>) flags=64(O_NONBLOCK)"),
    ("epoll_create", (), 3, (1,), "res=3 size=1"),
    ("epoll_create1", (), 3, (0o2000000,), "res=3 flags=1(EPOLL_CLOEXEC)"),
    ("epoll_wait", (), 0, (3, 1, 64), "res=0 maxevents=64"),
    ("poll", (memory(0, struct.pack("<ihhihhihh", 3, 1, 0x11, 4, 1, 0, 9, 9, 9)), PASSWD), 1, (1, 2,
     0xFFFFFFFF),
     "res=1 fds=3:f21 timeout=-1"),
    ("ppoll", (memory(0, struct.pack("<ihh", 9, 1, 1)), memory(2, struct.pack("<qq", 1, 500_000_000))), 1,
     (1, 1, 1, 0), "res=1 fds=9:1 timeout=1500000000(1.5s) sigmask=0"),
    ("select", (), 1, (1,), "res=1"),
    ("memfd_create", (text(0, "m"),), 3, (1, 1), "fd=3(<m>m) name=m flags=1(MFD_CLOEXEC)"),
    ("pidfd_open", (), 3, (100, 0), "fd=3(<P>/proc/100) pid=100(cat) flags=0"),
    ("pidfd_getfd", (file(RETURNED, 5, "/a"),), 5, (3, 9, 0), "fd=5(<f>/a) pid_fd=3 target_fd=9 flags=0"),
    ("userfaultfd", (), 3, (0o2000000,), "res=3 flags=4096(O_CLOEXEC)"),
    ("bpf", (), 3, (5,), "fd=3(<b>) cmd=5(BPF_PROG_LOAD)"),
    ("io_uring_setup", (memory(1, struct.pack("<6I4I", 8, 16, 2, 1, 1000, 3, 0, 0, 0, 0)),), 3, (8, 1),
     "res=3 entries=8 sq_entries=8 cq_entries=16 flags=2(IORING_SETUP_SQPOLL) sq_thread_cpu=1 "
     "sq_thread_idle=1000 features=3(IORING_FEAT_SINGLE_MMAP|IORING_FEAT_NODROP)"),
    ("io_uring_enter", (file(0, 3, "[io_uring]", kind=1),), 1, (3, 1, 0, 1, 0),
     "res=1 fd=3(<r>) to_submit=1 min_complete=0 flags=1(IORING_ENTER_GETEVENTS) sig=0"),
    ("io_uring_register", (), 0, (3, 2, 255, 1),
     "res=0 fd=3 opcode=2(IORING_REGISTER_FILES) arg=FF nr_args=1"),
    ("ioctl", (PASSWD,), -25, (3, 0x5401, 0), "res=-25(ENOTTY) fd=3(<f>/etc/passwd) request=5401 argument=0"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_arguments(case: Case) -> None:
    check_arguments(case)


def test_each_call_is_tried() -> None:
    assert {case[0] for case in CASES} == descriptors.CALLS.keys()
