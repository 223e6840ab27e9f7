"""Which hierarchy of control groups tells containers apart, and what captures list of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcocore_syscall.live.hierarchy import container_controller, control_groups

HEAD = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"


@pytest.mark.parametrize(
    ("controllers", "expected"),
    [
        ("cpuset\t0\t1\t1\ncpu\t0\t1\t1\nmemory\t0\t1\t1\npids\t0\t1\t1\n", 0),
        ("cpuset\t3\t1\t1\ncpu\t1\t1\t1\nmemory\t4\t1\t1\npids\t8\t1\t1\n", 4),
        ("cpuset\t3\t1\t1\ncpu\t1\t1\t1\nmemory\t4\t1\t1\npids\t0\t1\t1\n", 3),
        ("cpu\t5\t1\t1\n", 1),
        ("", 0),
    ],
)
def test_the_controller_of_containers(tmp_path: Path, controllers: str, expected: int) -> None:
    (tmp_path / "cgroups").write_text(HEAD + controllers)
    assert container_controller(str(tmp_path)) == expected


def test_control_groups_of_the_kernels_names() -> None:
    first = control_groups(b"docker-1.scope\0system.slice\0").split(b"\0")[0]
    assert first == b"cpuset=/system.slice/docker-1.scope"
    assert control_groups(b"").split(b"\0")[1] == b"cpu=/"
