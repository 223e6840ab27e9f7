"""Processes change who they are, and act on each other: the arguments of each call."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.calls import identities
from falcocore_syscall.live.items import ItemKind
from tests.support.live_records import (
    NO_ARG,
    Case,
    called,
    check_arguments,
    file,
    item,
    memory,
    text,
)
from tests.support.syscall_events import shown

PROCESS = struct.pack("<QQQQQQIIIIQQqIIII", 1, 2, 3, *bytes(14))

CASES: list[Case] = [
    ("setuid", (), 0, (0,), "res=0 uid=0(root)"),
    ("setgid", (), 0, (7,), "res=0 gid=7(<NA>)"),
    ("setreuid", (), 0, (0xFFFFFFFF, 0), "res=0 ruid=-1(<NONE>) euid=0(root)"),
    ("setregid", (), 0, (7, 0xFFFFFFFF), "res=0 rgid=7(<NA>) egid=-1(<NONE>)"),
    ("setresuid", (), 0, (1, 2, 3), "res=0 ruid=1(<NA>) euid=2(<NA>) suid=3(<NA>)"),
    ("setresgid", (), 0, (1, 2, 3), "res=0 rgid=1(<NA>) egid=2(<NA>) sgid=3(<NA>)"),
    ("getuid", (), 0, (), "uid=0(root)"),
    ("geteuid", (), 5, (), "euid=5(<NA>)"),
    ("getgid", (), 5, (), "gid=5(<NA>)"),
    ("getegid", (), 5, (), "egid=5(<NA>)"),
    ("getresuid", tuple(memory(n, struct.pack("<I", n + 1)) for n in range(3)), 0, (1, 1, 1),
     "res=0 ruid=1(<NA>) euid=2(<NA>) suid=3(<NA>)"),
    ("getresgid", tuple(memory(n, struct.pack("<I", n + 1)) for n in range(3)), 0, (1, 1, 1),
     "res=0 rgid=1(<NA>) egid=2(<NA>) sgid=3(<NA>)"),
    ("setsid", (), 100, (), "res=100(cat)"),
    ("setpgid", (), 0, (0, 100), "res=0 pid=0 pgid=100(cat)"),
    ("setns", (file(0, 3, "net:[4026531840]"),), 0, (3, 0x40000000),
     "res=0 fd=3(<f>net:[4026531840]) nstype=16(CLONE_NEWNET)"),
    ("unshare", (), 0, (0x10020000,), "res=0 flags=1048608(CLONE_NEWNS|CLONE_NEWUSER)"),
    ("prctl", (text(1, "worker"),), 0, (15, 1), "res=0 option=15(PR_SET_NAME) arg2_str=worker arg2_int=0"),
    ("prctl", (), 0, (36, 1), "res=0 option=36(PR_SET_CHILD_SUBREAPER) arg2_str= arg2_int=1"),
    ("prctl", (memory(1, struct.pack("<I", 1)),), 0, (37, 1),
     "res=0 option=37(PR_GET_CHILD_SUBREAPER) arg2_str= arg2_int=1"),
    ("ptrace", (), 0, (16, 100, 0, 0), "res=0 addr=0 data=0 request=11(PTRACE_ATTACH) pid=100(cat)"),
    ("ptrace", (), 0, (7, 5, 1, 9), "res=0 addr=1 data=9(SIGKILL) request=8(PTRACE_CONT) pid=5"),
    ("kill", (), 0, (100, 9), "res=0 pid=100(cat) sig=9(SIGKILL)"),
    ("tkill", (), 0, (100, 15), "res=0 tid=100(cat) sig=15(SIGTERM)"),
    ("tgkill", (), -3, (100, 7, 2), "res=-3(ESRCH) pid=100(cat) tid=7 sig=2(SIGINT)"),
    ("getrlimit", (memory(1, struct.pack("<QQ", 1024, (1 << 64) - 1)),), 0, (7, 1),
     "res=0 cur=1024 max=-1 resource=7(RLIMIT_NOFILE)"),
    ("setrlimit", (memory(1, struct.pack("<QQ", 10, 20)),), 0, (99, 1),
     "res=0 cur=10 max=20 resource=255(RLIMIT_UNKNOWN)"),
    ("prlimit64", (memory(3, struct.pack("<QQ", 10, 20)),), 0, (0, 7, 0, 1),
     "res=0 newcur=-1 newmax=-1 oldcur=10 oldmax=20 pid=0 resource=7(RLIMIT_NOFILE)"),
    ("seccomp", (), 0, (1, 0), "res=0 op=1 flags=0"),
    ("keyctl", (text(1, "_ses"),), 5, (1, 1, 0, 0, 0),
     "res=5 operation=1(KEYCTL_JOIN_SESSION_KEYRING) arg2=_ses arg3=0 arg4=0 arg5=0"),
    ("nanosleep", (memory(0, struct.pack("<qq", 0, 5)),), 0, (1,), "res=0 interval=5(5e-09s)"),
    ("process_vm_readv", (memory(1, b"x"),), 1, (100, 1, 1), "res=1 pid=100(cat) data=x"),
    ("process_vm_writev", (memory(1, b"x"),), 1, (100, 1, 1), "res=1 pid=100(cat) data=x"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_arguments(case: Case) -> None:
    check_arguments(case)


def test_each_call_is_tried() -> None:
    assert {case[0] for case in CASES} == identities.CALLS.keys() - {"capset"}


def test_capabilities_after_a_call() -> None:
    event = called("capset", item(ItemKind.PROCESS, PROCESS, NO_ARG))
    assert shown(event, "evt.args") == "res=0 cap_inheritable=1 cap_permitted=2 cap_effective=3"
    assert shown(called("capset"), "evt.args").startswith("res=0 cap_inheritable=<NA>")
