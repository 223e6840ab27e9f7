"""Arguments as text, and as they were recorded."""

from __future__ import annotations

import struct

import pytest

from falcocore.errors import FalcocoreError
from tests.support.syscall_events import AT_FDCWD, Box, shown, sockaddr, tuple4, value_of

FD_LIST = struct.pack("<H", 3) + b"".join(struct.pack("<qh", fd, 0x41) for fd in (3, 4, 9))


@pytest.fixture
def box() -> Box:
    """A shell with a file, a connection and a pipe."""
    box = Box()
    box.starts(1, 0, "bash")
    box.happens("chdir", res=0, path="/root")
    box.opens("/etc/hosts", 3)
    box.happens("socket", 1, fd=4, domain=2, type=1, proto=6)
    box.happens("connect", 1, res=0, fd=4, tuple=tuple4("1.2.3.4", 5, "6.7.8.9", 10))
    box.opens("/opt", 5, flags=1 | 1024)
    return box


@pytest.mark.parametrize(
    ("name", "arguments", "argument", "text"),
    [
        ("read", {"res": 4, "fd": 3}, "fd", "<f>/etc/hosts"),
        ("read", {"res": 4, "fd": 4}, "fd", "<4t>1.2.3.4:5->6.7.8.9:10"),
        ("read", {"res": 4, "fd": 99}, "fd", "99"),
        ("read", {"res": -9, "fd": 99}, "res", "EBADF"),
        ("read", {"res": 4}, "fd", "<NA>"),
        ("read", {"res": 4}, "data", "NULL"),
        ("read", {"res": 4, "data": b"a\nb\xff"}, "data", "a.b."),
        ("openat", {"fd": 6, "dirfd": AT_FDCWD}, "dirfd", "AT_FDCWD"),
        ("openat", {"fd": 6, "dirfd": AT_FDCWD, "name": "x"}, "name", "/root/x"),
        ("openat", {"fd": 6, "dirfd": 5, "name": "x"}, "name", "/opt/x"),
        ("openat", {"fd": 6, "dirfd": 5, "name": "/x"}, "name", "/x"),
        ("openat", {"fd": 6, "dirfd": 5}, "name", "<NA>"),
        ("openat", {"fd": 6, "name": b"(NULL)\0"}, "name", "<NA>"),
        ("openat", {"fd": 6, "flags": 1 | 4096}, "flags", "O_RDONLY|O_CLOEXEC"),
        ("openat", {"fd": 6, "flags": 0}, "flags", "O_NONE"),
        ("openat", {"fd": 6, "mode": 0o644}, "mode", "0644"),
        ("openat", {"fd": 6, "dev": 0xABC}, "dev", "ABC"),
        ("socket", {"fd": 6, "domain": 1}, "domain", "AF_LOCAL|AF_UNIX"),
        ("socket", {"fd": 6, "domain": 17}, "domain", "AF_PACKET"),
        ("socket", {"fd": 6, "domain": 999}, "domain", "999"),
        ("fchmodat", {"res": 0, "mode": 0o4755}, "mode", None),
        ("setuid", {"res": 0, "uid": 0}, "uid", "root"),
        ("setuid", {"res": 0, "uid": 77}, "uid", "<NA>"),
        ("setuid", {"res": 0, "uid": 0xFFFFFFFF}, "uid", "<NONE>"),
        ("kill", {"res": 0, "pid": 1, "sig": 15}, "sig", "SIGTERM"),
        ("kill", {"res": 0, "pid": 1, "sig": 99}, "sig", "99"),
        ("kill", {"res": 0, "pid": 1, "sig": 15}, "pid", "bash"),
        ("kill", {"res": 0, "pid": 5, "sig": 15}, "pid", "5"),
        ("ptrace", {"res": 0, "request": 11}, "request", "PTRACE_ATTACH"),
        ("ptrace", {"res": 0, "data": b"\x01\x0f"}, "data", "SIGTERM"),
        ("ptrace", {"res": 0, "data": b"\x09\x0f"}, "data", "<NA>"),
        ("nanosleep", {"res": 0, "interval": 1_500_000_000}, "interval", "1.5s"),
        ("nanosleep", {"res": 0, "interval": (1 << 64) - 1}, "interval", "none"),
        ("bind", {"res": 0, "fd": 4, "addr": sockaddr("1.2.3.4", 80)}, "addr", "1.2.3.4:80"),
        ("bind", {"res": 0, "fd": 4, "addr": b"\x01/run/s\0"}, "addr", "/run/s"),
        ("bind", {"res": 0, "fd": 4, "addr": b"\x11zz"}, "addr", "family 17"),
        ("sendto", {"res": 1, "fd": 4}, "tuple", "NULL"),
        ("sendto", {"res": 1, "fd": 9, "tuple": tuple4("1.1.1.1", 1, "2.2.2.2", 2)}, "tuple", None),
        ("poll", {"res": 1, "fds": FD_LIST}, "fds", "3:f41 4:441 9:41"),
        ("mmap", {"res": -12, "addr": 0x7FF0}, "addr", "7FF0"),
        (1, {"ID": 3}, "ID", "read"),
        ("read", {"res": 4}, "nothing_like_it", None),
    ],
)
def test_an_argument_as_text(
    box: Box, name: str | int, arguments: dict[str, object], argument: str, text: str | None
) -> None:
    event = box.happens(name, 1, **arguments)
    if argument == "nothing_like_it":
        with pytest.raises(FalcocoreError, match="no event has an argument"):
            value_of(event, f"evt.arg.{argument}")
    elif argument == "tuple" and text is None:
        assert value_of(event, "evt.arg.tuple") == "1.1.1.1:1->2.2.2.2:2"
    elif argument == "mode" and text is None:
        names = "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID"
        assert value_of(event, "evt.arg.mode") == names
    else:
        assert value_of(event, f"evt.arg.{argument}") == text


