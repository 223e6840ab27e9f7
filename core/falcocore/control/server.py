"""The process's end of the control socket."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Mapping
from typing import Any

from falcocore.control import sockets
from falcocore.control.protocol import (
    MAX_REQUEST_BYTES,
    ControlError,
    Handler,
    answer_line,
    error_line,
    read_request,
)
from falcocore.errors import FalcocoreError, nearest
from falcocore.state import StateDirectory

log = logging.getLogger("falcocore.control")

CLIENT_S = 10.0
"""Seconds that a client may take to send a request, and to read an answer."""
MAX_CLIENTS = 16
"""Connections at a time; one more is told so and closed."""
# Since Python 3.13 it would remove the file by itself. That is for the owner of the directory, at the end.
_KEEP_FILE: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}


class ControlServer:
    """Answers commands on the socket of a state directory, for the user that the process runs as.

    Handlers are called in a thread, one at a time: they may wait for a disk. Where the directory is not this
    process's, there is no socket. `StateDirectory.release` removes it.
    """

    def __init__(self, directory: StateDirectory, commands: Mapping[str, Handler]) -> None:
        self._directory = directory
        self._commands = commands
        self._listener: socket.socket | None = None
        self._clients = 0
        self._turn = asyncio.Lock()

    def open(self) -> None:
        """Listen. Clients may connect from now on, and are answered once `serve` runs."""
        if not self._directory.is_owned:
            return
        try:
            self._listener = sockets.listen(self._directory.control)
        except OSError as error:
            log.warning(
                "the control socket %s can't be made: %s; `falcocore status` does not reach this process",
                self._directory.control,
                error.strerror or error,
            )

    async def serve(self) -> None:
        """Answer until cancelled."""
        if self._listener is None:
            return
        async with asyncio.TaskGroup() as clients:

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                clients.create_task(self._attend(reader, writer), name="control client")

            server = await asyncio.start_unix_server(
                accept, sock=self._listener, limit=MAX_REQUEST_BYTES, **_KEEP_FILE
            )
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                server.close()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until it goes, is too slow, or makes no sense."""
        self._clients += 1
        # Nothing is kept back here: what was drained the client's end has, and the connection may be closed.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            if self._clients > MAX_CLIENTS:
                await _send(writer, error_line(ControlError("too many connections", hint="try again later")))
                return
            while line := await _next_line(reader, writer):
                await _send(writer, await self._answer(line))
        except (TimeoutError, ConnectionError) as error:
            log.debug("a client of the control socket is let go: %s", error or "it is too slow")
        except Exception:
            log.exception("a client of the control socket was not answered")
        finally:
            self._clients -= 1
            writer.transport.abort()

    async def _answer(self, line: bytes) -> bytes:
        try:
            command, arguments = read_request(line)
            handler = self._commands.get(command)
            if handler is None:
                near = nearest(command, self._commands)
                known = f"commands are {', '.join(self._commands)}"
                raise ControlError(
                    f"there is no command {command!r}", hint=f"did you mean {near}?" if near else known
                )
            async with self._turn:
                return await asyncio.to_thread(lambda: answer_line(handler(arguments)))
        except FalcocoreError as error:
            return error_line(error)
        except Exception as error:
            log.exception("a command on the control socket failed")
            return error_line(
                ControlError(f"internal error: {error}", hint="the log of the process has more")
            )


async def _next_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
    """A request; None where there is none any more, or one that is too large, which the client is told."""
    try:
        async with asyncio.timeout(CLIENT_S):
            return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        await _send(writer, error_line(ControlError(f"a request has {MAX_REQUEST_BYTES} bytes at the most")))
        return None


async def _send(writer: asyncio.StreamWriter, line: bytes) -> None:
    async with asyncio.timeout(CLIENT_S):
        writer.write(line)
        await writer.drain()
