"""The threads in which the workers of the outputs run."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence

from falcocore.counters import Counters
from falcocore.destination import Destination, close_all
from falcocore.outbox.outbox import TROUBLE, Connection, Outbox, reason_of
from falcocore.outbox.tidying import Tidying
from falcocore.outbox.worker import Worker
from falcocore.threads import call_on

log = logging.getLogger("falcocore.delivery")

CUT_S = 1.0
"""Seconds that an output has to close when it was cut short; one that blocks its thread does not hear it."""


class OutputThread:
    """Runs the worker of one output on an event loop of its own: an output that blocks delays no other."""

    def __init__(
        self, to: Destination, outbox: Outbox, counters: Counters, on_gone: Callable[[str], None]
    ) -> None:
        self._connection = Connection(outbox)
        self.worker = Worker(to, self._connection, counters, on_gone)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deadline: asyncio.Event | None = None
        self._started = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"output {to.name}", daemon=True)

    def start(self) -> None:
        """Begin with what waits from before."""
        self.thread.start()
        self._started.wait()

    def call(self, method: Callable[[Worker], None]) -> None:
        """Call a method of the worker on its loop, from any thread."""
        if self._loop is not None:
            call_on(self._loop, method, self.worker)

    def cut_short(self) -> None:
        """End now, in the middle of a `send` too."""
        if self._loop is not None and self._deadline is not None:
            call_on(self._loop, self._deadline.set)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._work())

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = asyncio.Event()
        self._started.set()
        async with asyncio.TaskGroup() as group:
            delivering = group.create_task(self._deliver(), name="deliver")
            deadline = group.create_task(self._deadline.wait(), name="deadline")
            await asyncio.wait((delivering, deadline), return_when=asyncio.FIRST_COMPLETED)
            delivering.cancel()
            deadline.cancel()
        await close_all([self.worker.to])
        self._connection.close()

    async def _deliver(self) -> None:
        try:
            await self.worker.run()
        except Exception:
            log.exception("output %s ended by an error of falcocore itself", self.worker.to.name)


class Delivery:
    """Delivers what is in the outbox to all outputs, each by a thread of its own.

    `on_gone` is called from such a thread when an output's receiver is gone for good.
    """

    def __init__(
        self,
        outbox: Outbox,
        destinations: Sequence[Destination],
        counters: Counters,
        on_gone: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._outbox = outbox
        self._threads = [OutputThread(to, outbox, counters, on_gone) for to in destinations]
        self._tidying = Tidying(outbox)

    @property
    def workers(self) -> list[Worker]:
        """The workers; their progress may be read from any thread."""
        return [one.worker for one in self._threads]

    def start(self) -> None:
        """Begin with what waits from before."""
        for one in self._threads:
            one.start()
        self._tidying.start()

    def wake(self, outputs: set[str]) -> None:
        """These outputs have something new in their queues; from any thread."""
        for one in self._threads:
            if one.worker.to.name in outputs:
                one.call(Worker.wake)

    def retry_now(self, outputs: set[str] | None = None) -> None:
        """Look into the queues of these outputs, or of all, and try failing ones at once; from any thread."""
        for one in self._threads:
            if outputs is None or one.worker.to.name in outputs:
                one.call(Worker.retry_now)

    def reopen(self) -> None:
        """Have the outputs open their files again; from any thread."""
        for one in self._threads:
            one.call(Worker.reopen)

    def close(self, deadline_s: float, patient: Callable[[], bool] = lambda: False) -> dict[str, int]:
        """Deliver what waits, close the outputs; returns how many alerts wait for the next start, by output.

        An output that fails is not tried again. While `patient()` is true, the deadline is for the time in
        which nothing is delivered, otherwise for all of it.
        """
        for one in self._threads:
            one.call(Worker.finish)
        end, delivered = time.monotonic() + deadline_s, self._delivered()
        for one in self._threads:
            while one.thread.is_alive() and time.monotonic() < end:
                one.thread.join(min(0.1, max(0.0, end - time.monotonic())))
                if patient() and self._delivered() != delivered:
                    end, delivered = time.monotonic() + deadline_s, self._delivered()
        late = [one for one in self._threads if one.thread.is_alive()]
        for one in late:
            one.cut_short()
        for one in late:
            one.thread.join(CUT_S)
        self._tidying.end()
        return self._left()

    def _delivered(self) -> int:
        return sum(one.worker.progress.delivered for one in self._threads)

    def _left(self) -> dict[str, int]:
        connection = Connection(self._outbox)
        try:
            store = connection.store()
            store.tidy()
            return {name: backlog.count for name, backlog in store.backlogs().items() if backlog.count}
        except TROUBLE as error:
            log.error("the outbox can't be looked at: %s", reason_of(error))
            return {}
        finally:
            connection.close()
