"""What items of records hold, and the one error for what contradicts itself."""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

_FILE = struct.Struct("<iIIIQII")
_SOCKET = struct.Struct("<iHHHHHH16s16sQQQ")
_PROCESS = struct.Struct("<QQQQQQIIIIQQqIIII")
_ANCESTOR = struct.Struct("<IIQ16s")
_FILE_PATH_CUT = 8
_FORMAT, _DIRECTORY = 0o170000, 0o040000


class RecordError(ValueError):
    """A record contradicts itself: an item does not fit into it, or a structure into its item."""


class ItemKind(enum.IntEnum):
    """What an item holds."""

    TEXT = 1
    DIRECTORY = 2
    FILE = 3
    SOCKET = 4
    BYTES = 5
    ADDRESS = 6
    ARGV = 7
    ENV = 8
    EXE = 9
    CWD = 10
    CGROUP = 11
    PROCESS = 12
    ANCESTORS = 13


class FileItem(NamedTuple):
    """A descriptor of a file or of an anonymous inode, whose name then stands in `path`."""

    fd: int
    mode: int
    flags: int
    dev: int
    ino: int
    marks: int
    kind: int
    path: bytes

    @property
    def is_cut(self) -> bool:
        """True where the path is not whole."""
        return self.marks & _FILE_PATH_CUT != 0

    @property
    def is_in_directory(self) -> bool:
        """False for what has no path, such as a pipe, memory, or a namespace that /proc leads to."""
        return self.path[:1] == b"/" and (self.path != b"/" or self.mode & _FORMAT == _DIRECTORY)


class SocketItem(NamedTuple):
    """A descriptor of a socket; of a unix one, `sock` and `peer` are pointers of the kernel."""

    fd: int
    family: int
    type: int
    protocol: int
    state: int
    lport: int
    rport: int
    local: bytes
    remote: bytes
    ino: int
    sock: int
    peer: int
    path: bytes


class ProcessItem(NamedTuple):
    """What is known of a process beside the head."""

    cap_inheritable: int
    cap_permitted: int
    cap_effective: int
    exe_ino: int
    exe_ctime_ns: int
    exe_mtime_ns: int
    exe_flags: int
    tty: int
    vpgid: int
    vsid: int
    pfmajor: int
    pfminor: int
    fdlimit: int
    vmsize_kb: int
    vmrss_kb: int
    vmswap_kb: int
    pad: int


class AncestorItem(NamedTuple):
    """A process above another one."""

    pid: int
    uid: int
    start_ns: int
    comm: bytes


def parse_file(data: bytes) -> FileItem:
    """The structure of an item about a file.

    Raises:
        RecordError: it is longer than the item; so for those below.
    """
    try:
        return FileItem._make((*_FILE.unpack_from(data), data[_FILE.size :]))
    except struct.error:
        raise RecordError("an item about a file is too short") from None


def parse_socket(data: bytes) -> SocketItem:
    """The structure of an item about a socket."""
    try:
        return SocketItem._make((*_SOCKET.unpack_from(data), data[_SOCKET.size :]))
    except struct.error:
        raise RecordError("an item about a socket is too short") from None


def parse_process(data: bytes) -> ProcessItem:
    """The structure of an item about a process."""
    try:
        return ProcessItem._make(_PROCESS.unpack_from(data))
    except struct.error:
        raise RecordError("an item about a process is too short") from None


def parse_ancestors(data: bytes) -> list[AncestorItem]:
    """The structures of an item about the processes above, the nearest first."""
    try:
        return [AncestorItem._make(each) for each in _ANCESTOR.iter_unpack(data)]
    except struct.error:
        raise RecordError("an item about ancestors does not have whole ones") from None
