"""Descriptors: opened, copied, closed, and what rules read of them."""

from __future__ import annotations

import pytest

from tests.support.syscall_events import AT_FDCWD, Box, value_of


@pytest.fixture
def box() -> Box:
    """A shell in /root with /opt open as 5."""
    box = Box()
    box.starts(1)
    box.happens("chdir", res=0, path="/root")
    box.opens("/opt", 5, flags=1 | 1024)
    return box


@pytest.mark.parametrize(
    ("name", "arguments", "expected", "raw"),
    [
        ("open", {"name": "/etc//x"}, "/etc/x", "/etc/x"),
        ("open", {"name": "../x"}, "/x", "../x"),
        ("openat", {"dirfd": AT_FDCWD, "name": "x"}, "/root/x", "x"),
        ("openat", {"dirfd": 5, "name": "x/./y"}, "/opt/x/y", "x/./y"),
        ("openat", {"dirfd": 9, "name": "x"}, "<UNKNOWN>x", "x"),
        ("openat", {"dirfd": 9, "name": "/x"}, "/x", "/x"),
        ("openat2", {"dirfd": 5, "name": "x"}, "/opt/x", "x"),
        ("creat", {"name": "x"}, "/root/x", "x"),
        ("open_by_handle_at", {"path": "/data/x"}, "/data/x", "/data/x"),
    ],
)
def test_names_of_opened_files(
    box: Box, name: str, arguments: dict[str, int | str], expected: str, raw: str
) -> None:
    event = box.happens(name, 1, fd=3, **arguments)
    assert [value_of(event, f) for f in ("fd.num", "fd.name", "fd.nameraw")] == [3, expected, raw]
    assert value_of(event, "fd.typechar") == "f"
    later = box.happens("read", 1, res=1, fd=3)
    assert value_of(later, "fd.name") == expected
    assert value_of(later, "fd.name_changed") is False
    assert value_of(event, "fd.name_changed") is True


@pytest.mark.parametrize(
    ("name", "char"), [("open", "o"), ("openat", "f"), ("openat2", "f"), ("creat", "f"), ("socket", "4")]
)
def test_a_failed_open_has_no_descriptor(box: Box, name: str, char: str) -> None:
    arguments = {} if name == "socket" else {"name": "/etc/shadow"}
    event = box.happens(name, 1, fd=-13, **arguments)
    expected = {"fd.num": -1, "fd.typechar": char, "fd.type": None, "evt.res": "EACCES", "evt.failed": True}
    assert {field: value_of(event, field) for field in expected} == expected
    assert value_of(event, "fd.name") == ("" if name == "socket" else "/etc/shadow")


@pytest.mark.parametrize(
    ("enter", "exit_name", "arguments"),
    [
        (2, "open", {"name": "/etc/true", "flags": 1}),
        (58, "creat", {"name": "/etc/true"}),
        (306, "openat", {"name": "/etc/true", "flags": 1, "dirfd": AT_FDCWD}),
        (326, "openat2", {"name": "true", "flags": 1, "dirfd": 7}),
    ],
)
def test_what_was_asked_for_when_a_call_began_counts(
    box: Box, enter: int, exit_name: str, arguments: dict[str, int | str]
) -> None:
    box.opens("/etc", 7, flags=1 | 1024)
    box.happens(enter, 1, **arguments)
    changed = {} if exit_name in ("open", "creat") else {"dirfd": AT_FDCWD}
    event = box.happens(exit_name, 1, fd=3, name="/tmp/lie", **changed)
    assert value_of(event, "fd.name") == "/etc/true"


def test_a_directory_is_one_by_its_flag(box: Box) -> None:
    event = box.opens("/var/log", 3, flags=1 | 1024)
    fields = ("fd.type", "fd.typechar", "fd.directory", "fd.filename")
    assert [value_of(event, field) for field in fields] == ["directory", "d", "/var/log", None]


@pytest.mark.parametrize(
    ("path", "directory", "filename"),
    [("/etc/passwd", "/etc", "passwd"), ("/passwd", "/", "passwd"), ("/a/b/c", "/a/b", "c")],
)
def test_directory_and_name_of_a_file(box: Box, path: str, directory: str, filename: str) -> None:
    event = box.opens(path)
    assert [value_of(event, f) for f in ("fd.directory", "fd.filename")] == [directory, filename]


def test_a_closed_descriptor_is_there_for_the_close_and_gone_after_it(box: Box) -> None:
    box.opens("/etc/hosts", 3)
    assert value_of(box.happens("close", 1, res=0, fd=3), "fd.name") == "/etc/hosts"
    assert value_of(box.happens("close", 1, res=-9, fd=3), "fd.name") == ""


def test_a_failed_close_closes_nothing(box: Box) -> None:
    box.opens("/etc/hosts", 3)
    box.happens("close", 1, res=-5, fd=3)
    assert value_of(box.happens("read", 1, res=1, fd=3), "fd.name") == "/etc/hosts"


