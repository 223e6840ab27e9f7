"""Sockets that are waited for on the event loop and closed without it, plain or with TLS.

asyncio's own streams can't be closed where the loop does not run, and don't tell what the receiver has.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
import ssl
import struct
import termios
from collections.abc import Callable
from typing import Any, TypeVar

from falcocore_outputs.syslog.address import Address, Transport

T = TypeVar("T")
Place = tuple[Any, ...] | str

_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.02


async def connect(address: Address, timeout_s: float) -> socket.socket:
    """A connected socket that does not block; for a path, of the type that its receiver listens with.

    Raises:
        OSError: there is no such host, or it does not answer.
    """
    if address.transport is Transport.UNIX:
        try:
            return await _connect(socket.AF_UNIX, socket.SOCK_DGRAM, address.place, timeout_s)
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise
        return await _connect(socket.AF_UNIX, socket.SOCK_STREAM, address.place, timeout_s)
    kind = socket.SOCK_DGRAM if address.transport is Transport.UDP else socket.SOCK_STREAM
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout_s):
        found = await loop.getaddrinfo(address.place, address.port, type=kind)
    *others, last = found
    for family, _, _, _, place in others:
        try:
            return await _connect(family, kind, place, timeout_s)
        except OSError:
            continue
    return await _connect(last[0], kind, last[4], timeout_s)


async def _connect(family: int, kind: int, place: Place, timeout_s: float) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().sock_connect(sock, place)
        if family != socket.AF_UNIX and kind == socket.SOCK_STREAM:
            # The end of a group must not wait until what went before it is acknowledged.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


async def secure(
    sock: socket.socket, context: ssl.SSLContext, server_name: str, timeout_s: float
) -> ssl.SSLSocket:
    """Begin TLS on a connected socket, which is closed where that fails.

    Raises:
        OSError: no agreement was reached; ssl.SSLCertVerificationError where it is not to be trusted.
    """
    try:
        tls = context.wrap_socket(sock, server_hostname=server_name, do_handshake_on_connect=False)
    except BaseException:
        sock.close()
        raise
    try:
        await when_ready(tls, tls.do_handshake, timeout_s)
    except BaseException:
        tls.close()
        raise
    return tls


async def when_ready(sock: socket.socket, action: Callable[[], T], timeout_s: float) -> T:
    """Call `action`, which sends, until it does not have to wait; it may wait `timeout_s` each time.

    Raises:
        TimeoutError: the socket was not ready in time.
    """
    while True:
        try:
            return action()
        except (BlockingIOError, ssl.SSLWantWriteError):
            await _ready(sock, timeout_s, write=True)
        except ssl.SSLWantReadError:
            await _ready(sock, timeout_s, write=False)


async def _ready(sock: socket.socket, timeout_s: float, *, write: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
    add(sock, ready.set)
    try:
        async with asyncio.timeout(timeout_s):
            await ready.wait()
    finally:
        remove(sock)


def closed_by_peer(sock: socket.socket) -> bool:
    """Whether the peer has ended a stream. What it says is read and left: receivers of syslog say nothing.

    Raises:
        OSError: it has broken the connection; for TLS, also the reason that it gave.
    """
    try:
        while sock.recv(4096):
            pass
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return False
    return True


async def stays_open(sock: socket.socket, settle_s: float) -> bool:
    """Whether the peer of a new connection has still not ended it after that time.

    Raises:
        OSError: it has broken it.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + settle_s
    while not closed_by_peer(sock):
        try:
            await _ready(sock, max(0.0, end - loop.time()), write=False)
        except TimeoutError:
            return True
    return False


async def acknowledged(sock: socket.socket, timeout_s: float) -> None:
    """Return when the peer's kernel has all that was sent; on a unix socket, when the peer has read it.

    Raises:
        TimeoutError: for `timeout_s` none of it went on.
        OSError: the connection is broken.
    """
    loop = asyncio.get_running_loop()
    end, pause_s = loop.time() + timeout_s, _FIRST_PAUSE_S
    left = _unacknowledged_bytes(sock)
    while left:
        raise_pending(sock)
        if loop.time() > end:
            raise TimeoutError
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        before, left = left, _unacknowledged_bytes(sock)
        if left < before:
            end = loop.time() + timeout_s


def raise_pending(sock: socket.socket) -> None:
    """Raise the error that the network has reported for a socket since it was last asked.

    Raises:
        OSError: that error.
    """
    if number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(number, os.strerror(number))


def _unacknowledged_bytes(sock: socket.socket) -> int:
    """SIOCOUTQ of tcp(7) and unix(7), which has the number of TIOCOUTQ."""
    answer = fcntl.ioctl(sock, termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
