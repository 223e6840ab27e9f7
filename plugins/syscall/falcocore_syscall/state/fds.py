"""Descriptors: what stands in the tables of processes.

An entry is never changed once it is in a table, so that a fork can share it; what changes is put there as
a new one.
"""

from __future__ import annotations

import enum
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from falcocore_syscall.state.paths import collapsed, resolve

if TYPE_CHECKING:
    from typing import TypeAlias


class FdType(enum.Enum):
    """What a descriptor stands for: number in captures, name, and the character for it."""

    UNKNOWN = (0, "<NA>", "o")
    OLD_FILE = (1, "file", "f")
    DIRECTORY = (2, "directory", "d")
    IPV4 = (3, "ipv4", "4")
    IPV6 = (4, "ipv6", "6")
    IPV4_SERVER = (5, "ipv4", "4")
    IPV6_SERVER = (6, "ipv6", "6")
    PIPE = (7, "pipe", "p")
    UNIX = (8, "unix", "u")
    EVENT = (9, "event", "e")
    UNSUPPORTED = (10, "<NA>", "X")
    SIGNALFD = (11, "signalfd", "s")
    EVENTPOLL = (12, "eventpoll", "l")
    INOTIFY = (13, "inotify", "i")
    TIMERFD = (14, "timerfd", "t")
    NETLINK = (15, "netlink", "n")
    FILE = (16, "file", "f")
    BPF = (17, "bpf", "b")
    USERFAULTFD = (18, "userfaultfd", "u")
    IO_URING = (19, "io_uring", "r")
    MEMFD = (20, "memfd", "m")
    PIDFD = (21, "pidfd", "P")

    def __init__(self, number: int, label: str, char: str) -> None:
        self.number = number
        self.label = label
        self.char = char


BY_NUMBER = {kind.number: kind for kind in FdType}
FILES = frozenset({FdType.FILE, FdType.OLD_FILE})
SOCKETS_V4 = frozenset({FdType.IPV4, FdType.IPV4_SERVER})
SOCKETS_V6 = frozenset({FdType.IPV6, FdType.IPV6_SERVER})
IP_SOCKETS = SOCKETS_V4 | SOCKETS_V6
SERVERS = frozenset({FdType.IPV4_SERVER, FdType.IPV6_SERVER})


class L4(enum.Enum):
    """The protocol over IP, by its number in captures."""

    UNKNOWN = 0
    NA = 1
    TCP = 2
    UDP = 3
    ICMP = 4
    RAW = 5


class Role(enum.Enum):
    """The part that a socket's process has in a connection."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"


O_DIRECTORY = 1024
O_CLOEXEC = 4096
O_TMPFILE = 8192
O_F_CREATED = 16384
UPPER_LAYER = 32768
LOWER_LAYER = 65536


class FileFd:
    """A file or directory; its name is put together when it is first asked for."""

    __slots__ = ("_base", "_name", "_raw", "cloexec", "dev", "flags", "ino", "type")

    def __init__(
        self,
        kind: FdType,
        raw: bytes,
        base: str,
        flags: int,
        dev: int,
        ino: int,
        name: str | None = None,
    ) -> None:
        self.type = kind
        self._raw = raw
        self._base = base
        self._name = name
        self.flags = flags
        self.cloexec = flags & O_CLOEXEC != 0
        self.dev = dev
        self.ino = ino

    @property
    def name(self) -> str:
        """The whole path."""
        if self._name is None:
            self._name = resolve(self._base, self._raw.decode("utf-8", "surrogateescape"))
        return self._name

    @property
    def raw_name(self) -> str:
        """The path as it was given."""
        return collapsed(self._raw.decode("utf-8", "surrogateescape"))

    def with_cloexec(self, value: bool) -> FileFd:
        """The same with close-on-exec set or cleared."""
        copy = FileFd(self.type, self._raw, self._base, self.flags, self.dev, self.ino, self._name)
        copy.cloexec = value
        return copy


@dataclass(slots=True)
class PlainFd:
    """A descriptor of which little more is known than its type."""

    type: FdType
    name: str = ""
    flags: int = 0
    ino: int = 0
    dev: int = 0
    cloexec: bool = False

    @property
    def raw_name(self) -> str:
        """There is none but for files."""
        return ""

    def with_cloexec(self, value: bool) -> PlainFd:
        """The same with close-on-exec set or cleared."""
        return PlainFd(self.type, self.name, self.flags, self.ino, self.dev, value)


@dataclass(slots=True)
class SocketFd:
    """An IP socket. `source` is the client's end, `destination` the server's; empty where not known."""

    type: FdType
    name: str = ""
    l4: L4 = L4.UNKNOWN
    source: bytes = b""
    sport: int = 0
    destination: bytes = b""
    dport: int = 0
    role: Role = Role.NONE
    connected: bool = False
    flags: int = 0
    ino: int = 0
    dev: int = 0
    cloexec: bool = False

    @property
    def raw_name(self) -> str:
        """There is none but for files."""
        return ""

    def copy(self) -> SocketFd:
        """The same, to be changed before it is put into a table."""
        return SocketFd(
            self.type,
            self.name,
            self.l4,
            self.source,
            self.sport,
            self.destination,
            self.dport,
            self.role,
            self.connected,
            self.flags,
            self.ino,
            self.dev,
            self.cloexec,
        )

    def with_cloexec(self, value: bool) -> SocketFd:
        """The same with close-on-exec set or cleared."""
        made = self.copy()
        made.cloexec = value
        return made


Fd: TypeAlias = FileFd | PlainFd | SocketFd


def address_text(address: bytes) -> str:
    """An address of 4 or 16 bytes as text."""
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def end_text(address: bytes, port: int) -> str:
    """One end of a connection."""
    return f"{address_text(address)}:{port}"


def pair_text(l4: L4, source: bytes, sport: int, destination: bytes, dport: int) -> str:
    """Both ends of a connection; protocols without ports have none."""
    if l4 in (L4.ICMP, L4.RAW):
        return f"{address_text(source)}->{address_text(destination)}"
    return f"{end_text(source, sport)}->{end_text(destination, dport)}"


def unix_text(source: int, destination: int, path: str) -> str:
    """A connected unix socket: the kernel's pointers to both ends, and the path."""
    return f"{source:x}->{destination:x} {path}"
