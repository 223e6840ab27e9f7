"""What the processes of one source say to the first, and it to them: MessagePack behind its length."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

import msgspec

from falcocore.output import Alert

_LENGTH = struct.Struct("!I")


class Opened(msgspec.Struct, tag="opened"):
    """From a process: its source is open."""


class Failed(msgspec.Struct, tag="failed"):
    """From a process: its source could not be opened, or failed."""

    message: str
    hint: str | None = None


class Accepted(msgspec.Struct, tag="accepted"):
    """From a process: the alerts of one batch; `number` is for the answer."""

    number: int
    acknowledged: bool
    alerts: list[Alert]


class Counted(msgspec.Struct, tag="counted"):
    """From a process: events and rejected items since the last report, and failures of getters by field."""

    events: int
    rejected: int
    failures: dict[str, int]


class Settled(msgspec.Struct, tag="settled"):
    """To a process: what became of the alerts of one batch; `reason` is None where they are safe."""

    number: int
    reason: str | None


class Stop(msgspec.Struct, tag="stop"):
    """To a process: take nothing new, finish, end."""


Message = Opened | Failed | Accepted | Counted | Settled | Stop
_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def framed(message: Message) -> bytes:
    """A message as it goes through the socket."""
    body = _encode(message)
    return _LENGTH.pack(len(body)) + body


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None where the other process has ended."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return _decoder.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def close_stream(stream: asyncio.StreamWriter) -> None:
    """Close a connection to another process, which may have closed it already."""
    stream.close()
    with contextlib.suppress(ConnectionError):
        await stream.wait_closed()


def receive_message(connection: socket.socket) -> Message | None:
    """The same without an event loop; waits for it."""
    head = _receive(connection, _LENGTH.size)
    body = _receive(connection, _LENGTH.unpack(head)[0]) if head is not None else None
    return _decoder.decode(body) if body is not None else None


def _receive(connection: socket.socket, size_bytes: int) -> bytes | None:
    parts: list[bytes] = []
    while size_bytes:
        part = connection.recv(size_bytes)
        if not part:
            return None
        parts.append(part)
        size_bytes -= len(part)
    return b"".join(parts)
