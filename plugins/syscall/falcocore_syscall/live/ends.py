"""Both ends of a socket: as calls have them in memory, as the kernel has them, as captures have them."""

from __future__ import annotations

import struct

from falcocore_syscall.live.items import SocketItem
from falcocore_syscall.live.reads import NOT_AVAILABLE
from falcocore_syscall.state.interfaces import ZEROS
from falcocore_syscall.state.sockaddr import AF_INET, AF_INET6, AF_UNIX, Address, Pair

_MAPPED = bytes(10) + b"\xff\xff"
_PORT = struct.Struct(">H")
_POINTERS = struct.Struct("<QQ")

End = tuple[bytes, int]
"""Address and port."""


def parse_user_address(raw: bytes) -> Address | None:
    """A `struct sockaddr`; None where it is none, or of a family without addresses that are read."""
    if len(raw) < 2:
        return None
    family = int.from_bytes(raw[:2], "little")
    if family == AF_INET and len(raw) >= 8:
        return family, raw[4:8], _PORT.unpack_from(raw, 2)[0], ""
    if family == AF_INET6 and len(raw) >= 24:
        ip, port = raw[8:24], _PORT.unpack_from(raw, 2)[0]
        return (AF_INET, ip[12:], port, "") if ip[:12] == _MAPPED else (family, ip, port, "")
    if family == AF_UNIX:
        return family, b"", 0, unix_path(raw[2:]).decode("utf-8", "surrogateescape")
    return None


def unix_path(raw: bytes) -> bytes:
    """The path of a unix socket; the name of an abstract one begins with NUL."""
    return raw[raw[:1] == b"\0" :].partition(b"\0")[0]


def packed_pair(pair: Pair | None) -> bytes:
    """Both ends, as captures have them."""
    if pair is None:
        return NOT_AVAILABLE
    if pair.family == AF_UNIX:
        pointers = _POINTERS.pack(pair.source_pointer, pair.destination_pointer)
        return b"\x01" + pointers + pair.path.encode("utf-8", "surrogateescape") + b"\0"
    sport, dport = pair.sport.to_bytes(2, "little"), pair.dport.to_bytes(2, "little")
    return bytes((pair.family,)) + pair.source + sport + pair.destination + dport


def asked_pair(address: Address) -> Pair:
    """A connection of which only the other end is known."""
    family, ip, port, path = address
    return Pair(family, bytes(len(ip)), 0, ip, port, 0, 0, path)


def ends_of(item: SocketItem, address: Address | None) -> tuple[End, End]:
    """This end and the other one; of IPv4 in IPv6 both become IPv4."""
    lip, rip, rport = item.local, item.remote, item.rport
    if item.family == AF_INET:
        lip, rip = lip[:4], rip[:4]
    if address is not None and address[1]:
        rip, rport = address[1], address[2]
    if len(rip) == 16 and rip[:12] == _MAPPED:
        rip = rip[12:]
    if len(lip) == 16 and (lip[:12] == _MAPPED or (len(rip) == 4 and lip == ZEROS[1])):
        lip = lip[12:]
        if rip == ZEROS[1]:
            rip = rip[12:]
    if len(lip) != len(rip):
        lip = bytes(len(rip))
    return (lip, item.lport), (rip, rport)


def pair_of(source: End, destination: End) -> Pair:
    """Both ends of an IP connection."""
    family = AF_INET if len(source[0]) == 4 else AF_INET6
    return Pair(family, *source, *destination)
