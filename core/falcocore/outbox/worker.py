"""Delivers to one output: in order, again and again until its receiver has what is in its queue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from falcocore.counters import Counters
from falcocore.destination import Destination, reopen
from falcocore.errors import OutputGone, PermanentRefusal
from falcocore.outbox.outbox import TROUBLE, Connection, reason_of
from falcocore.outbox.store import Queued, Store

log = logging.getLogger("falcocore.delivery")

CLAIM_ALERTS = 500
CLAIM_BYTES = 4 << 20
"""What a worker takes out of its queue at a time, so that memory stays flat however much waits."""
SETTLE_S = 0.1
"""Seconds for which deliveries may be unwritten: after a crash, so many are delivered a second time."""
TROUBLE_S = 2.0
"""Seconds before the queue is used again where that failed: the disk is full, or the database locked."""
SEND_S = 60.0
"""Seconds that a `send` may take: an output that hangs must not hold its queue for ever."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
"""Seconds before the first retry, and at the most before a later one."""
LONGEST_ASKED_S = 3600.0
"""Seconds that a receiver may ask to wait; what it asks beyond is not heeded."""
REMIND_S = 300.0
"""Seconds between two log lines about an output that goes on failing."""


@dataclass(slots=True)
class Progress:
    """How an output is doing, for `falcocore status`. Times in seconds since 1970."""

    delivered: int = 0
    refused: int = 0
    failures: int = 0
    failing_since_s: float | None = None
    last_error: str | None = None
    next_try_s: float | None = None


