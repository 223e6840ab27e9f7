"""Fields of the two ends of a connection: client and server, local and remote."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from functools import lru_cache

from falcocore.api import Field, FieldType, Several, Value
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import has_fd, text
from falcocore_syscall.state.fds import SERVERS, Role, SocketFd

End = tuple[bytes, int]
"""Address and port."""
ReadEnd = Callable[[Event, SocketFd], End | None]


def _socket(event: Event) -> SocketFd | None:
    entry = event.find_fd() if has_fd(event) else None
    return entry if isinstance(entry, SocketFd) else None


def client(_event: Event, fd: SocketFd) -> End | None:
    """The client's end; None while the socket has no role, and for one that waits for clients."""
    return None if fd.role is Role.NONE or fd.type in SERVERS or not fd.source else (fd.source, fd.sport)


def server(_event: Event, fd: SocketFd) -> End | None:
    """The server's end; None while the socket has no role."""
    return None if fd.role is Role.NONE or not fd.destination else (fd.destination, fd.dport)


def local(event: Event, fd: SocketFd) -> End | None:
    """The end on this machine: the client's where its address is one of the machine's."""
    return _ends(event, fd)[0]


def remote(event: Event, fd: SocketFd) -> End | None:
    """The other end."""
    return _ends(event, fd)[1]


def _ends(event: Event, fd: SocketFd) -> tuple[End | None, End | None]:
    if fd.type in SERVERS or fd.role is Role.NONE or not fd.source or not fd.destination:
        return None, None
    source, destination = (fd.source, fd.sport), (fd.destination, fd.dport)
    return (source, destination) if event.machine.interfaces.is_local(fd.source) else (destination, source)


def _address(read: ReadEnd) -> Callable[[Event], bytes | None]:
    def get(event: Event) -> bytes | None:
        fd = _socket(event)
        end = None if fd is None else read(event, fd)
        return None if end is None else end[0]

    return get


def _port(read: ReadEnd) -> Callable[[Event], int | None]:
    def get(event: Event) -> int | None:
        fd = _socket(event)
        end = None if fd is None else read(event, fd)
        return None if end is None else end[1]

    return get


@lru_cache(maxsize=1024)
def _service(port: int) -> str:
    try:
        return socket.getservbyport(port)
    except OSError:
        return str(port)


def _protocol(read: ReadEnd) -> Callable[[Event], Value]:
    port = _port(read)

    def get(event: Event) -> Value:
        found = port(event)
        return None if found is None else _service(found)

    return get


def _names(read: ReadEnd) -> Callable[[Event], list[str]]:
    address = _address(read)

    def get(event: Event) -> list[str]:
        found = address(event)
        return [] if found is None else event.machine.names.of(found) or [""]

    return get


def _first_name(read: ReadEnd) -> Callable[[Event], str | None]:
    names = _names(read)
    return lambda event: next(iter(names(event)), None)


def both_addresses(event: Event) -> list[bytes]:
    """The addresses of both ends."""
    fd = _socket(event)
    if fd is None:
        return []
    return [fd.destination] if fd.type in SERVERS else [fd.source, fd.destination]


def both_ports(event: Event) -> list[int]:
    """The ports of both ends; one of a socket that waits for clients."""
    fd = _socket(event)
    if fd is None:
        return []
    return [fd.dport] if fd.type in SERVERS else [fd.sport, fd.dport]


def _either(name: str, kind: FieldType, doc: str, get: Callable[[Event], list[bytes] | list[int]]) -> Field:
    return Field(
        name,
        kind,
        doc,
        get,
        several=Several.EITHER,
        printable=False,
        transformable=False,
        usable_on_right=False,
    )


_ENDS: tuple[tuple[str, str, ReadEnd], ...] = (
    ("c", "client", client),
    ("s", "server", server),
    ("l", "local", local),
    ("r", "remote", remote),
)


def address_fields() -> Iterator[Field]:
    """Fields of addresses, networks, ports and host names."""
    yield _either("fd.ip", FieldType.IPADDR, "Address of either end.", both_addresses)
    yield _either("fd.port", FieldType.PORT, "Port of either end.", both_ports)
    yield _either("fd.proto", FieldType.PORT, "Port or service of either end.", both_ports)
    yield _either("fd.net", FieldType.IPNET, "Network of either end.", both_addresses)
    for letter, who, read in _ENDS:
        yield Field(f"fd.{letter}ip", FieldType.IPADDR, f"Address of the {who} end.", _address(read))
        yield Field(f"fd.{letter}port", FieldType.PORT, f"Port of the {who} end.", _port(read))
        yield text(f"fd.{letter}proto", f"Service or port of the {who} end.", _protocol(read))
        yield Field(
            f"fd.{letter}net",
            FieldType.IPNET,
            f"Network of the {who} end.",
            _address(read),
            printable=False,
            transformable=False,
            usable_on_right=False,
        )
        yield Field(
            f"fd.{letter}ip.name",
            FieldType.STRING,
            f"Host name of the {who} end: one of the names that rules compare with, looked up.",
            _names(read),
            several=Several.EITHER,
            captured=_first_name(read),
            transformable=False,
            usable_on_right=False,
        )
