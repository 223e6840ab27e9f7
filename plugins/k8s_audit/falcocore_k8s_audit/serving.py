"""An ASGI application served on a listening socket of our own, by Hypercorn's protocols and a shorter way.

`hypercorn.asyncio.serve` is not used: it keeps a connection that its client has closed until the time for
idle ones is over, takes no socket of ours, and copies a body six times on its way to the application.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import cast

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, RawData
from hypercorn.typing import ASGIFramework
from hypercorn.utils import wrap_app

from falcocore_k8s_audit.connection import Application, Connection
from falcocore_k8s_audit.wire import Wire

HANDSHAKE_S = 10.0
"""Seconds that a TLS handshake may take."""


READ_BYTES = 1 << 18
"""What is read of a connection at a time; Hypercorn's 64 KiB make four times as many steps of a body."""


class _Hypercorn(TCPServer):
    async def _read_data(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self.reader.read(READ_BYTES):
                await self.protocol.handle(RawData(data))
        await self.protocol.handle(Closed())
        await self.idle_task.stop()


async def serve(
    application: Application,
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    config: Config,
    closing: asyncio.Event,
) -> None:
    """Serve until `closing` is set; then what goes on has `config.graceful_timeout` seconds to end."""
    loop, worker = asyncio.get_running_loop(), WorkerContext(None)
    app = wrap_app(cast("ASGIFramework", application), config.wsgi_max_body_size, None)
    connections: dict[asyncio.Task[None], Connection] = {}

    async def hand_over(wire: Wire) -> None:
        reader, writer = wire.streams()
        await _Hypercorn(app, loop, config, worker, {}, reader, writer)

    def connected(wire: Wire) -> None:
        connection = Connection(wire, application, config, hand_over)
        task = loop.create_task(connection.run(), name="k8s_audit connection")
        connections[task] = connection
        task.add_done_callback(connections.pop)

    server = await loop.create_server(
        lambda: Wire(connected),
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
        for connection in connections.values():
            connection.end()
        if connections:
            _, late = await asyncio.wait(list(connections), timeout=config.graceful_timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