class Worker:
    """One output's worker; everything runs on the event loop of its thread.

    `on_gone` is called when the receiver is gone for good.
    """

    def __init__(
        self,
        to: Destination,
        connection: Connection,
        counters: Counters,
        on_gone: Callable[[str], None],
    ) -> None:
        self.to = to
        self.progress = Progress()
        self._connection = connection
        self._counters = counters
        self._on_gone = on_gone
        self._more = asyncio.Event()
        self._hurry = asyncio.Event()
        self._last = False
        self._reopen = False
        self._stale = False
        """What was claimed may have been removed from the queue meanwhile."""
        self._store: Store | None = None
        self._delivered_seq = self._settled_seq = 0
        self._settle_at = 0.0
        self._trouble_at: float | None = None
        self._reminded_at = 0.0

    def wake(self) -> None:
        """There is something new in the queue."""
        self._more.set()

    def reopen(self) -> None:
        """Have the output open its files again before the next `send`."""
        self._reopen = True
        self._more.set()

    def retry_now(self) -> None:
        """Don't wait for the next try. The queue may have been changed by hand."""
        self._stale = True
        self._more.set()
        self._hurry.set()

    def finish(self) -> None:
        """End when the queue is empty, or at the first failure from now on."""
        self._last = True
        self._more.set()
        self._hurry.set()

    async def run(self) -> None:
        """Deliver until `finish` is called."""
        try:
            await self._run()
        finally:
            self._settle()

    async def _run(self) -> None:
        while True:
            self._more.clear()
            self._reopen_if_asked()
            try:
                self._stale = False
                queued = self._claim()
                done = await self._deliver_all(queued)
            except TROUBLE as error:
                self._note_trouble(error)
                if self._last:
                    return
                await self._pause(TROUBLE_S)
                continue
            self._settle()
            if not done or (self._last and not queued):
                return
            if not queued:
                await self._wait_for_more()

    def _claim(self) -> Sequence[Queued]:
        """What comes next in the queue: behind what was delivered, though that could not be written yet."""
        store = self._connection.store()
        if store is not self._store:
            # It may be another file, with numbers of its own: what was delivered without that being written
            # is delivered again.
            self._store, self._delivered_seq, self._settled_seq = store, 0, 0
        queued = store.claim(self.to.name, CLAIM_ALERTS, CLAIM_BYTES, self._delivered_seq)
        if self._trouble_at is not None and self._delivered_seq == self._settled_seq:
            log.info("output %s: its queue can be used again", self.to.name)
            self._trouble_at = None
        return queued

    def _note_trouble(self, error: Exception) -> None:
        """Log why the queue can't be used, from time to time; mend what can be mended."""
        now = time.monotonic()
        if self._trouble_at is None or now - self._trouble_at > REMIND_S:
            log.error("output %s: its queue can't be used now: %s", self.to.name, reason_of(error))
            self._trouble_at = now
        try:
            self._connection.mend(error)
        except TROUBLE as failure:
            log.error("the outbox can't be mended now: %s", reason_of(failure))

    async def _wait_for_more(self) -> None:
        """Wait for something new in the queue, or until what was delivered may be written after all."""
        unsettled = self._delivered_seq > self._settled_seq
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._more.wait(), TROUBLE_S if unsettled else None)

    async def _deliver_all(self, queued: Sequence[Queued]) -> bool:
        """Deliver what was claimed; False where it ended before that."""
        for at in range(0, len(queued), max(1, self.to.output.max_batch)):
            if not await self._deliver(queued[at : at + max(1, self.to.output.max_batch)]):
                return False
            if time.monotonic() > self._settle_at:
                self._settle()
        return True

    def _settle(self) -> None:
        """Write what was delivered; where that fails, it is tried again later, and delivery goes on."""
        self._settle_at = time.monotonic() + SETTLE_S
        if self._delivered_seq == self._settled_seq or self._store is None:
            return
        try:
            if self._connection.store() is self._store:
                self._store.settle(self.to.name, self._delivered_seq)
                self._settled_seq = self._delivered_seq
        except TROUBLE as error:
            self._note_trouble(error)
            self._settle_at = time.monotonic() + TROUBLE_S

    async def _deliver(self, batch: Sequence[Queued]) -> bool:
        """Send a batch until it is delivered or refused; False where it ended before that."""
        pause_s = FIRST_PAUSE_S
        while True:
            self._reopen_if_asked()
            if self._stale:
                batch = self._left(batch)
                if not batch:
                    return True
            try:
                async with asyncio.timeout(SEND_S) as limit:
                    await self.to.output.send([one.alert for one in batch])
            except PermanentRefusal as error:
                return await self._refused(batch, error)
            except OutputGone as error:
                self._failed(str(error))
                log.error("output %s: %s; falcocore ends", self.to.name, error)
                self._on_gone(str(error))
                return False
            # An output's library may leak a cancellation of its own; it must not end the worker.
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                    raise
                asked_s = getattr(error, "retry_after_s", None)
                late = limit.expired()
                self._failed(f"it did not answer within {SEND_S:.0f} s" if late else cause_of(error))
            else:
                self._delivered(batch)
                return True
            if self._last:
                return False
            self._settle()
            # Half of it at random, so that many do not come back at the same moment.
            wait_s = pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - not for secrets
            if asked_s is not None:
                wait_s = max(wait_s, min(asked_s, LONGEST_ASKED_S))
            await self._pause(wait_s)
            self._stale = True
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _left(self, batch: Sequence[Queued]) -> Sequence[Queued]:
        """Those still in the queue; none where another file is in place: they are claimed again from it."""
        store = self._connection.store()
        return store.still_queued(self.to.name, batch) if store is self._store else []

    def _reopen_if_asked(self) -> None:
        if self._reopen:
            self._reopen = False
            reopen(self.to)

    async def _refused(self, batch: Sequence[Queued], error: PermanentRefusal) -> bool:
        """Put what was refused aside; of several, only those that are refused by themselves."""
        if len(batch) == 1:
            self._bury(batch[0], str(error))
            self.progress.refused += 1
            self._counters.output_failures[self.to.name] += 1
            log.error("output %s refuses an alert of rule %s: %s", self.to.name, batch[0].alert.rule, error)
            return True
        for one in batch:
            if not await self._deliver([one]):
                return False
        return True

    def _bury(self, queued: Queued, reason: str) -> None:
        store = self._connection.store()
        # In another file it is another alert that has this number.
        if store is self._store:
            store.bury(self.to.name, queued.seq, reason)
            self._delivered_seq = queued.seq

    def _delivered(self, batch: Sequence[Queued]) -> None:
        self._delivered_seq = batch[-1].seq
        progress = self.progress
        progress.delivered += len(batch)
        if progress.failing_since_s is not None:
            failed_s = time.time() - progress.failing_since_s
            log.info("output %s takes alerts again, after %.0f s", self.to.name, failed_s)
            progress.failing_since_s = progress.next_try_s = None

    def _failed(self, cause: str) -> None:
        progress, now_s = self.progress, time.time()
        progress.failures += 1
        progress.last_error = cause
        self._counters.output_failures[self.to.name] += 1
        if progress.failing_since_s is None:
            progress.failing_since_s = now_s
            log.warning("output %s: %s; it is tried again until it takes its alerts", self.to.name, cause)
        elif time.monotonic() - self._reminded_at < REMIND_S:
            return
        else:
            failed_s = now_s - progress.failing_since_s
            log.warning("output %s has been failing for %.0f s: %s", self.to.name, failed_s, cause)
        self._reminded_at = time.monotonic()

    async def _pause(self, seconds: float) -> None:
        """Wait, unless somebody is in a hurry."""
        self.progress.next_try_s = time.time() + seconds
        self._hurry.clear()
        if not self._last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), seconds)


def _is_cancelled() -> bool:
    """True where this task itself is to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def cause_of(error: BaseException) -> str:
    """Why a `send` has failed, for people."""
    return str(error) or type(error).__name__
