"""Processes that begin, run programs, change and end, as rules see them."""

from __future__ import annotations

import pytest

from falcocore_syscall.state.threads import CLONE_THREAD, CLONE_VFORK
from tests.support.syscall_events import AT_FDCWD, Box, value_of

CLONE, FORK, VFORK = 223, 225, 227


@pytest.fixture
def box() -> Box:
    """A shell with process id 1."""
    box = Box()
    box.starts(1, 0, "bash", vpgid=1)
    box.happens("chdir", res=0, path="/root")
    return box


def test_an_unknown_process_is_a_placeholder() -> None:
    event = Box().happens("close", 99, res=0, fd=3)
    names = ("proc.name", "proc.pid", "proc.cwd", "user.uid", "user.name")
    assert [value_of(event, name) for name in names] == ["<NA>", -1, "./", 0xFFFFFFFF, "<NA>"]
    assert value_of(event, "proc.pname") is None
    assert value_of(event, "proc.ppid") is None


def test_a_child_is_its_parent_until_it_runs_a_program(box: Box) -> None:
    event = box.forks(1, 2)
    assert value_of(event, "proc.name") == "bash"
    assert value_of(event, "proc.pname") == "bash"
    assert value_of(event, "proc.cwd") == "/root/"
    assert value_of(event, "proc.duration") == 1_000_000, "since the parent's side made it"
    event = box.starts(2, 1, "cat", args=b"/etc/passwd\0-n\0")
    assert value_of(event, "proc.cmdline") == "cat /etc/passwd -n"
    assert value_of(event, "proc.pname") == "bash"
    assert value_of(event, "proc.cwd") == "/root/"


@pytest.mark.parametrize("sides", ["parent", "child", "child first"])
def test_one_side_of_a_clone_is_enough(box: Box, sides: str) -> None:
    own = {"exe": "bash", "comm": "bash", "flags": 0}
    parent = {"res": 2, "tid": 1, "pid": 1, "ptid": 0, "vtid": 1, "vpid": 1, **own}
    child = {"res": 0, "tid": 2, "pid": 2, "ptid": 1, "vtid": 2, "vpid": 2, **own}
    if sides != "parent":
        box.happens("clone", 2, **child)
    if sides != "child":
        box.happens("clone", 1, **parent)
    event = box.happens("close", 2, res=0, fd=3)
    assert [value_of(event, name) for name in ("proc.pid", "proc.ppid")] == [2, 1]


@pytest.mark.parametrize(
    ("name", "flags"), [("vfork", 0), ("clone", CLONE_VFORK), ("clone", 64), ("clone", 256)]
)
def test_a_child_whose_id_may_be_another_is_left_to_its_own_side(box: Box, name: str, flags: int) -> None:
    box.happens(name, 1, res=2, pid=1, ptid=0, vtid=1, vpid=1, flags=flags)
    assert 2 not in box.machine.threads


def test_a_failed_clone_changes_nothing(box: Box) -> None:
    box.happens("clone", 1, res=-11, pid=1, ptid=0)
    assert list(box.machine.threads) == [1]


def test_a_stale_process_is_replaced(box: Box) -> None:
    box.starts(2, 0, "old")
    event = box.forks(1, 2)
    assert value_of(event, "proc.name") == "bash"


def test_threads_share_directory_and_descriptors(box: Box) -> None:
    box.opens("/etc/hosts", 3)
    box.happens("clone", 1, res=2, pid=1, ptid=0, vtid=1, vpid=1, flags=CLONE_THREAD, exe="bash")
    event = box.happens("read", 2, res=5, fd=3)
    assert value_of(event, "fd.name") == "/etc/hosts"
    assert value_of(event, "proc.cwd") == "/root/"
    assert value_of(event, "thread.ismain") is False
    assert [value_of(event, name) for name in ("proc.nthreads", "proc.nchilds")] == [2, 1]
    box.opens("/etc/group", 4, tid=2)
    assert value_of(box.happens("read", 1, res=5, fd=4), "fd.name") == "/etc/group"
    event = box.starts(1, 0, "cat")
    assert value_of(event, "proc.nthreads") == 1, "a program begins with one thread"


