"""Connections to a syslog receiver: one message in each datagram, or framed messages in a stream."""

from __future__ import annotations

import contextlib
import enum
import errno
import logging
import socket
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from falcocore_outputs.syslog import sockets
from falcocore_outputs.syslog.message import LEAST_SIZE_BYTES, Message

log = logging.getLogger("falcocore.outputs.syslog")


class Framing(enum.Enum):
    """How a stream shows where a message ends."""

    OCTET_COUNTING = "octet-counting"
    NEWLINE = "newline"

    def frame(self, data: bytes) -> bytes:
        """A message as it stands in the stream (RFC 6587, 3.4; RFC 5425, 4.3)."""
        return b"%d %b" % (len(data), data) if self is Framing.OCTET_COUNTING else data + b"\n"


class SizeLimit:
    """How long a message may be: as configured, or less where the socket takes no more.

    It outlives connections, so that what was found out about the socket is kept.
    """

    def __init__(self, size_bytes: int | None) -> None:
        self._size_bytes = size_bytes
        self._warned = False

    def fit(self, message: Message) -> bytes:
        """The message, cut where it is too long."""
        data = message.whole()
        if self._size_bytes is None or len(data) <= self._size_bytes:
            return data
        log.log(
            logging.DEBUG if self._warned else logging.WARNING,
            "a message of %d bytes is too long for this syslog receiver and is cut, as later ones will be",
            len(data),
        )
        self._warned = True
        return message.cut(self._size_bytes)

    def lower(self, refused_bytes: int) -> bool:
        """Go an eighth below a size that was refused; False where that is less than anyone needs."""
        if refused_bytes <= LEAST_SIZE_BYTES:
            return False
        self._size_bytes = max(LEAST_SIZE_BYTES, refused_bytes * 7 // 8)
        return True


class Connection(Protocol):
    """A connection to a receiver."""

    def is_closed(self) -> bool:
        """Whether the peer has ended it, as far as is known.

        Raises:
            OSError: it is broken.
        """

    async def send(self, messages: Sequence[Message]) -> None:
        """Send the messages, in order.

        Raises:
            OSError: none or some of them were sent; the connection can't be used any more.
        """

    def close(self) -> None:
        """Let go of it; needs no event loop."""


class DatagramConnection:
    """One message in each datagram, over UDP or a unix socket."""

    def __init__(self, sock: socket.socket, peer: str, limit: SizeLimit, timeout_s: float) -> None:
        self._socket = sock
        self._peer = peer
        self._limit = limit
        self._timeout_s = timeout_s

    def is_closed(self) -> bool:
        """Never: a datagram socket does not notice."""
        return False

    async def send(self, messages: Sequence[Message]) -> None:
        """Send the messages; a refusal that comes back at once is noticed.

        Raises:
            OSError: the receiver's host refuses them, or can't be reached.
        """
        for message in messages:
            await self._send(message)
        sockets.raise_pending(self._socket)

    async def _send(self, message: Message) -> None:
        while True:
            data = self._limit.fit(message)
            try:
                await sockets.when_ready(self._socket, partial(self._socket.send, data), self._timeout_s)
            except OSError as error:
                if error.errno != errno.EMSGSIZE or not self._limit.lower(len(data)):
                    raise
            else:
                _log_sent(self._peer, data)
                return

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class StreamConnection:
    """Framed messages, over TCP, TLS or a unix socket."""

    def __init__(
        self, sock: socket.socket, peer: str, limit: SizeLimit, framing: Framing, timeout_s: float
    ) -> None:
        self._socket = sock
        self._peer = peer
        self._limit = limit
        self._framing = framing
        self._timeout_s = timeout_s

    def is_closed(self) -> bool:
        """Whether the peer has closed it.

        Raises:
            OSError: it was reset.
        """
        return sockets.closed_by_peer(self._socket)

    async def settle(self, settle_s: float) -> None:
        """Watch a new connection for so long.

        A receiver that does not like us accepts at first, and closes. What was sent by then would have
        been acknowledged by its kernel.

        Raises:
            OSError: the peer has closed it.
        """
        if not await sockets.stays_open(self._socket, settle_s):
            raise ConnectionResetError("the receiver accepted the connection and closed it at once")

    async def send(self, messages: Sequence[Message]) -> None:
        """Send the messages and wait until they have arrived: at the peer's kernel, for TCP.

        Raises:
            OSError: the connection broke, or nothing went on for too long.
        """
        frames = [self._framing.frame(self._limit.fit(message)) for message in messages]
        rest = memoryview(b"".join(frames))
        while rest:
            sent = await sockets.when_ready(self._socket, partial(self._socket.send, rest), self._timeout_s)
            rest = rest[sent:]
        for frame in frames:
            _log_sent(self._peer, frame)
        await sockets.acknowledged(self._socket, self._timeout_s)
        # A peer that closes with something unread resets the connection: that is an error here.
        self.is_closed()

    def close(self) -> None:
        """Close the connection."""
        if isinstance(self._socket, ssl.SSLSocket):
            # Says that this is the end. The answer is not waited for.
            with contextlib.suppress(OSError):
                self._socket.unwrap()
        self._socket.close()


def _log_sent(peer: str, data: bytes) -> None:
    if log.isEnabledFor(logging.DEBUG):
        log.debug("to %s: %s", peer, data.decode().rstrip("\n"))
