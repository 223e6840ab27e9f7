"""Addresses of sockets, and pairs of them, as parameters of events hold them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from falcocore_syscall.state.fds import L4, pair_text, unix_text

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
_MAPPED = bytes(10) + b"\xff\xff"
_POINTERS = struct.Struct("<QQ")

Address = tuple[int, bytes, int, str]
"""Family, address, port, path; those that the family does not have are empty."""


@dataclass(slots=True)
class Pair:
    """Both ends of a connection. Of a unix socket: pointers of the kernel, and a path."""

    family: int
    source: bytes
    sport: int
    destination: bytes
    dport: int
    source_pointer: int = 0
    destination_pointer: int = 0
    path: str = ""

    def text(self, l4: L4) -> str:
        """The pair as the name of a descriptor."""
        if self.family == AF_UNIX:
            return unix_text(self.source_pointer, self.destination_pointer, self.path)
        return pair_text(l4, self.source, self.sport, self.destination, self.dport)


def parse_address(raw: bytes) -> Address | None:
    """An address; None where there is none, or one of another family. IPv4 in IPv6 becomes IPv4."""
    family = raw[0] if raw else 0
    if family == AF_INET and len(raw) >= 7:
        return family, raw[1:5], int.from_bytes(raw[5:7], "little"), ""
    if family == AF_INET6 and len(raw) >= 19:
        ip, port = raw[1:17], int.from_bytes(raw[17:19], "little")
        return (AF_INET, ip[12:], port, "") if ip[:12] == _MAPPED else (family, ip, port, "")
    if family == AF_UNIX and len(raw) >= 2:
        return family, b"", 0, raw[1:].split(b"\0")[0].decode("utf-8", "surrogateescape")
    return None


def parse_pair(raw: bytes) -> Pair | None:
    """A pair of addresses; None where there is none, or of another family. IPv4 in IPv6 becomes IPv4."""
    family = raw[0] if raw else 0
    if family == AF_INET and len(raw) >= 13:
        return Pair(family, raw[1:5], _port(raw, 5), raw[7:11], _port(raw, 11))
    if family == AF_INET6 and len(raw) >= 37:
        source, destination = raw[1:17], raw[19:35]
        if source[:12] == _MAPPED and destination[:12] == _MAPPED:
            return Pair(AF_INET, source[12:], _port(raw, 17), destination[12:], _port(raw, 35))
        return Pair(family, source, _port(raw, 17), destination, _port(raw, 35))
    if family == AF_UNIX and len(raw) >= 18:
        first, second = _POINTERS.unpack_from(raw, 1)
        path = raw[17:].split(b"\0")[0].decode("utf-8", "surrogateescape")
        return Pair(family, b"", 0, b"", 0, first, second, path)
    return None


def _port(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 2], "little")
