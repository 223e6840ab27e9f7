"""The files that system calls name by their paths."""

from __future__ import annotations

import pytest

from tests.support.syscall_events import AT_FDCWD, Box, value_of


@pytest.fixture
def box() -> Box:
    box = Box()
    box.starts(1, 0, "bash")
    box.happens("chdir", res=0, path="/root")
    box.opens("/opt", 5, flags=1 | 1024)
    box.opens("/etc/hosts", 6)
    return box


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("mkdir", {"res": 0, "path": "a"}, {"name": "/root/a", "nameraw": "a", "source": None}),
        ("mkdir", {"res": -17, "path": "a"}, {"name": None}),
        ("mkdirat", {"res": 0, "dirfd": 5, "path": "a//b"}, {"name": "/opt/a/b", "nameraw": "a/b"}),
        ("unlinkat", {"res": 0, "dirfd": 9, "name": "a"}, {"name": "<UNKNOWN>a"}),
        ("unlink", {"res": 0, "path": "/a"}, {"name": "/a"}),
        ("openat", {"fd": 3, "dirfd": AT_FDCWD, "name": "a"}, {"name": "/root/a"}),
        ("openat", {"fd": -2, "dirfd": AT_FDCWD, "name": "a"}, {"name": "/root/a"}),
        ("openat", {"fd": -1, "dirfd": AT_FDCWD, "name": "a"}, {"name": None}),
        ("chmod", {"res": 0, "filename": "a"}, {"name": "/root/a"}),
        ("fchmod", {"res": 0, "fd": 6}, {"name": "/etc/hosts"}),
        ("fchownat", {"res": 0, "dirfd": 5, "pathname": "a"}, {"name": "/opt/a"}),
        ("umount2", {"res": 0, "name": "/mnt"}, {"name": "/mnt"}),
        ("rename", {"res": 0, "oldpath": "a", "newpath": "b"}, {"source": "/root/a", "target": "/root/b"}),
        (
            "renameat2",
            {"res": 0, "olddirfd": 5, "oldpath": "a", "newdirfd": AT_FDCWD, "newpath": "b"},
            {"source": "/opt/a", "target": "/root/b"},
        ),
        ("link", {"res": 0, "oldpath": "a", "newpath": "b"}, {"source": "/root/b", "target": "/root/a"}),
        (
            "linkat",
            {"res": 0, "olddir": 5, "oldpath": "a", "newdir": AT_FDCWD, "newpath": "b"},
            {"source": "/root/b", "target": "/opt/a"},
        ),
        (
            "symlink",
            {"res": 0, "target": "/etc/x", "linkpath": "b"},
            {"source": "/root/b", "target": "/etc/x"},
        ),
        (
            "symlinkat",
            {"res": 0, "target": "/etc/x", "linkdirfd": 5, "linkpath": "b"},
            {"source": "/opt/b", "target": "/etc/x", "targetraw": "/etc/x"},
        ),
        ("mount", {"res": 0, "dev": "/dev/sda", "dir": "/mnt"}, {"source": "/dev/sda", "target": "/mnt"}),
        ("read", {"res": 0, "fd": 6}, {"name": None, "source": None, "target": None}),
    ],
)
def test_paths(box: Box, name: str, arguments: dict[str, object], expected: dict[str, object]) -> None:
    event = box.happens(name, 1, **arguments)
    assert {part: value_of(event, f"fs.path.{part}") for part in expected} == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("openat", {"fd": -2, "dirfd": 5, "name": "a"}, ["/opt/a", None, None]),
        ("symlinkat", {"res": 0, "target": "x", "linkdirfd": 5, "linkpath": "a"}, ["/opt/a", None, None]),
        (
            "renameat",
            {"res": 0, "olddirfd": 5, "oldpath": "a", "newdirfd": 5, "newpath": "b"},
            ["/opt/a", "/opt/a", "/opt/b"],
        ),
        ("open", {"fd": 3, "name": "/a"}, [None, None, None]),
    ],
)
def test_whole_paths_of_calls_with_a_directory(
    box: Box, name: str, arguments: dict[str, object], expected: list[object]
) -> None:
    event = box.happens(name, 1, **arguments)
    assert [value_of(event, f"evt.abspath{part}") for part in ("", ".src", ".dst")] == expected
