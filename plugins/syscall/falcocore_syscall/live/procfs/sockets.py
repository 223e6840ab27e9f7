"""The tables of sockets in /proc/PID/net: what a socket's inode stands for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from falcocore_syscall.live.procfs.files import Directory
from falcocore_syscall.scap.records import FdRecord
from falcocore_syscall.state.fds import L4, FdType

_LISTENS = 0x0A
_MAPPED = bytes(10) + b"\xff\xff"
"""What an IPv4 address begins with in a socket for IPv6."""
_PORTLESS = frozenset({L4.RAW, L4.ICMP})
"""Protocols for which the tables have something else where others have a port."""

Table: TypeAlias = "dict[int, FdRecord]"


@dataclass(slots=True)
class SocketTables:
    """Sockets by inode, each network namespace read when it is first asked for.

    What was read stays as it was; who asks later makes a new one.
    """

    _namespaces: dict[bytes, Table] = field(default_factory=dict)

    def find(self, process: Directory, fd: int, ino: int) -> FdRecord:
        """The record of a socket of a process; of an unsupported type where no table has it."""
        name = process.link("ns/net")
        table = self._namespaces.get(name)
        if table is None:
            table = self._namespaces[name] = read_sockets(process)
        found = table.get(ino)
        return FdRecord(fd, ino, FdType.UNSUPPORTED.number) if found is None else replace(found, fd=fd)


def read_sockets(process: Directory) -> Table:
    """The sockets of a process's network namespace; `fd` of the records has no meaning."""
    table: Table = {}
    for name, parse in _PARSERS.items():
        for line in process.read_or_empty(f"net/{name}").splitlines()[1:]:
            try:
                record = parse(line)
            except (ValueError, IndexError):
                continue
            if record.ino:
                table[record.ino] = record
    return table


def _ip(l4: L4) -> Callable[[bytes], FdRecord]:
    def parse(line: bytes) -> FdRecord:
        parts = line.split(None, 10)
        (source, sport), (destination, dport) = _end(parts[1]), _end(parts[2])
        ino, listens = int(parts[9]), l4 is L4.TCP and int(parts[3], 16) == _LISTENS
        if l4 in _PORTLESS:
            sport = dport = 0
        if source.startswith(_MAPPED) and (destination.startswith(_MAPPED) or not any(destination)):
            source, destination = source[12:], destination[12:]
        is_v4 = len(source) == 4
        if listens or (not any(destination) and dport == 0):
            kind = FdType.IPV4_SERVER if is_v4 else FdType.IPV6_SERVER
            return FdRecord(-1, ino, kind.number, destination=source, dport=sport, l4proto=l4.value)
        return FdRecord(
            -1,
            ino,
            (FdType.IPV4 if is_v4 else FdType.IPV6).number,
            source=source,
            destination=destination,
            sport=sport,
            dport=dport,
            l4proto=l4.value,
        )

    return parse


def _end(text: bytes) -> tuple[bytes, int]:
    """Address and port; an address is written as numbers of 32 bits in the machine's order."""
    address, _, port = text.partition(b":")
    return b"".join(_words(address)), int(port, 16)


def _words(address: bytes) -> Iterator[bytes]:
    raw = bytes.fromhex(address.decode())
    step = -1 if sys.byteorder == "little" else 1
    return (raw[at : at + 4][::step] for at in range(0, len(raw), 4))


def _unix(line: bytes) -> FdRecord:
    parts = line.split(b" ", 6)
    ino, _, path = parts[6].lstrip(b" ").partition(b" ")  # A short number has blanks before it.
    pointer = int(parts[0].rstrip(b":"), 16)
    return FdRecord(-1, int(ino), FdType.UNIX.number, path, source_pointer=pointer)


def _netlink(line: bytes) -> FdRecord:
    return FdRecord(-1, int(line.split()[9]), FdType.NETLINK.number)


_PARSERS: dict[str, Callable[[bytes], FdRecord]] = {
    "tcp": _ip(L4.TCP),
    "tcp6": _ip(L4.TCP),
    "udp": _ip(L4.UDP),
    "udp6": _ip(L4.UDP),
    "raw": _ip(L4.RAW),
    "raw6": _ip(L4.RAW),
    "icmp": _ip(L4.ICMP),
    "icmp6": _ip(L4.ICMP),
    "unix": _unix,
    "netlink": _netlink,
}
