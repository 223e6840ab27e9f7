"""Data is read, written and copied: the arguments of each call."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.calls import transfers
from tests.support.live_records import (
    FIFO,
    Case,
    check_arguments,
    file,
    memory,
)

DEV = 8 << 20 | 1
PASSWD = file(0, 3, "/etc/passwd", dev=DEV, ino=9)

CASES: list[Case] = [
    ("read", (PASSWD, memory(1, b"root:\n")), 6, (3, 1, 100),
     "res=6 data=root:. fd=3(<f>/etc/passwd) size=100"),
    ("write", (file(0, 1, "/dev/pts/0"), memory(1, b"hi")), 2, (1, 1, 2),
     "res=2 data=hi fd=1(<f>/dev/pts/0) size=2"),
    ("pread64", (PASSWD, memory(1, b"x")), 1, (3, 1, 1, 5),
     "res=1 data=x fd=3(<f>/etc/passwd) size=1 pos=5"),
    ("pwrite64", (PASSWD, memory(1, b"x")), -9, (3, 1, 1, 5),
     "res=-9(EBADF) data=x fd=3(<f>/etc/passwd) size=1 pos=5"),
    ("readv", (PASSWD, memory(1, b"x")), 1, (3, 1, 1), "res=1 size=1 data=x fd=3(<f>/etc/passwd)"),
    ("writev", (PASSWD, memory(1, b"x")), 1, (3, 1, 1), "res=1 data=x fd=3(<f>/etc/passwd) size=1"),
    ("preadv", (PASSWD, memory(1, b"x")), 1, (3, 1, 1, 8), "res=1 size=1 data=x fd=3(<f>/etc/passwd) pos=8"),
    ("pwritev", (PASSWD, memory(1, b"x")), -5, (3, 1, 1, 8),
     "res=-5(EIO) data=x fd=3(<f>/etc/passwd) size=<NA> pos=8"),
    ("sendfile", (file(0, 4, "/b"), file(1, 3, "/a"), memory(2, struct.pack("<Q", 7))), 10, (4, 3, 1, 10),
     "res=10 offset=7 out_fd=4(<f>/b) in_fd=3(<f>/a) size=10"),
    ("splice", (file(0, 3, "/a"), file(2, 4, "pipe:[7]", mode=FIFO)), 10, (3, 0, 4, 0, 10, 2),
     "res=10 fd_in=3(<f>/a) fd_out=4(<p>) size=10 flags=2(SPLICE_F_NONBLOCK)"),
    ("copy_file_range", (file(0, 3, "/a"), file(2, 4, "/b"), memory(1, struct.pack("<Q", 7))), 10,
     (3, 1, 4, 0, 10), "res=10 fdout=4(<f>/b) offout=0 fdin=3(<f>/a) offin=7 len=10"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_arguments(case: Case) -> None:
    check_arguments(case)


def test_each_call_is_tried() -> None:
    assert {case[0] for case in CASES} == transfers.CALLS.keys()
