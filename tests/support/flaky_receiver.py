"""An HTTP receiver that fails, hangs, drops connections and restarts at random, and notes what it takes."""

from __future__ import annotations

import asyncio
import functools
import random
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

SAFETY_S = 60.0
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n"
_BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"


@dataclass(frozen=True)
class Arrival:
    """An alert that was taken: its line, and its id as the request's header has it."""

    line: str
    id: str


@dataclass
class FlakyReceiver:
    """What is taken is in `arrivals`, in order. `trouble` is how likely a request meets with some."""

    port: int
    chance: random.Random
    trouble: float = 0.1
    arrivals: list[Arrival] = field(default_factory=list)
    troubles: int = 0
    restarts: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def wait_for(self, complete: Callable[[list[Arrival]], bool], timeout_s: float = SAFETY_S) -> bool:
        """Wait until what has arrived, which is something, is `complete`."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self.arrivals) and complete(self.arrivals), timeout_s)

    async def serve(self, stopping: asyncio.Event) -> None:
        """Listen, with short breaks at random."""
        stopped = asyncio.create_task(stopping.wait())
        while not stopped.done():
            handlers: set[asyncio.Task[None]] = set()
            handle = functools.partial(self._handle, handlers)
            server = await asyncio.start_server(handle, "127.0.0.1", self.port)
            await asyncio.wait({stopped}, timeout=self.chance.uniform(0.2, 2) if self.trouble else None)
            server.close()
            for handler in handlers:
                handler.cancel()
            await asyncio.gather(*handlers, return_exceptions=True)
            self.restarts += 1
            await asyncio.wait({stopped}, timeout=self.chance.uniform(0, 0.2))

    async def _handle(
        self, handlers: set[asyncio.Task[None]], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await self._answer(reader, writer)
        writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = (await reader.readexactly(int(headers["content-length"]))).decode()
        taken = list(
            map(Arrival, body.splitlines(), headers["falcocore-alert-ids"].replace(",", " ").split())
        )
        kind = self.chance.choice(["500", "503", "hang", "drop", "take-and-drop"])
        if self.chance.random() >= self.trouble:
            kind = "take"
        else:
            self.troubles += 1
        if kind.startswith("take"):
            with self._changed:
                self.arrivals += taken
                self._changed.notify_all()
        match kind:
            case "take":
                writer.write(_OK)
            case "500":
                writer.write(_BROKEN)
            case "503":
                writer.write(_BUSY)
            case "hang":
                await reader.read()  # until the other side gives up
                raise ConnectionError
            case _:
                raise ConnectionError


@contextmanager
def flaky_receiver(seed: int, trouble: float = 0.1) -> Iterator[FlakyReceiver]:
    """Run one in a thread of its own, on a port that stays the same when it restarts."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    receiver = FlakyReceiver(port, random.Random(seed), trouble)
    with served(receiver.serve):
        yield receiver


@contextmanager
def served(serve: Callable[[asyncio.Event], Awaitable[None]]) -> Iterator[None]:
    """Run a server on an event loop in a thread; the event tells it to stop."""
    started = threading.Event()
    told: list[Callable[[], object]] = []

    async def main() -> None:
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()
        told.append(lambda: loop.call_soon_threadsafe(stopping.set))
        started.set()
        await serve(stopping)

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="receiver", daemon=True)
    thread.start()
    assert started.wait(SAFETY_S)
    try:
        yield
    finally:
        told[0]()
        thread.join(SAFETY_S)
