"""Runs one source: draws its events one at a time, matches them, hands matches over, acknowledges batches."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator

from falcocore.alerts import Match
from falcocore.counters import Counters
from falcocore.errors import SourceError
from falcocore.lang.bound import BoundField
from falcocore.ruleset import Matcher, RuleSet
from falcocore.source import Batch, Source, Stream
from falcocore.writer import Handover, Writer

log = logging.getLogger("falcocore.runner")


class Runner:
    """One source instance with its rules and what is known of its stream.

    `rules` may be replaced at any time; the next batch is matched by the new set.
    """

    def __init__(
        self, source: Source, stream: Stream, rules: RuleSet, writer: Writer, counters: Counters
    ) -> None:
        self.source = source
        self.stream = stream
        self.rules = rules
        self._writer = writer
        self._counters = counters
        self._guarded: tuple[RuleSet, Matcher] | None = None
        self.failure: SourceError | None = None

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.stream.instance

    async def run(self) -> None:
        """Run the source to its end, until every batch was acknowledged.

        Raises:
            Exception: whatever the source raised.
        """
        batches = self.source.batches()
        try:
            if isinstance(batches, AsyncIterator):
                await _OnLoop(self).run(batches)
            else:
                await _in_thread(f"source {self.name}", lambda: _InThread(self).run(batches))
        finally:
            self._counters.rejected[self.name] = self.source.rejected
        if self.failure is not None:
            raise self.failure

    def match(self, batch: Batch) -> list[Match]:
        """The matches of a batch, in order. Condition and output are read before the next event is drawn."""
        stream, rules, found = self.stream, self.rules, []
        match, before = rules.match, stream.num
        try:
            for event in batch.events:
                stream.num += 1
                if stream.first_time_ns is None:
                    stream.first_time_ns = event.time_ns
                try:
                    hits = match(event, stream)
                except Exception:
                    hits = self._guarded_matcher(rules)(event, stream)
                for rule, values in hits:
                    found.append(Match(rule, event.time_ns, event.key, values, stream.instance))
        finally:
            self._counters.events[self.name] += stream.num - before
            self._counters.rejected[self.name] = self.source.rejected
        return found

    def _guarded_matcher(self, rules: RuleSet) -> Matcher:
        """The slower function in which a getter that raises reads as absent."""
        if self._guarded is None or self._guarded[0] is not rules:
            self._guarded = (rules, rules.guarded(self._note_failure))
        return self._guarded[1]

    def _note_failure(self, bound: BoundField, error: Exception) -> None:
        failures = self._counters.getter_failures
        failures[bound.label] += 1
        if failures[bound.label] == 1:
            owner = bound.field.getter.__module__
            log.warning(
                "field %s (%s) raised %s: %s. It reads as absent; further failures are counted only",
                bound.label,
                owner,
                type(error).__name__,
                error,
            )

    def settle(self, batch: Batch, reason: str | None) -> None:
        """Tell the source what became of a batch; a SourceError that it raises is kept in `failure`."""
        try:
            if reason is None:
                batch.ack()
            else:
                batch.nack(reason)
        except SourceError as error:
            self.failure = self.failure or error
        except Exception:
            log.exception("source %s raised while a batch was acknowledged", self.name)

    def submit(self, handover: Handover) -> None:
        """Hand matches to the writer, from a thread."""
        self._writer.submit(handover)

    async def submit_from_loop(self, handover: Handover) -> None:
        """Hand matches to the writer, from the event loop."""
        await self._writer.submit_from_loop(handover)


class _OnLoop:
    """Runs an async generator; batches are settled on its event loop."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._loop = asyncio.get_running_loop()
        self._waiting = 0
        self._none_waits = asyncio.Event()
        self._none_waits.set()

    async def run(self, batches: AsyncIterator[Batch]) -> None:
        try:
            async for batch in batches:
                await self._take(batch)
                if self._runner.failure is not None:
                    break
        finally:
            if isinstance(batches, AsyncGenerator):
                await batches.aclose()
            await self._none_waits.wait()

    async def _take(self, batch: Batch) -> None:
        runner = self._runner
        try:
            found = runner.match(batch)
        except Exception as error:
            runner.settle(batch, f"source {runner.name}: {error}")
            raise
        if not found and self._waiting == 0:
            runner.settle(batch, None)
            return
        self._waiting += 1
        self._none_waits.clear()
        await runner.submit_from_loop(Handover(found, self._done(batch)))

    def _done(self, batch: Batch) -> Callable[[str | None], None]:
        def done(reason: str | None) -> None:
            self._loop.call_soon_threadsafe(self._settle, batch, reason)

        return done

    def _settle(self, batch: Batch, reason: str | None) -> None:
        self._runner.settle(batch, reason)
        self._waiting -= 1
        if self._waiting == 0:
            self._none_waits.set()


class _InThread:
    """Runs a plain generator; batches are settled on its thread, between two draws."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._settled: queue.SimpleQueue[tuple[Batch, str | None]] = queue.SimpleQueue()
        self._waiting = 0

    def run(self, batches: Iterator[Batch]) -> None:
        try:
            for batch in batches:
                self._take(batch)
                while not self._settled.empty():
                    self._settle_next()
                if self._runner.failure is not None:
                    break
        finally:
            if isinstance(batches, Generator):
                batches.close()
            while self._waiting:
                self._settle_next()

    def _take(self, batch: Batch) -> None:
        runner = self._runner
        try:
            found = runner.match(batch)
        except Exception as error:
            runner.settle(batch, f"source {runner.name}: {error}")
            raise
        if not found and self._waiting == 0:
            runner.settle(batch, None)
            return
        self._waiting += 1
        runner.submit(Handover(found, lambda reason: self._settled.put((batch, reason))))

    def _settle_next(self) -> None:
        self._runner.settle(*self._settled.get())
        self._waiting -= 1


async def _in_thread(name: str, run: Callable[[], None]) -> None:
    """Run a function in a thread of its own; one that never returns does not hold the process up."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if finished.done():
            return
        if error is None:
            finished.set_result(None)
        else:
            finished.set_exception(error)

    def target() -> None:
        error: BaseException | None = None
        try:
            run()
        except BaseException as raised:  # carried over to the event loop
            error = raised
        loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=target, name=name, daemon=True).start()
    await finished
