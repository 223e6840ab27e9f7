"""Control groups of both versions, as captures have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcocore_syscall.live.procfs.cgroups import Cgroups, joined
from falcocore_syscall.state.containers import container_id

ID = "d" * 64


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("2:cpu,cpuacct:/a\n1:name=systemd:/b:c\n0::/c\n", b"cpu=/a\0cpuacct=/a\0name=systemd=/b:c\0"),
        ("0::/known\n", b"cpu=/known\0memory=/known\0"),
        ("0::/unified\n", b"pids=/unified\0"),
        ("0::/gone\n", b"cpuset=/gone\0cpu=/gone\0io=/gone\0memory=/gone\0pids=/gone\0"),
        ("3:pids:/a\n0::/known\n", b"pids=/a\0cpu=/known\0memory=/known\0"),
        ("", b""),
    ],
)
def test_both_versions(tmp_path: Path, content: str, expected: bytes) -> None:
    for directory, controllers in (("known", "cpu memory\n"), ("unified/unified", "pids\n")):
        (tmp_path / directory).mkdir(parents=True)
        (tmp_path / directory / "cgroup.controllers").write_text(controllers)
    assert Cgroups(str(tmp_path)).listed(content.encode()) == expected


def test_the_container_is_told_even_where_the_controllers_are_not_known(tmp_path: Path) -> None:
    listed = Cgroups(str(tmp_path)).listed(f"0::/system.slice/docker-{ID}.scope\n".encode())
    assert container_id(listed) == ID[:12]


def test_controllers_are_asked_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    controllers = tmp_path / "a" / "cgroup.controllers"
    controllers.write_text("cpu")
    groups = Cgroups(str(tmp_path))
    first = groups.listed(b"0::/a\n")
    controllers.unlink()
    assert groups.listed(b"0::/a\n") == first == b"cpu=/a\0"


@pytest.mark.parametrize(
    ("most", "expected"), [(10, b"ab\0cdef\0"), (8, b"ab\0cdef\0"), (7, b"ab\0"), (2, b"")]
)
def test_what_does_not_fit_is_left_out_whole(most: int, expected: bytes) -> None:
    assert joined([b"ab", b"cdef"], most) == expected
