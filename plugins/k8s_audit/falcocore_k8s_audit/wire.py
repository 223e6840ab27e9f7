"""The bytes of one connection, taken in the pieces in which the kernel gives them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import cast

HELD_BYTES = 1 << 19
"""So much may wait to be read; then the client has to."""


class Wire(asyncio.Protocol):
    """A connection whose reader gets each piece as it was received, without a copy into a buffer.

    `connected` is called when there is one, and has it served.
    """

    def __init__(self, connected: Callable[[Wire], None]) -> None:
        self._connected = connected
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[bytes] = deque()
        self._held_bytes = 0
        self._paused = False
        self._ended = False
        self._reader: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.lost = asyncio.Event()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.transport = cast("asyncio.Transport", transport)
        self._connected(self)

    def data_received(self, data: bytes) -> None:
        """Keep a piece for the reader."""
        self._pieces.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > HELD_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The client sends nothing more; it may wait for an answer, which TLS has no way to say."""
        self._ended = True
        self._wake()
        return self.transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why makes no difference
        """Neither side can send any more."""
        self._ended = True
        self._wake()
        self.lost.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """The client doesn't read its answers."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It does again."""
        self._writable.set()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def read(self) -> bytes:
        """The next piece; nothing at the end."""
        while not self._pieces and not self._ended:
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        if not self._pieces:
            return b""
        piece = self._pieces.popleft()
        self._held_bytes -= len(piece)
        if self._paused and self._held_bytes <= HELD_BYTES:
            self._paused = False
            self.transport.resume_reading()
        return piece

    def put_back(self, piece: bytes) -> None:
        """Have it read once more, before all else."""
        if piece:
            self._pieces.appendleft(piece)
            self._held_bytes += len(piece)

    async def write(self, data: bytes) -> None:
        """Send; waits while the client doesn't read."""
        if not self.transport.is_closing():
            self.transport.write(data)
            await self._writable.wait()

    async def close(self) -> None:
        """Send what waits, then nothing more; returns when the connection is gone."""
        if not self.transport.is_closing():
            with contextlib.suppress(OSError):  # The client has gone.
                if self.transport.can_write_eof():
                    self.transport.write_eof()
            self.transport.close()
        await self.lost.wait()

    def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection as streams, beginning with what was not read; it is no longer this one's."""
        reader = asyncio.StreamReader(HELD_BYTES // 2, self._loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=self._loop)
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        if self._paused:
            self.transport.resume_reading()
        for piece in self._pieces:
            reader.feed_data(piece)
        self._pieces.clear()
        if self.lost.is_set():
            protocol.connection_lost(None)
        elif self._ended:
            reader.feed_eof()
        return reader, asyncio.StreamWriter(self.transport, protocol, reader, self._loop)
