"""The file that a process runs: path, inode, and what rules ask about it."""

from __future__ import annotations

import stat
from dataclasses import dataclass

from falcocore_syscall.live.procfs.files import Directory, without_mark
from falcocore_syscall.live.procfs.mounts import Layer, Overlays
from falcocore_syscall.live.procfs.status import Status

_MEMFD = b"/memfd:"
_DAC_OVERRIDE, _FOWNER = 1, 3
_MAY_WRITE_ALL = 1 << _DAC_OVERRIDE | 1 << _FOWNER


@dataclass(frozen=True, slots=True)
class Program:
    """What is known of a program's file; zeros where it can't be reached."""

    path: bytes
    ino: int = 0
    ctime_ns: int = 0
    mtime_ns: int = 0
    is_writable: bool = False
    """The process itself could change it."""
    is_memfd: bool = False
    layer: Layer = Layer.NONE


def read_program(process: Directory, status: Status, root: bytes, overlays: Overlays) -> Program | None:
    """The program of a process; None where it has none, as threads of the kernel and what has ended."""
    link = process.link("exe")
    if not link:
        return None
    path = without_mark(link)
    found = process.stat("exe")
    if found is None:
        return Program(path)
    is_memfd = link.startswith(_MEMFD)
    return Program(
        path=path,
        ino=found.st_ino,
        ctime_ns=found.st_ctime_ns,
        mtime_ns=found.st_mtime_ns,
        is_writable=may_write(status, found.st_mode, found.st_uid, found.st_gid),
        is_memfd=is_memfd,
        layer=Layer.NONE if is_memfd else overlays.layer_of(process, root, path),
    )


def may_write(status: Status, mode: int, uid: int, gid: int) -> bool:
    """True where a process may write to a file by capabilities, owner and mode; the owner can allow it."""
    if status.cap_effective & _MAY_WRITE_ALL or status.uid == uid:
        return True
    if status.gid == gid or gid in status.groups:
        return bool(mode & stat.S_IWGRP)
    return bool(mode & stat.S_IWOTH)
