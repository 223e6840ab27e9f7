"""Memory is mapped and locked, threads wait: the arguments of each call."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.calls.memory import CALLS
from tests.support.live_records import (
    Case,
    check_arguments,
    file,
    memory,
)

CASES: list[Case] = [
    ("brk", (), 0x1000, (0x1000,), "res=1000 vm_size=2000 vm_rss=300 vm_swap=0 addr=1000"),
    ("mmap", (file(4, 3, "/lib/x.so"),), 0x1000, (0, 4096, 5, 0x12, 3, 0),
     "res=4096 vm_size=2000 vm_rss=300 vm_swap=0 addr=0 length=4096 prot=5(PROT_READ|PROT_EXEC) "
     "flags=6(MAP_PRIVATE|MAP_FIXED) fd=3(<f>/lib/x.so) offset=0"),
    ("munmap", (), 0, (16, 4096), "res=0 vm_size=2000 vm_rss=300 vm_swap=0 addr=10 length=4096"),
    ("mprotect", (), 0, (16, 4096, 7), "res=0 addr=10 length=4096 prot=7(PROT_READ|PROT_WRITE|PROT_EXEC)"),
    ("mlock", (), 0, (16, 1), "res=0 addr=10 len=1"),
    ("munlock", (), 0, (16, 1), "res=0 addr=10 len=1"),
    ("mlock2", (), 0, (16, 1, 1), "res=0 addr=10 len=1 flags=1(MLOCK_ONFAULT)"),
    ("mlockall", (), 0, (3,), "res=0 flags=3(MCL_CURRENT|MCL_FUTURE)"),
    ("munlockall", (), 0, (), "res=0"),
    ("futex", (), 0, (16, 129, 1), "res=0 addr=10 op=129(FUTEX_PRIVATE_FLAG|FUTEX_WAKE) val=1"),
    ("semop", (memory(1, struct.pack("<HhHHhH", 1, -1, 0o4000, 9, 9, 9)),), 0, (7, 1, 1),
     "res=0 nsops=1 sem_num_0=1 sem_op_0=-1 sem_flg_0=1(IPC_NOWAIT) sem_num_1=0 sem_op_1=0 "
     "sem_flg_1=0 semid=7"),
    ("semctl", (), 0, (7, 1, 16, 5), "res=0 semid=7 semnum=1 cmd=4096(SETVAL) val=5"),
    ("semget", (), 7, (5, 1, 0o1600), "res=7 key=5 nsems=1 semflg=8576(IPC_CREAT)"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_arguments(case: Case) -> None:
    check_arguments(case)


def test_each_call_is_tried() -> None:
    assert {case[0] for case in CASES} == CALLS.keys()
