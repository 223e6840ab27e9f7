"""Open descriptors of a process, as captures list them."""

from __future__ import annotations

import re
import stat

from falcocore_syscall.live.procfs.files import DELETED, PROC, Directory, without_mark
from falcocore_syscall.live.procfs.flags import recorded_flags
from falcocore_syscall.live.procfs.sockets import SocketTables
from falcocore_syscall.scap.records import FdRecord
from falcocore_syscall.state.fds import FdType

_FLAGS = re.compile(rb"^flags:\s+([0-7]+)", re.MULTILINE)
_PIDFD = re.compile(rb"^Pid:\s+(\d+)", re.MULTILINE)
_INFO_BYTES = 128
"""The flags are near the beginning; what follows may be long, as with many watched files."""
_NUMBERED = re.compile(rb"(socket|pipe):\[(\d+)\]\Z")
_MEMFD = b"/memfd:"
_ANONYMOUS = b"anon_inode:"
_ANONYMOUS_TYPES = {
    b"eventfd": FdType.EVENT,
    b"eventpoll": FdType.EVENTPOLL,
    b"inotify": FdType.INOTIFY,
    b"signalfd": FdType.SIGNALFD,
    b"timerfd": FdType.TIMERFD,
    b"userfaultfd": FdType.USERFAULTFD,
    b"io_uring": FdType.IO_URING,
    b"pidfd": FdType.PIDFD,
}


def read_fds(pid: int, proc_root: str = PROC, sockets: SocketTables | None = None) -> list[FdRecord]:
    """The descriptors of a process, by number; none where it isn't there or isn't ours to read.

    Who reads many processes at a time gives the tables of sockets, so that they are read once.
    """
    tables = SocketTables() if sockets is None else sockets
    try:
        with Directory(f"{proc_root}/{pid}") as process:
            found = (_read(process, fd, tables) for fd in process.numbers("fd"))
            return [record for record in found if record is not None]
    except OSError:
        return []


def read_fd(pid: int, fd: int, proc_root: str = PROC, sockets: SocketTables | None = None) -> FdRecord | None:
    """One descriptor of a process; None where it isn't there or isn't ours to read."""
    try:
        with Directory(f"{proc_root}/{pid}") as process:
            return _read(process, fd, SocketTables() if sockets is None else sockets)
    except OSError:
        return None


def _read(process: Directory, fd: int, sockets: SocketTables) -> FdRecord | None:
    name = f"fd/{fd}"
    link = process.link(name)
    if not link:
        return None
    record = _record(process, fd, link, sockets)
    if record is None:
        return None
    info = process.read_or_empty(f"fdinfo/{fd}", _INFO_BYTES)
    flags = _FLAGS.search(info)
    record.flags = recorded_flags(int(flags[1], 8)) if flags else 0
    if record.type == FdType.PIDFD.number and (pid := _PIDFD.search(info)):
        record.name = b"/proc/" + pid[1]
    return record


def _record(process: Directory, fd: int, link: bytes, sockets: SocketTables) -> FdRecord | None:
    numbered = _NUMBERED.match(link)
    if numbered:
        ino = int(numbered[2])
        if numbered[1] == b"socket":
            return sockets.find(process, fd, ino)
        return FdRecord(fd, ino, FdType.PIPE.number, link)
    found = process.stat(f"fd/{fd}")
    if found is None:
        return None
    kind, path = _kind(link, found.st_mode)
    if kind is FdType.FILE and found.st_nlink == 0 and path.endswith(DELETED):
        path = without_mark(path)
    dev = found.st_dev & 0xFFFFFFFF if kind is FdType.FILE else 0
    return FdRecord(fd, found.st_ino, kind.number, path, dev=dev)


def _kind(link: bytes, mode: int) -> tuple[FdType, bytes]:
    """The type of a descriptor, and its name: none where it has no file, for a memfd what it was given."""
    if link.startswith(_ANONYMOUS):
        label = link.removeprefix(_ANONYMOUS).strip(b"[]")
        kind = FdType.BPF if label.startswith(b"bpf") else _ANONYMOUS_TYPES.get(label, FdType.UNSUPPORTED)
        return kind, b""
    if link.startswith(_MEMFD):
        return FdType.MEMFD, without_mark(link.removeprefix(_MEMFD))
    if stat.S_ISDIR(mode):
        return FdType.DIRECTORY, link
    if stat.S_ISFIFO(mode):
        return FdType.PIPE, link
    return FdType.FILE, link
