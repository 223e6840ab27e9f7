"""An ASGI application served by Hypercorn's protocols on a listening socket of our own.

`hypercorn.asyncio.serve` is not used: it keeps a connection that its client has closed until the time for
idle ones is over, and takes no socket of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, RawData
from hypercorn.typing import ASGIFramework
from hypercorn.utils import wrap_app

HANDSHAKE_S = 10.0
"""Seconds that a TLS handshake may take."""


READ_BYTES = 1 << 18
"""What is read of a connection at a time; Hypercorn's 64 KiB make four times as many steps of a body."""


class _Connection(TCPServer):
    async def _read_data(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self.reader.read(READ_BYTES):
                await self.protocol.handle(RawData(data))
        await self.protocol.handle(Closed())
        await self.idle_task.stop()


async def serve(
    application: ASGIFramework,
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    config: Config,
    closing: asyncio.Event,
) -> None:
    """Serve until `closing` is set; then what goes on has `config.graceful_timeout` seconds to end."""
    loop, worker = asyncio.get_running_loop(), WorkerContext(None)
    app = wrap_app(application, config.wsgi_max_body_size, None)
    connections: set[asyncio.Task[object] | None] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        connections.add(task)
        try:
            await _Connection(app, loop, config, worker, {}, reader, writer)
        finally:
            connections.discard(task)

    server = await asyncio.start_server(
        connected,
        limit=READ_BYTES,
        sock=listener,
        backlog=config.backlog,
        ssl=tls,
        ssl_handshake_timeout=HANDSHAKE_S if tls is not None else None,
    )
    try:
        await closing.wait()
    finally:
        server.close()
        await worker.terminated.set()
        if going_on := [task for task in connections if task is not None]:
            _, late = await asyncio.wait(going_on, timeout=config.graceful_timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