def test_a_fork_copies_descriptors_and_a_program_loses_some(box: Box) -> None:
    box.opens("/etc/hosts", 3)
    box.opens("/etc/group", 4, flags=1 | 4096)
    box.forks(1, 2)
    box.happens("close", 1, res=0, fd=3)
    assert value_of(box.happens("read", 2, res=5, fd=3), "fd.name") == "/etc/hosts"
    box.starts(2, 1, "cat")
    assert value_of(box.happens("read", 2, res=5, fd=3), "fd.name") == "/etc/hosts"
    assert value_of(box.happens("read", 2, res=5, fd=4), "fd.name") == ""


def test_a_failed_exec_shows_the_old_program(box: Box) -> None:
    event = box.starts(1, 0, "cat", res=-2)
    assert [value_of(event, name) for name in ("proc.name", "evt.res")] == ["bash", "ENOENT"]


def test_what_a_program_is(box: Box) -> None:
    event = box.starts(
        1, 0, "sh", trusted_exepath="/usr/bin/dash (deleted)", tty=34816, loginuid=1000, flags=0b0101,
        cap_effective=0b11, cap_permitted=0, cap_inheritable=1 << 21, exe_ino=5, exe_ino_ctime=6,
        exe_ino_mtime=7, uid=1000, gid=100, vpgid=1, pgid=1, env=b"HOME=/root\0A= b \0",
    )  # fmt: skip
    expected = {
        "proc.exepath": "/usr/bin/dash", "proc.tty": 34816, "user.loginuid": 1000, "user.uid": 1000,
        "group.gid": 100, "proc.is_exe_writable": True, "proc.is_exe_from_memfd": True,
        "proc.is_exe_upper_layer": False, "thread.cap_effective": "CAP_CHOWN CAP_DAC_OVERRIDE",
        "thread.cap_permitted": "", "thread.cap_inheritable": "CAP_SYS_ADMIN", "proc.exe_ino": 5,
        "proc.exe_ino.ctime": 6, "proc.exe_ino.mtime": 7, "proc.env[HOME]": "/root", "proc.env[A]": "b",
        "proc.env[B]": "", "proc.is_vpgid_leader": True, "proc.is_pgid_leader": True,
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("enter", "arguments", "expected"),
    [
        (292, {"filename": "./tool"}, "/root/tool"),
        (292, {"filename": "/usr/../bin/tool"}, "/bin/tool"),
        (292, {}, "<NA>"),
        (330, {"dirfd": 5, "pathname": "tool", "flags": 0}, "/opt/tool"),
        (330, {"dirfd": 5, "pathname": "", "flags": 4096}, "/opt"),
        (330, {"dirfd": 9, "pathname": "tool", "flags": 0}, "<NA>"),
        (330, {"dirfd": AT_FDCWD, "pathname": "tool", "flags": 0}, "/root/tool"),
        (330, {"dirfd": 9, "pathname": "/bin/tool", "flags": 0}, "/bin/tool"),
    ],
)
def test_old_captures_tell_the_path_when_the_call_begins(
    box: Box, enter: int, arguments: dict[str, int | str], expected: str
) -> None:
    box.opens("/opt", 5, flags=1 | 1024)
    box.happens(enter, 1, **arguments)
    assert value_of(box.starts(1, 0, "tool"), "proc.exepath") == expected


def test_a_process_is_there_for_its_exit_and_gone_after_it(box: Box) -> None:
    box.forks(1, 2)
    box.starts(2, 1, "cat")
    assert value_of(box.happens(186, 2, status=0), "proc.name") == "cat"
    assert value_of(box.happens("close", 2, res=0, fd=3), "proc.name") == "<NA>"


@pytest.mark.parametrize(("told", "parent"), [(None, "bash"), (3, "reaper"), (77, "bash")])
def test_orphans_get_another_parent(box: Box, told: int | None, parent: str) -> None:
    box.starts(3, 0, "reaper")
    box.forks(1, 10)
    box.starts(10, 1, "middle")
    box.forks(10, 20)
    box.starts(20, 10, "child")
    box.happens(186, 10, status=0, reaper_tid=told)
    assert value_of(box.happens("close", 20, res=0, fd=3), "proc.pname") == parent


