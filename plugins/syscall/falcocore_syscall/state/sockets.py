"""Sockets are made, bound and connected; datagrams tell whom they are exchanged with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from falcocore_syscall.event import Event
from falcocore_syscall.state.descriptors import put
from falcocore_syscall.state.fds import (
    IP_SOCKETS,
    L4,
    O_CLOEXEC,
    SERVERS,
    Fd,
    FdType,
    PlainFd,
    Role,
    SocketFd,
    end_text,
    pair_text,
)
from falcocore_syscall.state.interfaces import ZEROS
from falcocore_syscall.state.sockaddr import AF_INET, AF_INET6, AF_UNIX, Pair, parse_address, parse_pair
from falcocore_syscall.state.threads import Entered, Thread
from falcocore_syscall.tables import EVENTS, EventFlag, ParamType, types_named

if TYPE_CHECKING:
    from falcocore_syscall.state.machine import Machine

Handler: TypeAlias = "Callable[[Machine, Event, Thread], None]"

AF_NETLINK = 16
SOCK_STREAM, SOCK_DGRAM = 1, 2
_DOMAINS = {
    AF_UNIX: FdType.UNIX,
    AF_INET: FdType.IPV4,
    AF_INET6: FdType.IPV6,
    AF_NETLINK: FdType.NETLINK,
}
_PROTOCOLS = {1: L4.ICMP, 6: L4.TCP, 17: L4.UDP, 255: L4.RAW}
EINPROGRESS = -115
CONNECT_ENTER = 22


def fresh_socket(kind: FdType, l4: L4) -> SocketFd:
    """A socket without addresses."""
    zeros = ZEROS[0] if kind is FdType.IPV4 else ZEROS[1]
    return SocketFd(kind, l4=l4, source=zeros, destination=zeros)


def _made(_machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of socket."""
    fd = event.integer(0)
    if fd is None or fd < 0:
        event.fd, event.entry = -1, None
        return
    put(event, thread, fd, made_socket(event.number(1), event.number(2), event.number(3), event.number(4)))


def made_socket(domain: int, kind: int, protocol: int, flags: int) -> Fd:
    """What the call socket makes of its arguments; `flags` are those of captures."""
    fd_type = _DOMAINS.get(domain, FdType.UNKNOWN)
    cloexec = flags & O_CLOEXEC != 0
    if fd_type not in IP_SOCKETS:
        return PlainFd(fd_type, flags=flags, cloexec=cloexec)
    entry = fresh_socket(fd_type, protocol_of(kind, protocol))
    entry.flags, entry.cloexec = flags, cloexec
    return entry


def protocol_of(kind: int, protocol: int) -> L4:
    """The protocol of an IP socket, by the type and protocol that it was made with."""
    if protocol == 0:
        return {SOCK_STREAM: L4.TCP, SOCK_DGRAM: L4.UDP}.get(kind & 0xFF, L4.UNKNOWN)
    return _PROTOCOLS.get(protocol, L4.UNKNOWN)


