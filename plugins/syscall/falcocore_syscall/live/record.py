"""What the kernel program writes for one event: a head, and items that are looked for when one is asked for.

The layout is that of the C structures in `program/record.h`.
"""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

from falcocore_syscall.live.items import (
    FileItem,
    ItemKind,
    ProcessItem,
    RecordError,
    SocketItem,
    parse_file,
    parse_process,
    parse_socket,
)

HEAD = struct.Struct("<IHHQIIIIqQQQQQQQQIIIIIIII16sQQ")
_IDS, _WHO = slice(20, 28), slice(88, HEAD.size)
"""Where the head tells of process and parent, and from where on of the rest."""
_unpack_item = struct.Struct("<HBBI").unpack_from
_pack_fd = struct.Struct("<i").pack
_MOST_ARGS = 8
_MOST_FD = (1 << 31) - 1
_TEXT, _DIRECTORY, _FILE, _SOCKET = 1, 2, 3, 4
"""Kinds of items as plain numbers, with which it is quicker to reckon."""
_IS_UNREADABLE = 1

RETURNED = 6
"""The argument that an item of the returned value says it belongs to."""
NO_ARGUMENT = 7
"""What an item says that belongs to none."""
_CWD = ItemKind.CWD << 3 | NO_ARGUMENT
UNKNOWN_CALL = 0xFFFF
"""The number of a call that has none in the table of the architecture."""


class RecordKind(enum.IntEnum):
    """What a record tells of."""

    CALL = 1
    FORK = 2
    EXEC = 3
    EXIT = 4
    DONE = 5


class RecordFlag(enum.IntEnum):
    """What a head says about its record: bits, which stay plain numbers when they are put together."""

    COMPAT = 1
    DIRECT = 2
    RING = 4
    TRUNCATED = 8
    IN_PID_NAMESPACE = 16
    GROUP_DEAD = 32
    LATE = 64


class Head(NamedTuple):
    """The numbers at the start of a record; ids are the host's."""

    size: int
    kind: int
    cpu: int
    time_ns: int
    tid: int
    pid: int
    ppid: int
    nr: int
    ret: int
    arg0: int
    arg1: int
    arg2: int
    arg3: int
    arg4: int
    arg5: int
    start_ns: int
    cgroup: int
    uid: int
    gid: int
    loginuid: int
    flags: int
    vtid: int
    vpid: int
    sid: int
    pgid: int
    comm: bytes
    caps_effective: int
    pidns_start_ns: int


FLAGS = Head._fields.index("flags")
"""Where in a head they stand."""


class Record:
    """One record, with bytes of its own: the buffer that it was read from may be used again.

    Raises:
        RecordError: the head does not fit into the buffer, or what it says of the size.
    """

    __slots__ = (
        "_data",
        "_has_process",
        "_places",
        "_process",
        "args",
        "cpu",
        "head",
        "kind",
        "nr",
        "ret",
        "tid",
        "time_ns",
    )

    def __init__(self, buffer: bytes | memoryview, at: int = 0) -> None:
        try:
            self.head = head = HEAD.unpack_from(buffer, at)
        except struct.error:
            raise RecordError("a record is shorter than its head") from None
        size = head[0]
        if size < HEAD.size or at + size > len(buffer):
            raise RecordError(f"a record of {size} bytes does not fit into its place")
        self._data = bytes(buffer[at : at + size])
        self._has_process = False
        self._process: ProcessItem | None = None
        self._places: dict[int, tuple[int, int]] | None = None
        self.kind: int = head[1]
        self.cpu: int = head[2]
        self.time_ns: int = head[3]
        self.tid: int = head[4]
        self.nr: int = head[7]
        self.ret: int = head[8]
        self.args: tuple[int, ...] = head[9:15]

    def named(self) -> Head:
        """The head by names, for those who read much of it."""
        return Head._make(self.head)

    @property
    def size_bytes(self) -> int:
        """Of the whole record."""
        return int(self.head[0])

    @property
    def pid(self) -> int:
        """The process."""
        return int(self.head[5])

    @property
    def ppid(self) -> int:
        """The parent process."""
        return int(self.head[6])

    @property
    def flags(self) -> int:
        """Those of RecordFlag."""
        return int(self.head[FLAGS])

    @property
    def comm(self) -> bytes:
        """The short name of the thread."""
        return bytes(self.head[25]).partition(b"\0")[0]

    @property
    def identity(self) -> bytes:
        """All that the head tells of who has done it."""
        data = self._data
        return data[_IDS] + data[_WHO]

    @property
    def cwd(self) -> bytes | None:
        """The working directory, where the record has it."""
        places = self._places
        if places is None:
            places = self._find_items()
        place = places.get(_CWD)
        return None if place is None else self._data[place[0] : place[1]]

    @property
    def body(self) -> bytes:
        """All items as they stand there."""
        return self._data[HEAD.size :]

    def changed(self, head: Head, items: bytes = b"") -> Record:
        """The same with another head, and more items before its own."""
        body = items + self.body
        return Record(HEAD.pack(*head._replace(size=HEAD.size + len(body))) + body)

    def item(self, kind: int, arg: int = NO_ARGUMENT) -> bytes | None:
        """The bytes of the first such item; None where there is none, or where it could not be read."""
        places = self._places
        if places is None:
            places = self._find_items()
        place = places.get(kind << 3 | arg)
        return None if place is None else self._data[place[0] : place[1]]

    def text(self, arg: int) -> bytes | None:
        """A text that an argument points to."""
        return self.item(_TEXT, arg)

    def directory(self, arg: int) -> bytes | None:
        """The directory that the path of an argument is relative to."""
        return self.item(_DIRECTORY, arg)

    def file(self, arg: int) -> FileItem | None:
        """The file that a descriptor stands for."""
        data = self.item(_FILE, arg)
        return None if data is None else parse_file(data)

    def socket(self, arg: int) -> SocketItem | None:
        """The socket that a descriptor stands for."""
        data = self.item(_SOCKET, arg)
        return None if data is None else parse_socket(data)

    def process(self) -> ProcessItem | None:
        """What is known of the process beside the head."""
        if not self._has_process:
            self._has_process = True
            data = self.item(ItemKind.PROCESS)
            self._process = None if data is None else parse_process(data)
        return self._process

    def of_descriptor(self, fd: int) -> FileItem | SocketItem | None:
        """What is known of a descriptor by its number, whichever argument it was."""
        if not 0 <= fd <= _MOST_FD:
            return None
        data, wanted = self._data, _pack_fd(fd)
        places = self._places
        if places is None:
            places = self._find_items()
        for key, (start, end) in places.items():
            kind = key >> 3
            if kind in (_FILE, _SOCKET) and data[start : start + 4] == wanted:
                return parse_file(data[start:end]) if kind == _FILE else parse_socket(data[start:end])
        return None

    def _find_items(self) -> dict[int, tuple[int, int]]:
        """One pass over the headers of the items; a kind and an argument together are one number."""
        data, size = self._data, self.head[0]
        at = HEAD.size
        places: dict[int, tuple[int, int]] = {}
        while at + 8 <= size:
            kind, arg, flags, length = _unpack_item(data, at)
            start = at + 8
            end = start + length
            if end > size or arg >= _MOST_ARGS:
                raise RecordError(f"an item of kind {kind} does not fit into its record")
            at = end + 7 & ~7
            if flags & _IS_UNREADABLE:
                continue
            key = kind << 3 | arg
            if key not in places:
                places[key] = start, end
        if at < size:
            raise RecordError("bytes are left behind the last item of a record")
        self._places = places
        return places
