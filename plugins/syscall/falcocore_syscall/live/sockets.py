"""What descriptors of sockets stand for, and whom a call is about at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcocore_syscall.live.calls.call import Found, Read
from falcocore_syscall.live.ends import (
    End,
    asked_pair,
    ends_of,
    packed_pair,
    pair_of,
    parse_user_address,
    unix_path,
)
from falcocore_syscall.live.items import ItemKind, SocketItem
from falcocore_syscall.live.reads import NOT_AVAILABLE, signed_32
from falcocore_syscall.live.record import RETURNED
from falcocore_syscall.state.fds import L4, Fd, FdType, PlainFd, Role, SocketFd, end_text, pair_text
from falcocore_syscall.state.sockaddr import AF_INET, AF_INET6, AF_UNIX, Address, Pair
from falcocore_syscall.state.sockets import AF_NETLINK, EINPROGRESS, fresh_socket, made_socket, protocol_of

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent

_IPV4, _IPV6 = FdType.IPV4, FdType.IPV6
_ESTABLISHED, _LISTEN = 1, 10
_EPHEMERAL_PORT = 32768
_LOW_32 = 0xFFFFFFFF


def address(arg: int) -> Read:
    """An address that the caller gives, as captures have it."""

    def read(event: LiveEvent) -> bytes:
        raw = event.record.item(ItemKind.ADDRESS, arg)
        if raw is None or len(raw) < 2:
            return NOT_AVAILABLE
        found = parse_user_address(raw)
        if found is None:
            return raw[:1]
        family, ip, port, path = found
        if family == AF_UNIX:
            return b"\x01" + path.encode("utf-8", "surrogateescape") + b"\0"
        return bytes((family,)) + ip + port.to_bytes(2, "little")

    return read


def connect_pair(event: LiveEvent) -> bytes:
    """The ends of a connection that was made, or is being made."""
    return packed_pair(_connecting(event, event.record.socket(0)))


def accept_pair(event: LiveEvent) -> bytes:
    """The ends of a connection that was accepted."""
    return packed_pair(_accepting(event))


def exchange_pair(arg: int, address_arg: int | None, *, reads: bool) -> Read:
    """The ends between which data goes: from the first to the second."""

    def read(event: LiveEvent) -> bytes:
        item = event.record.socket(arg)
        address = _given(event, address_arg)
        if item is None:
            return packed_pair(asked_pair(address)) if address is not None else NOT_AVAILABLE
        return packed_pair(_exchanging(item, address, reads=reads))

    return read


def made(event: LiveEvent) -> Found:
    """A socket is made."""
    record = event.record
    if record.ret < 0:
        return -1, None, None
    domain, kind, protocol = (record.args[arg] & _LOW_32 for arg in range(3))
    flags = event.call.numbers.descriptor_flags(kind)
    return record.ret, made_socket(domain, kind, protocol, flags), ""


def bound(event: LiveEvent) -> Found:
    """A socket gets an address of its own: it waits for clients there."""
    fd = signed_32(event.record.args[0])
    entry = event.look_up(fd)
    if event.record.ret != 0 or entry is None:
        return fd, entry, None if entry is None else entry.name
    found = _given(event, 1)
    if found is None:
        return fd, entry, entry.name
    family, ip, port, path = found
    if family == AF_UNIX:
        return fd, PlainFd(FdType.UNIX, path, ino=entry.ino), ""
    if not isinstance(entry, SocketFd):
        return fd, entry, entry.name
    if port > 0:
        return fd, _server(entry.l4, (ip, port), entry.ino), ""
    fresh = fresh_socket(FdType.IPV4 if len(ip) == 4 else FdType.IPV6, entry.l4)
    fresh.name, fresh.ino = end_text(ip, port), entry.ino
    return fd, fresh, ""


def connected(event: LiveEvent) -> Found:
    """A connection is made: its other end is the server."""
    fd = signed_32(event.record.args[0])
    item = event.record.socket(0)
    pair = _connecting(event, item)
    if pair is None:
        entry = event.look_up(fd)
        return fd, entry, None if entry is None else entry.name
    return fd, _entry(event, item, pair, Role.CLIENT), ""


def accepted(event: LiveEvent) -> Found:
    """A connection that somebody else has made: this end is the server."""
    fd = event.record.ret
    if fd < 0:
        return -1, None, None
    pair = _accepting(event)
    if pair is None:
        return fd, None, None
    return fd, _entry(event, event.record.socket(RETURNED), pair, Role.SERVER), ""


def socket_entry(item: SocketItem, event: LiveEvent) -> Fd:
    """A socket as it is; whose part the process has in a connection is guessed by the ports."""
    if item.family not in (AF_INET, AF_INET6):
        return _without_ip(item)
    local, remote = ends_of(item, None)
    l4 = _protocol(item)
    if item.state == _LISTEN and l4 is L4.TCP:
        return _server(l4, local, item.ino)
    if any(remote[0]) and (remote[1] or l4 not in (L4.TCP, L4.UDP)):
        return _oriented(event, item, local, remote)
    if l4 is not L4.TCP and 0 < local[1] < _EPHEMERAL_PORT:
        return _server(l4, local, item.ino)
    entry = fresh_socket(FdType.IPV4 if len(local[0]) == 4 else FdType.IPV6, l4)
    entry.ino = item.ino
    return entry


def exchanged_entry(item: SocketItem, event: LiveEvent, address_arg: int | None) -> tuple[Fd, str | None]:
    """A socket that was read or written, and its name before: a datagram's address may be a new one."""
    before = socket_entry(item, event)
    address = None if event.record.ret < 0 else _given(event, address_arg)
    entry = before
    if isinstance(before, SocketFd):
        if address is not None and before.l4 is not L4.TCP and address[0] != AF_UNIX:
            local, remote = ends_of(item, address)
            if any(remote[0]):
                entry = _oriented(event, item, local, remote)
        if event.record.ret >= 0:
            changed = entry if isinstance(entry, SocketFd) else before
            changed.connected = True
    return entry, before.name if entry is before or before.name == entry.name else ""