def test_a_subreaper_gets_orphans(box: Box) -> None:
    for tid, parent in ((10, 1), (20, 10), (30, 20)):
        box.forks(parent, tid)
        box.starts(tid, parent, f"p{tid}")
    box.happens("prctl", 10, res=0, option=36, arg2_int=1)
    box.happens(186, 20, status=0)
    assert value_of(box.happens("close", 30, res=0, fd=3), "proc.pname") == "p10"


def test_a_main_thread_stays_while_others_live(box: Box) -> None:
    box.happens("clone", 1, res=2, pid=1, ptid=0, vtid=1, vpid=1, flags=CLONE_THREAD, exe="bash", comm="bash")
    box.happens(186, 1, status=0)
    event = box.happens("close", 2, res=0, fd=3)
    assert [value_of(event, name) for name in ("proc.name", "proc.cwd")] == ["bash", "/root/"]
    box.happens(186, 2, status=0)
    box.happens("close", 50, res=0, fd=3)
    assert list(box.machine.threads) == [50]


@pytest.mark.parametrize(
    ("name", "arguments", "field", "expected"),
    [
        ("setuid", {"res": 0, "uid": 5}, "user.uid", 5),
        ("setuid", {"res": -1, "uid": 5}, "user.uid", 0),
        ("setresuid", {"res": 0, "ruid": 4, "euid": 5, "suid": 6}, "user.uid", 5),
        ("setresuid", {"res": 0, "ruid": 4}, "user.uid", 0),
        ("setreuid", {"res": 0, "ruid": 4, "euid": 5}, "user.uid", 5),
        ("setgid", {"res": 0, "gid": 5}, "group.gid", 5),
        ("setresgid", {"res": 0, "egid": 5}, "group.gid", 5),
        ("setregid", {"res": 0, "egid": 5}, "group.gid", 5),
        ("setsid", {"res": 7}, "proc.sid", 7),
        ("setsid", {"res": -1}, "proc.sid", -1),
        ("capset", {"res": 0, "cap_effective": 1}, "thread.cap_effective", "CAP_CHOWN"),
        ("prlimit", {"res": 0, "newcur": 9, "resource": 7, "pid": 0}, "proc.fdlimit", 9),
        ("setrlimit", {"res": 0, "cur": 8, "resource": 7}, "proc.fdlimit", 8),
        ("setrlimit", {"res": 0, "cur": 8, "resource": 3}, "proc.fdlimit", -1),
        ("chdir", {"res": 0, "path": "../tmp/"}, "proc.cwd", "/tmp/"),
        ("chdir", {"res": -2, "path": "/tmp"}, "proc.cwd", "/root/"),
        ("getcwd", {"res": 5, "path": "/var"}, "proc.cwd", "/var/"),
    ],
)
def test_calls_that_change_a_process(
    box: Box, name: str, arguments: dict[str, int | str], field: str, expected: object
) -> None:
    assert value_of(box.happens(name, 1, **arguments), field) == expected


@pytest.mark.parametrize(("name", "argument"), [("unshare", "flags"), ("setns", "nstype")])
def test_a_user_namespace_gives_all_capabilities(box: Box, name: str, argument: str) -> None:
    event = box.happens(name, 1, res=0, **{argument: 1 << 20})
    assert str(value_of(event, "thread.cap_effective")).endswith("CAP_CHECKPOINT_RESTORE")


def test_a_clone_completes_a_caller_that_was_not_known() -> None:
    box = Box()
    box.happens("clone", 5, res=6, tid=5, pid=5, ptid=1, vtid=5, vpid=5, comm="sh", exe="sh", flags=0)
    event = box.happens("close", 6, res=0, fd=3)
    assert [value_of(event, name) for name in ("proc.ppid", "proc.pname")] == [5, "<NA>"]


@pytest.mark.parametrize("name", [186, 152])
def test_some_events_make_no_placeholder(name: int) -> None:
    box = Box()
    assert box.happens(name, 5).thread is None
    assert not box.machine.threads