@pytest.mark.parametrize(
    ("name", "arguments", "stays"),
    [
        ("dup", {"res": 8, "oldfd": 3}, True),
        ("dup2", {"res": 8, "oldfd": 3, "newfd": 8}, True),
        ("dup3", {"res": 8, "oldfd": 3, "newfd": 8, "flags": 4096}, False),
        ("fcntl", {"res": 8, "fd": 3, "cmd": 1}, True),
        ("fcntl", {"res": 8, "fd": 3, "cmd": 26}, False),
    ],
)
def test_copies(box: Box, name: str, arguments: dict[str, int], stays: bool) -> None:
    box.opens("/etc/hosts", 3)
    event = box.happens(name, 1, **arguments)
    assert [value_of(event, f) for f in ("fd.num", "fd.name", "fd.type")] == [8, "/etc/hosts", "file"]
    assert value_of(event, "evt.rawres") == 8
    box.starts(1, 0, "cat")
    assert value_of(box.happens("read", 1, res=1, fd=8), "fd.name") == ("/etc/hosts" if stays else "")


@pytest.mark.parametrize(("argument", "name"), [(1, ""), (0, "/etc/hosts")])
def test_close_on_exec_can_be_set_and_cleared(box: Box, argument: int, name: str) -> None:
    box.opens("/etc/hosts", 3, flags=1 | 4096)
    box.happens("fcntl", 1, res=0, fd=3, cmd=3, arg=argument)
    box.starts(1, 0, "cat")
    assert value_of(box.happens("read", 1, res=1, fd=3), "fd.name") == name


@pytest.mark.parametrize(("flags", "before", "after"), [(0, "", ""), (4, "/etc/hosts", "")])
def test_a_range_is_closed_or_marked(box: Box, flags: int, before: str, after: str) -> None:
    box.opens("/etc/hosts", 3)
    box.happens("close_range", 1, res=0, first=3, last=0xFFFFFFFF, flags=flags)
    assert value_of(box.happens("read", 1, res=1, fd=3), "fd.name") == before
    box.starts(1, 0, "cat")
    assert value_of(box.happens("read", 1, res=1, fd=3), "fd.name") == after


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "char", "fd_name"),
    [
        ("eventfd", {"res": 3}, "event", "e", ""),
        ("eventfd2", {"res": 3}, "event", "e", ""),
        ("signalfd", {"res": 3}, "signalfd", "s", ""),
        ("signalfd4", {"res": 3}, "signalfd", "s", ""),
        ("timerfd_create", {"res": 3}, "timerfd", "t", ""),
        ("inotify_init", {"res": 3}, "inotify", "i", ""),
        ("inotify_init1", {"res": 3}, "inotify", "i", ""),
        ("epoll_create", {"res": 3}, "eventpoll", "l", ""),
        ("epoll_create1", {"res": 3}, "eventpoll", "l", ""),
        ("bpf", {"fd": 3}, "bpf", "b", ""),
        ("userfaultfd", {"res": 3}, "userfaultfd", "u", ""),
        ("io_uring_setup", {"res": 3}, "io_uring", "r", ""),
        ("memfd_create", {"fd": 3, "name": "secret"}, "memfd", "m", "secret"),
        ("pidfd_open", {"fd": 3, "pid": 42}, "pidfd", "P", "/proc/42"),
        ("pipe", {"res": 0, "fd1": 3, "fd2": 4, "ino": 7}, "pipe", "p", ""),
        ("pipe2", {"res": 0, "fd1": 3, "fd2": 4, "ino": 7}, "pipe", "p", ""),
        ("socketpair", {"res": 0, "fd1": 3, "fd2": 4}, "unix", "u", ""),
        ("socket", {"fd": 3, "domain": 16}, "netlink", "n", ""),
        ("socket", {"fd": 3, "domain": 1}, "unix", "u", ""),
        ("socket", {"fd": 3, "domain": 17}, "<NA>", "o", ""),
    ],
)
def test_descriptors_without_a_path(
    box: Box, name: str, arguments: dict[str, int | str], kind: str, char: str, fd_name: str
) -> None:
    box.happens(name, 1, **arguments)
    event = box.happens("read", 1, res=1, fd=3)
    assert [value_of(event, f) for f in ("fd.type", "fd.typechar", "fd.name")] == [kind, char, fd_name]
    if "fd2" in arguments:
        assert value_of(box.happens("read", 1, res=1, fd=4), "fd.type") == kind


def test_a_descriptor_is_taken_from_another_process(box: Box) -> None:
    box.starts(42, 0, "victim")
    box.opens("/etc/shadow", 9, tid=42)
    box.happens("pidfd_open", 1, fd=3, pid=42)
    event = box.happens("pidfd_getfd", 1, fd=4, pid_fd=3, target_fd=9)
    assert value_of(event, "fd.name") == "/etc/shadow"


def test_fchdir_goes_to_a_descriptor(box: Box) -> None:
    assert value_of(box.happens("fchdir", 1, res=0, fd=5), "proc.cwd") == "/opt/"


def test_device_inode_and_layers(box: Box) -> None:
    event = box.opens("/x", 3, dev=0x10300005, ino=77, flags=1 | 32768)
    expected = {
        "fd.dev": 0x10300005, "fd.dev.major": 0x000, "fd.ino": 77, "fd.is_upper_layer": True,
        "fd.is_lower_layer": False,
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected


def test_standard_descriptors_and_lists(box: Box) -> None:
    box.opens("/dev/null", 0)
    event = box.happens("getuid", 1, uid=0)
    assert [value_of(event, f"proc.stdin.{part}") for part in ("type", "name")] == ["file", "/dev/null"]
    assert value_of(event, "proc.stdout.name") is None
    assert value_of(event, "fd.types") == ["file", "directory"]
    assert value_of(event, "fd.types[0]") == ["file"]
    assert value_of(event, "proc.fdopencount") == 2
    assert value_of(event, "fd.num") is None, "the event is about no descriptor"