def _without_ip(item: SocketItem) -> PlainFd:
    if item.family == AF_UNIX:
        path = unix_path(item.path).decode("utf-8", "surrogateescape")
        if item.peer:
            path = Pair(AF_UNIX, b"", 0, b"", 0, item.sock, item.peer, path).text(L4.NA)
        return PlainFd(FdType.UNIX, path, ino=item.ino)
    return PlainFd(FdType.NETLINK if item.family == AF_NETLINK else FdType.UNKNOWN, ino=item.ino)


def _connecting(event: LiveEvent, item: SocketItem | None) -> Pair | None:
    ret = event.record.ret
    if ret < 0 and ret != EINPROGRESS:
        return None
    if item is None:
        address = _given(event, 1)
        return None if address is None else asked_pair(address)
    if item.family == AF_UNIX:
        path = unix_path(item.path).decode("utf-8", "surrogateescape")
        address = _given(event, 1)
        if address is not None and address[0] == AF_UNIX and address[3]:
            path = address[3]
        return Pair(AF_UNIX, b"", 0, b"", 0, item.sock, item.peer, path)
    if item.family not in (AF_INET, AF_INET6):
        return None
    local, remote = ends_of(item, None)
    if not any(remote[0]) or not remote[1]:
        # Of datagrams to nowhere, or refused already: a socket forgets then whom it was to be connected to.
        local, remote = ends_of(item, _given(event, 1))
    return pair_of(local, remote)


def _accepting(event: LiveEvent) -> Pair | None:
    if event.record.ret < 0:
        return None
    item = event.record.socket(RETURNED)
    if item is None:
        return None
    if item.family == AF_UNIX:
        path = unix_path(item.path).decode("utf-8", "surrogateescape")
        return Pair(AF_UNIX, b"", 0, b"", 0, item.peer, item.sock, path)
    if item.family not in (AF_INET, AF_INET6):
        return None
    local, remote = ends_of(item, None)
    return pair_of(remote, local)


def _exchanging(item: SocketItem, address: Address | None, *, reads: bool) -> Pair | None:
    if item.family == AF_UNIX:
        path = unix_path(item.path).decode("utf-8", "surrogateescape")
        if address is not None and address[0] == AF_UNIX and address[3]:
            path = address[3]
        ends = (item.peer, item.sock) if reads else (item.sock, item.peer)
        return Pair(AF_UNIX, b"", 0, b"", 0, *ends, path)
    if item.family not in (AF_INET, AF_INET6):
        return None
    local, remote = ends_of(item, None if _protocol(item) is L4.TCP else address)
    if not any(remote[0]):
        return None
    return pair_of(remote, local) if reads else pair_of(local, remote)


def _given(event: LiveEvent, arg: int | None) -> Address | None:
    raw = None if arg is None else event.record.item(ItemKind.ADDRESS, arg)
    return None if raw is None else parse_user_address(raw)


def _protocol(item: SocketItem) -> L4:
    return protocol_of(item.type, item.protocol)


def _server(l4: L4, local: End, ino: int) -> SocketFd:
    ip, port = local
    kind = FdType.IPV4_SERVER if len(ip) == 4 else FdType.IPV6_SERVER
    return SocketFd(kind, end_text(ip, port), l4, destination=ip, dport=port, role=Role.SERVER, ino=ino)


def _oriented(event: LiveEvent, item: SocketItem, local: End, remote: End) -> SocketFd:
    """A connection of which it is not known who has made it: the lower port is taken for the server's."""
    is_server = 0 < local[1] < remote[1]
    pair = pair_of(remote, local) if is_server else pair_of(local, remote)
    entry = _ip_entry(event, item, pair, Role.SERVER if is_server else Role.CLIENT)
    entry.connected = item.state == _ESTABLISHED
    return entry


def _entry(event: LiveEvent, item: SocketItem | None, pair: Pair, role: Role) -> Fd:
    if pair.family == AF_UNIX:
        return PlainFd(FdType.UNIX, pair.text(L4.NA), ino=0 if item is None else item.ino)
    return _ip_entry(event, item, pair, role)


def _ip_entry(event: LiveEvent, item: SocketItem | None, pair: Pair, role: Role) -> SocketFd:
    source, destination = pair.source, pair.destination
    if not any(source) or not any(destination):
        source, destination = event.machine.interfaces.completed(source, destination)
    l4 = L4.UNKNOWN if item is None else _protocol(item)
    name = pair_text(l4, source, pair.sport, destination, pair.dport)
    return SocketFd(
        _IPV4 if len(source) == 4 else _IPV6,
        name,
        l4,
        source,
        pair.sport,
        destination,
        pair.dport,
        role,
        True,
        ino=0 if item is None else item.ino,
    )