def _paired(_machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of socketpair."""
    first, second = event.integer(1), event.integer(2)
    if event.integer(0) != 0 or first is None or second is None or first == second:
        return
    for fd in (first, second):
        put(event, thread, fd, PlainFd(FdType.UNIX))


def _bound(_machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of bind."""
    entry = event.find_fd()
    if event.integer(0) != 0 or entry is None or event.fd is None:
        return
    address = parse_address(event.raw(1) or b"")
    if address is None:
        return
    family, ip, port, path = address
    if family == AF_UNIX:
        if isinstance(entry, PlainFd):
            event.entry = thread.fds[event.fd] = replace(entry, name=path)
        return
    if not isinstance(entry, SocketFd):
        return
    changed = entry.copy()
    changed.name = end_text(ip, port)
    if port > 0:
        changed.type = FdType.IPV4_SERVER if len(ip) == 4 else FdType.IPV6_SERVER
        changed.destination, changed.dport, changed.source, changed.sport = ip, port, b"", 0
        changed.role = Role.SERVER
    event.entry = thread.fds[event.fd] = changed


def _connect_entered(_machine: Machine, event: Event, thread: Thread) -> None:
    entered = Entered(event.type)
    entered.peer = event.raw(1) or b""
    thread.entered = entered


def _connected(machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of connect: who is at the other end."""
    entry = event.find_fd()
    entered, thread.entered = thread.entered, None
    result = event.integer(0)
    if entry is None or event.fd is None or result is None or (result < 0 and result != EINPROGRESS):
        return
    pair = parse_pair(event.raw(1) or b"")
    asked = event.raw(3) or b""
    if entered is not None and entered.type == CONNECT_ENTER and entered.peer:
        asked = entered.peer
    if pair is None:
        pair = _asked_pair(asked)
        if pair is None:
            return
    changed: Fd
    if pair.family == AF_UNIX:
        changed = PlainFd(FdType.UNIX, pair.text(L4.NA), getattr(entry, "flags", 0), cloexec=entry.cloexec)
    else:
        changed = _with_pair(machine, entry, pair, overwrite=True)
        changed.connected = True
        if changed.role is Role.NONE:
            changed.role = Role.CLIENT
        changed.name = _name(changed)
    event.entry = thread.fds[event.fd] = changed


def _asked_pair(asked: bytes) -> Pair | None:
    """A connection of which only the destination that was asked for is known."""
    address = parse_address(asked)
    if address is None:
        return None
    family, ip, port, path = address
    return Pair(family, ZEROS[0] if len(ip) == 4 else ZEROS[1], 0, ip, port, 0, 0, path)


def _with_pair(machine: Machine, entry: Fd, pair: Pair, *, overwrite: bool) -> SocketFd:
    """The socket with the addresses of an event."""
    base = entry if isinstance(entry, SocketFd) else SocketFd(FdType.IPV4, flags=entry.flags)
    source, destination = machine.interfaces.completed(pair.source, pair.destination)
    changed = base.copy()
    changed.type = FdType.IPV4 if len(source) == 4 else FdType.IPV6
    changed.source, changed.sport = source, pair.sport
    known = base.destination not in (b"", *ZEROS) and len(destination) == 4 == len(base.destination)
    if overwrite or not known:
        changed.destination, changed.dport = destination, pair.dport
    return changed


def _name(fd: SocketFd) -> str:
    return pair_text(fd.l4, fd.source, fd.sport, fd.destination, fd.dport)


def _accepted(machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of accept and accept4: a connection that somebody else has opened."""
    fd = event.integer(0)
    if fd is None or fd < 0:
        event.fd, event.entry = -1, None
        return
    event.fd, event.entry = fd, None
    pair = parse_pair(event.raw(1) or b"")
    if pair is None:
        return
    if pair.family == AF_UNIX:
        put(event, thread, fd, PlainFd(FdType.UNIX, pair.text(L4.NA)))
        return
    entry = _with_pair(machine, SocketFd(FdType.IPV4, l4=L4.TCP), pair, overwrite=True)
    entry.role, entry.connected = Role.SERVER, True
    entry.name = _name(entry)
    put(event, thread, fd, entry)


def _exchanged(machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of a call that reads or writes: IP sockets are connected, datagrams have addresses."""
    result = event.integer(0)
    if result is None or result < 0:
        return
    entry = event.find_fd()
    if entry is None and event.type in _MAKERS:
        pair = parse_pair(event.raw(_TUPLE_PARAM[event.type]) or b"")
        if pair is None or pair.family == AF_UNIX or event.fd is None or event.fd < 0:
            return
        entry = fresh_socket(FdType.IPV4 if pair.family == AF_INET else FdType.IPV6, L4.UDP)
        put(event, thread, event.fd, entry)
    if not isinstance(entry, SocketFd) or event.fd is None:
        if entry is not None and entry.type is FdType.UNIX and not entry.name and event.type in _TUPLE_PARAM:
            _name_unix(event, thread, entry)
        return
    changed = entry
    parameter = _TUPLE_PARAM.get(event.type)
    if parameter is not None and (not entry.name or entry.l4 is not L4.TCP):
        pair = parse_pair(event.raw(parameter) or b"")
        if pair is not None and pair.family in (AF_INET, AF_INET6):
            changed = _with_datagram(machine, event, thread, entry, pair)
    if not changed.connected:
        changed = changed.copy() if changed is entry else changed
        changed.connected = True
    if changed is not entry:
        event.entry = thread.fds[event.fd] = changed


def _name_unix(event: Event, thread: Thread, entry: Fd) -> None:
    pair = parse_pair(event.raw(_TUPLE_PARAM[event.type]) or b"")
    if pair is not None and pair.family == AF_UNIX and event.fd is not None:
        named = PlainFd(FdType.UNIX, pair.text(L4.NA), entry.flags, cloexec=entry.cloexec)
        event.entry = thread.fds[event.fd] = named


def _with_datagram(machine: Machine, event: Event, thread: Thread, entry: SocketFd, pair: Pair) -> SocketFd:
    known = (entry.source, entry.sport, entry.destination, entry.dport)
    there = (pair.source, pair.sport, pair.destination, pair.dport)
    if entry.type not in SERVERS and known in (there, there[2:] + there[:2]):
        return entry
    changed = _with_pair(machine, entry, pair, overwrite=False)
    if changed.l4 is L4.UNKNOWN:
        changed.l4 = L4.UDP
    reads = EventFlag.READS_FROM_FD in EVENTS[event.type].flags
    if changed.role is Role.NONE:
        changed.role = _guessed_role(thread, changed, reads=reads)
    if (changed.role is Role.CLIENT) == reads:
        changed.source, changed.destination = changed.destination, changed.source
        changed.sport, changed.dport = changed.dport, changed.sport
    changed.name = _name(changed)
    return changed


def _guessed_role(thread: Thread, fd: SocketFd, *, reads: bool) -> Role:
    """Server where the process has the destination's port; a port that is also a client's tells nothing."""
    sockets = [it for it in thread.fds.values() if isinstance(it, SocketFd)]
    if not any(it.type in SERVERS and it.dport == fd.dport for it in sockets):
        return Role.CLIENT
    if any(it.type not in SERVERS and it.sport == fd.sport and it is not fd for it in sockets):
        return Role.SERVER if reads else Role.CLIENT
    return Role.SERVER


_IO = frozenset(
    number
    for number, info in enumerate(EVENTS)
    if number % 2
    and info.flags & {EventFlag.READS_FROM_FD, EventFlag.WRITES_TO_FD}
    and EventFlag.USES_FD in info.flags
    and not info.flags & {EventFlag.OLD_VERSION, EventFlag.UNUSED}
)
_TUPLE_PARAM = {
    number: next(n for n, param in enumerate(EVENTS[number].params) if param.type is ParamType.SOCKTUPLE)
    for number in _IO
    if any(param.type is ParamType.SOCKTUPLE for param in EVENTS[number].params)
}
_MAKERS = types_named("send", "sendto", "sendmsg")
"""Calls after which a descriptor that is not known is taken for a socket."""

IO_TYPES = _IO - frozenset(_TUPLE_PARAM)
"""Calls of which the state needs nothing but that a socket is connected."""

HANDLERS: dict[int, Handler] = {
    **dict.fromkeys(types_named("socket"), _made),
    **dict.fromkeys(types_named("socketpair"), _paired),
    **dict.fromkeys(types_named("bind"), _bound),
    CONNECT_ENTER: _connect_entered,
    **dict.fromkeys(types_named("connect"), _connected),
    **dict.fromkeys((247, *types_named("accept4")), _accepted),
    **dict.fromkeys(_IO, _exchanged),
}
