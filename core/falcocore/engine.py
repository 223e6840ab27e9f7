"""Runs all sources side by side, and ends them in order: sources, drain, writer, outputs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence

from falcocore.control.server import ControlServer
from falcocore.delivering import Delivering
from falcocore.errors import FalcocoreError
from falcocore.runner import Runner
from falcocore.shards import ShardedRunner
from falcocore.threads import call_on
from falcocore.writer import Writer

log = logging.getLogger("falcocore.engine")

DRAIN_S = 10.0
"""Seconds that the sources, and then the writer, have to finish what was accepted."""
RESTART_S = (1.0, 60.0)
"""Seconds before a failed source is started again: the first time, and at the most."""


class Engine:
    """Owns the running sources, the writer and what delivers to the outputs.

    A source that ends leaves the others running. One that fails stops the process with status 1 after the
    others have drained, unless its instance stands in `restart`. `control` answers until everything is done.
    """

    def __init__(
        self,
        runners: Sequence[Runner | ShardedRunner],
        writer: Writer,
        delivering: Delivering,
        restart: frozenset[str] = frozenset(),
        control: ControlServer | None = None,
    ) -> None:
        self._runners = runners
        self._writer = writer
        self._delivering = delivering
        self._restart = restart
        self._control = control
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._status = 0
        self._interrupts = 0

    def open(self) -> None:
        """Open outputs, then sources; where one of them fails, the outputs are closed again.

        Raises:
            ConfigError: the outbox or the state directory can't be used.
            OutputError: an output can't be opened.
            SourceError: a source can't be opened.
        """
        self._delivering.open()
        with contextlib.ExitStack() as opened:
            opened.callback(self._delivering.abandon)
            for runner in self._runners:
                runner.open()
            if self._control is not None:
                self._control.open()
            opened.pop_all()

    async def run(
        self,
        watches: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
        on_start: Callable[[], None] = lambda: None,
    ) -> int:
        """Run until every source has ended or `stop` was called; returns the exit status.

        `watches` run beside them, by name, and are cancelled at the end: a progress display. `on_start` is
        called as soon as signals are handled: whoever reads what it says may send one at once.
        """
        self._loop = asyncio.get_running_loop()
        self._handle_signals(self._loop)
        on_start()
        self._delivering.start()
        self._writer.start()
        async with asyncio.TaskGroup() as tasks:
            serve = self._control.serve if self._control else None
            control = tasks.create_task(_beside("control socket", serve), name="control")
            await self._run_sources(watches or {})
            await self._drain()
            control.cancel()
        return self._status

    async def _run_sources(self, watches: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
        """Run the sources until every one has ended."""
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(_beside(name, watch), name=name) for name, watch in watches.items()]
            sources = [tasks.create_task(self._run_source(r), name=f"source {r.name}") for r in self._runners]
            await self._until_ended(sources)
            for watching in beside:
                watching.cancel()

    async def _drain(self) -> None:
        """Write and deliver what was accepted."""
        if not await asyncio.to_thread(self._writer.close, DRAIN_S):
            log.error("the outputs did not take all alerts within %.0f s; the rest is lost", DRAIN_S)
            self._status = 1
        # What was read to its end is delivered, however long it takes; somebody who says stop can't wait.
        await asyncio.to_thread(self._delivering.finish, DRAIN_S, lambda: not self._stopping.is_set())

    def stop(self, status: int = 0) -> None:
        """Stop taking events, finish what was accepted, end; from any thread."""
        if self._loop is not None:
            call_on(self._loop, self._stop, status)

    def _stop(self, status: int) -> None:
        self._status = max(self._status, status)
        if not self._stopping.is_set():
            self._stopping.set()
            for runner in self._runners:
                try:
                    runner.source.stop()
                except Exception:
                    log.exception("source %s raised when it was told to stop", runner.name)

    async def _until_ended(self, sources: Sequence[asyncio.Task[None]]) -> None:
        """Wait for the sources; once they were told to stop, for DRAIN_S at the most."""
        every = asyncio.ensure_future(asyncio.wait(sources))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((every, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        _, late = await asyncio.wait(sources, timeout=DRAIN_S)
        for task in late:
            log.error("%s did not end within %.0f s and is left behind", task.get_name(), DRAIN_S)
            self._status = 1
            task.cancel()
        await every

    async def _run_source(self, runner: Runner | ShardedRunner) -> None:
        pause_s, again = RESTART_S[0], False
        while True:
            try:
                if again:
                    runner.open()
                await runner.run()
            except Exception as error:
                if self._stopping.is_set() or runner.name not in self._restart:
                    log.error("source %s failed: %s", runner.name, error, exc_info=_unexpected(error))
                    self._stop(1)
                    return
                log.error("source %s failed: %s; it is started again in %.0f s", runner.name, error, pause_s)
            else:
                return
            if await _happens(self._stopping, pause_s):
                return
            pause_s, again = min(pause_s * 2, RESTART_S[1]), True

    def _handle_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupted, number)
        loop.add_signal_handler(signal.SIGUSR1, self._writer.reopen_outputs)

    def _interrupted(self, number: int) -> None:
        self._interrupts += 1
        if self._interrupts > 1:
            os._exit(128 + number)  # asked twice: at once
        log.info("%s: finishing what was accepted; once more to exit at once", signal.Signals(number).name)
        self._stop(0)


def _unexpected(error: Exception) -> Exception | None:
    """The exception whose traceback is shown: not for those that are messages to the user."""
    return None if isinstance(error, FalcocoreError | OSError) else error


async def _beside(what: str, run: Callable[[], Awaitable[None]] | None) -> None:
    """Run what is there for people only."""
    try:
        if run is not None:
            await run()
    except Exception:
        log.exception("the %s failed; everything else goes on", what)


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), within_s)
    except TimeoutError:
        return False
    return True
