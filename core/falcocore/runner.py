"""Runs one source: draws its events one at a time, matches them, hands matches over, acknowledges batches."""

from __future__ import annotations

import asyncio
import logging
import queue
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Protocol

from falcocore.alerts import Match
from falcocore.counters import Counters
from falcocore.errors import SourceError
from falcocore.lang.bound import BoundField
from falcocore.ruleset import Matcher, RuleSet
from falcocore.source import Batch, Source
from falcocore.state import make_private
from falcocore.stream import Stream
from falcocore.threads import call_on, in_thread
from falcocore.writer import Handover

log = logging.getLogger("falcocore.runner")


class Taker(Protocol):
    """What takes the matches of a runner: the writer, or what leads to it from another process."""

    def submit(self, handover: Handover) -> None:
        """Take matches from a thread; may wait."""

    async def submit_from_loop(self, handover: Handover) -> None:
        """Take matches from the event loop."""


class Runner:
    """One source instance with its rules and what is known of its stream.

    `rules` may be replaced at any time; the next batch is matched by the new set.
    """

    def __init__(
        self, source: Source, stream: Stream, rules: RuleSet, writer: Taker, counters: Counters
    ) -> None:
        self.source = source
        self.stream = stream
        self.rules = rules
        self._writer = writer
        self._counters = counters
        self._guarded: tuple[RuleSet, Matcher] | None = None
        self._prepared: RuleSet | None = None
        self.failure: SourceError | None = None

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.stream.instance

    def open(self) -> None:
        """Tell the source its rules, make the directory for its state, and open it.

        Raises:
            ConfigError: the directory can't be made.
            SourceError: the source can't be opened.
        """
        if self.source.state is not None:
            make_private(self.source.state)
        self._prepare(self.rules)
        self.source.open()

    def _prepare(self, rules: RuleSet) -> None:
        self.source.prepare(rules)
        self._prepared = rules

    async def run(self) -> None:
        """Run the source to its end, until every batch was acknowledged.

        Raises:
            Exception: whatever the source raised.
        """
        self.failure = None
        batches = self.source.batches()
        try:
            if isinstance(batches, AsyncIterator):
                await _OnLoop(self).run(batches)
            else:
                await in_thread(f"source {self.name}", lambda: _InThread(self).run(batches))
        finally:
            self._counters.rejected[self.name] = self.source.rejected
        if self.failure is not None:
            raise self.failure

    def match(self, batch: Batch) -> tuple[list[Match], Exception | None]:
        """The matches of a batch, in order, and what was raised before its last event, if anything was.

        Condition and output are read before the next event is drawn.
        """
        stream, rules = self.stream, self.rules
        found: list[Match] = []
        match, before = rules.match, stream.num
        try:
            if rules is not self._prepared:
                self._prepare(rules)
            for event in batch.events:
                stream.num += 1
                if stream.first_time_ns is None:
                    stream.first_time_ns = event.time_ns
                try:
                    hits = match(event, stream)
                except Exception:
                    hits = self._guarded_matcher(rules)(event, stream)
                for rule, values in hits:
                    found.append(Match(rule, event.time_ns, event.key, values, stream.instance, batch.labels))
            found += [
                Match(notice, notice.time_ns, notice.key, (), stream.instance, batch.labels)
                for notice in batch.notices
            ]
        except Exception as error:
            return found, error
        finally:
            stream.num += batch.unseen
            self._counters.events[self.name] += stream.num - before
            self._counters.rejected[self.name] = self.source.rejected
        return found, None

    def _guarded_matcher(self, rules: RuleSet) -> Matcher:
        """The slower function in which a getter that raises reads as absent."""
        if self._guarded is None or self._guarded[0] is not rules:
            self._guarded = (rules, rules.guarded(self._note_failure))
        return self._guarded[1]

    def _note_failure(self, bound: BoundField, error: Exception) -> None:
        failures = self._counters.getter_failures
        failures[bound.label] += 1
        if failures[bound.label] == 1:
            owner = getattr(bound.field.getter, "__module__", None) or "a plugin"
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

    def reason(self, error: Exception | None) -> str | None:
        """Why a batch is not acknowledged whose drawing raised `error`; None where nothing was raised."""
        return None if error is None else f"source {self.name}: {error}"

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
        left_behind = False
        try:
            async for batch in batches:
                await self._take(batch)
                del batch  # Its events would stay until the next one comes, however long that takes.
                # A source that always has a batch ready must leave the others, and signals, their turn.
                await asyncio.sleep(0)
                if self._runner.failure is not None:
                    break
        except asyncio.CancelledError:
            left_behind = True
            raise
        finally:
            if isinstance(batches, AsyncGenerator):
                await batches.aclose()
            if not left_behind:
                await self._none_waits.wait()

    async def _take(self, batch: Batch) -> None:
        runner = self._runner
        found, broken = runner.match(batch)
        reason = runner.reason(broken)
        if found or self._waiting:
            self._waiting += 1
            self._none_waits.clear()
            await runner.submit_from_loop(Handover(found, self._done(batch, reason), batch.acknowledged))
        else:
            runner.settle(batch, reason)
        if broken is not None:
            raise broken

    def _done(self, batch: Batch, broken: str | None) -> Callable[[str | None], None]:
        return lambda reason: call_on(self._loop, self._settle, batch, broken or reason)

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
        found, broken = runner.match(batch)
        reason = runner.reason(broken)
        if found or self._waiting:
            self._waiting += 1
            runner.submit(
                Handover(
                    found, lambda failed: self._settled.put((batch, reason or failed)), batch.acknowledged
                )
            )
        else:
            runner.settle(batch, reason)
        if broken is not None:
            raise broken

    def _settle_next(self) -> None:
        self._runner.settle(*self._settled.get())
        self._waiting -= 1