def test_arguments_by_number_and_all_together(box: Box) -> None:
    event = box.happens("close", 1, res=0, fd=3)
    assert value_of(event, "evt.arg[1]") == "<f>/etc/hosts"
    assert value_of(event, "evt.arg[7]") is None
    assert value_of(event, "evt.arg.name") is None, "other events have such an argument"
    assert value_of(event, "evt.args") == "res=0 fd=3(<f>/etc/hosts)"
    assert value_of(event, "evt.info") == value_of(event, "evt.args")


@pytest.mark.parametrize(
    ("name", "arguments", "argument", "value"),
    [
        ("read", {"res": -9}, "res", -9),
        ("read", {"res": 4, "size": 7}, "size", 7),
        ("read", {"res": 4}, "size", None),
        ("openat", {"fd": 6, "name": "x"}, "name", "x"),
        ("openat", {"fd": 6, "flags": 65}, "flags", 65),
        ("read", {"res": 4, "data": b"\0\1"}, "data", b"\0\1"),
        ("mprotect", {"res": 0, "addr": (1 << 64) - 1}, "addr", b"\xff" * 8),
        ("close", {"res": 0}, "name", None),
    ],
)
def test_an_argument_as_it_was_recorded(
    box: Box, name: str, arguments: dict[str, object], argument: str, value: object
) -> None:
    assert value_of(box.happens(name, 1, **arguments), f"evt.rawarg.{argument}") == value


def test_descriptors_that_poll_waits_for(box: Box) -> None:
    event = box.happens("poll", 1, res=1, fds=FD_LIST)
    expected = {
        "fdlist.nums": "3,4,9", "fdlist.names": "/etc/hosts,1.2.3.4:5->6.7.8.9:10,",
        "fdlist.cips": ",1.2.3.4,", "fdlist.sips": ",6.7.8.9,", "fdlist.cports": ",5,",
        "fdlist.sports": ",10,",
    }  # fmt: skip
    assert {field: value_of(event, field) for field in expected} == expected
    assert value_of(box.happens("getuid", 1, uid=0), "fdlist.nums") is None
    assert shown(event, "evt.args") == "res=1 fds=3:f41 4:441 9:41 timeout=<NA>"
