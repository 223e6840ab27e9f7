"""The client's end of a connection, without a network: what it sends arrives in exactly these pieces."""

from __future__ import annotations

import asyncio
from typing import Any


class WireEnd(asyncio.Transport):
    """A transport whose other end is the test's."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1234), "sockname": ("192.0.2.2", 80)})
        self._protocol: Any = None
        self._closing = False
        self.received = b""
        self.writes = 0
        self.pauses: list[bool] = []
        """True for each time that the server took nothing more, False for each that it did again."""
        self.is_closed = False

    def connect(self, protocol: asyncio.Protocol) -> None:
        """Begin."""
        self._protocol = protocol
        protocol.connection_made(self)

    def send(self, piece: bytes) -> None:
        """Have the server receive a piece in one go; nothing where it has closed."""
        if piece and not self._closing:
            self._protocol.data_received(piece)

    def send_eof(self) -> None:
        """Say that nothing more is sent."""
        if not self._closing and not self._protocol.eof_received():
            self.close()

    def reset(self) -> None:
        """Be gone."""
        self.abort()

    def stop_reading(self) -> None:
        """Let answers wait."""
        self._protocol.pause_writing()

    def read_on(self) -> None:
        """Read them after all."""
        self._protocol.resume_writing()

    # What the server calls.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.received += data
        self.writes += 1

    def pause_reading(self) -> None:
        self.pauses.append(True)

    def resume_reading(self) -> None:
        self.pauses.append(False)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = self.is_closed = True
            asyncio.get_running_loop().call_soon(self._lose)

    def _lose(self) -> None:
        self._protocol.connection_lost(None)  # Of the protocol of that moment, as with asyncio's own.

    def abort(self) -> None:
        self.close()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol
