"""The thread in which the workers of all outputs run."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.outbox.outbox import Outbox, reason_of
from falcocore.outbox.schema import DamagedError, is_damage
from falcocore.outbox.store import Store
from falcocore.outbox.worker import Worker
from falcocore.threads import call_on

log = logging.getLogger("falcocore.delivery")

TIDY_S = 1.0
"""Seconds between two removals of what was delivered."""


class Delivery:
    """Runs one worker for each output, on an event loop in a thread of its own.

    `on_gone` is called from that thread when an output's receiver is gone for good.
    """

    def __init__(
        self,
        outbox: Outbox,
        destinations: Sequence[Destination],
        counters: Counters,
        on_gone: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._outbox = outbox
        self._destinations = destinations
        self._counters = counters
        self._on_gone = on_gone
        self._workers: dict[str, Worker] = {}
        self._connection: Store | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._cancelled: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin with what waits from before."""
        self._thread.start()
        self._started.wait()

    def wake(self, outputs: set[str]) -> None:
        """These outputs have something new in their queues; from any thread."""
        self._call(lambda worker: worker.wake() if worker.to.name in outputs else None)

    def retry_now(self) -> None:
        """Try failing outputs again at once; from any thread."""
        self._call(Worker.retry_now)

    def reopen(self) -> None:
        """Have the outputs open their files again; from any thread."""
        self._call(Worker.reopen)

    def _call(self, method: Callable[[Worker], None]) -> None:
        def each() -> None:
            for worker in self._workers.values():
                method(worker)

        if self._loop is not None:
            call_on(self._loop, each)

    def progress(self) -> dict[str, Worker]:
        """The workers, by output."""
        return dict(self._workers)

    def close(self, deadline_s: float, *, patient: bool) -> dict[str, int]:
        """Deliver what waits, close the outputs; returns how many alerts wait for the next start, by output.

        An output that fails is not tried again. With `patient`, the deadline is for the time in which nothing
        is delivered, otherwise for all of it.
        """
        self._call(Worker.finish)
        end = time.monotonic() + deadline_s
        delivered = -1
        while self._thread.is_alive() and time.monotonic() < end:
            self._thread.join(min(0.1, max(0.0, end - time.monotonic())))
            now = sum(worker.progress.delivered for worker in self._workers.values())
            if patient and now != delivered:
                delivered, end = now, time.monotonic() + deadline_s
        if self._thread.is_alive() and self._loop is not None and self._cancelled is not None:
            call_on(self._loop, self._cancelled.set)
            self._thread.join(1.0)
        return self._left()

    def _left(self) -> dict[str, int]:
        try:
            store = self._outbox.store()
        except (sqlite3.Error, OSError, DamagedError):
            return {}
        try:
            store.tidy()
            return {name: backlog.count for name, backlog in store.backlogs().items() if backlog.count}
        except sqlite3.Error:
            return {}
        finally:
            store.close()

    # --- in the thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._work())

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._cancelled = asyncio.Event()
        for to in self._destinations:
            self._workers[to.name] = Worker(to, self, self._counters, self._on_gone)
        self._started.set()
        async with asyncio.TaskGroup() as group:
            deadline = group.create_task(self._cancelled.wait(), name="deadline of the delivery")
            tidying = group.create_task(self._tidy(), name="tidy the outbox")
            tasks = [
                group.create_task(_guarded(worker), name=f"output {name}")
                for name, worker in self._workers.items()
            ]
            waiting: set[asyncio.Task[None]] = set(tasks)
            while waiting and not deadline.done():
                await asyncio.wait({*waiting, deadline}, return_when=asyncio.FIRST_COMPLETED)
                waiting = {task for task in waiting if not task.done()}
            for task in (*waiting, tidying, deadline):
                task.cancel()
        await self._close_outputs()
        if self._connection is not None:
            self._connection.close()

    def store(self) -> Store:
        """The thread's connection, a new one where the database was replaced."""
        if self._connection is None:
            self._connection = self._outbox.store()
        elif not self._connection.is_in_place:
            self._connection, broken = None, self._connection
            self._connection = self._outbox.mended(broken, None)
        return self._connection

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            try:
                self.store().tidy()
            except (sqlite3.Error, OSError, DamagedError) as error:
                log.debug("the outbox can't be tidied now: %s", reason_of(error))
                self.mend(error)

    def mend(self, error: Exception) -> None:
        """Put a damaged database aside; after any other error, the next use tries again."""
        if not (isinstance(error, sqlite3.Error) and is_damage(error)):
            return
        self._connection, broken = None, self._connection
        try:
            self._connection = self._outbox.mended(broken, error)
        except (sqlite3.Error, OSError, DamagedError) as failure:
            log.error("the outbox can't be mended now: %s", reason_of(failure))

    async def _close_outputs(self) -> None:
        for to in self._destinations:
            try:
                to.output.close()
            except Exception as error:
                log.error("output %s could not be closed: %s", to.name, error)


async def _guarded(worker: Worker) -> None:
    """One output's worker; an error in it, which would be ours, leaves the others running."""
    try:
        await worker.run()
    except Exception:
        log.exception("the worker of output %s ended by an error of falcocore itself", worker.to.name)
