"""A control server on an event loop in a thread, and raw clients of it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from falcocore.control import sockets
from falcocore.control.protocol import Handler
from falcocore.control.server import ControlServer
from falcocore.state import StateDirectory

SAFETY_S = 60.0


@contextmanager
def serving(path: Path, commands: Mapping[str, Handler]) -> Iterator[StateDirectory]:
    """Own a directory and answer there while the context is open."""
    directory = StateDirectory(path)
    directory.own()
    server = ControlServer(directory, commands)
    server.open()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []
    started = threading.Event()

    async def serve() -> None:
        task = asyncio.current_task()
        assert task is not None
        loops.append((asyncio.get_running_loop(), task))
        started.set()
        with suppress(asyncio.CancelledError):
            await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="control under test", daemon=True)
    thread.start()
    assert started.wait(SAFETY_S)
    try:
        yield directory
    finally:
        loop, task = loops[0]
        loop.call_soon_threadsafe(task.cancel)
        thread.join(SAFETY_S)
        assert not thread.is_alive()
        directory.release()


@contextmanager
def connected(directory: StateDirectory) -> Iterator[socket.socket]:
    with sockets.connect(directory.control, SAFETY_S) as client:
        yield client


def said(client: socket.socket) -> list[Any]:
    """All answers, to the end of the connection."""
    with client.makefile("rb") as lines:
        return [json.loads(line) for line in lines]
