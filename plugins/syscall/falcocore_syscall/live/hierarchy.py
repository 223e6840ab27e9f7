"""The hierarchy of control groups that tells containers apart."""

from __future__ import annotations

from pathlib import Path

_PREFERRED = ("pids", "memory", "cpu")
"""Controllers that every container runtime uses."""


def container_controller(proc_root: str = "/proc") -> int:
    """1 + the kernel's number of a controller of version 1 that containers have their groups in; 0 where
    version 2 has them.

    The kernel lists its controllers in the order of their numbers, with hierarchy 0 for those of version 2.
    """
    lines = Path(proc_root, "cgroups").read_text().splitlines()[1:]
    controllers = [line.split()[:2] for line in lines]
    for wanted in _PREFERRED:
        for number, (name, hierarchy) in enumerate(controllers):
            if name == wanted and hierarchy != "0":
                return number + 1
    return 0


_CONTROLLERS = (b"cpuset", b"cpu", b"io", b"memory", b"pids")


def control_groups(names: bytes) -> bytes:
    """Control groups as captures list them, from the names that the kernel tells: the innermost group first,
    each with a NUL."""
    path = b"/" + b"/".join(reversed([name for name in names.split(b"\0") if name]))
    return b"".join(controller + b"=" + path + b"\0" for controller in _CONTROLLERS)
