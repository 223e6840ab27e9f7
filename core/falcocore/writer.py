"""The one writer: takes the matches of all sources, makes alerts of them and hands them to the outputs."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from falcocore.alerts import AlertFormat, Match
from falcocore.counters import Counters
from falcocore.errors import OutputGone
from falcocore.output import Alert, Output
from falcocore.threads import in_thread

log = logging.getLogger("falcocore.writer")

QUEUE_SIZE = 1000
"""Batches that may wait. When it is full, sources wait: a slow pipe slows them, and nothing is dropped."""
GROUP_SIZE = 200
"""Batches that are written in one go at the most."""


@dataclass(frozen=True, slots=True)
class Handover:
    """The matches of one batch, and what to call from the writer's thread when they are written.

    `done` gets None, or the reason for which they could not be.
    """

    matches: Sequence[Match]
    done: Callable[[str | None], None]


class Writer:
    """A thread that writes alerts; an event loop of its own runs the outputs' `send`.

    `on_gone` is called, once, from the thread when an output's receiver is gone for good.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        alert_format: AlertFormat,
        counters: Counters,
        on_gone: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._outputs = outputs
        self._format = alert_format
        self._counters = counters
        self._on_gone = on_gone
        self._queue: queue.Queue[Handover | None] = queue.Queue(QUEUE_SIZE)
        self._reopen = threading.Event()
        self._gone: str | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(self, handover: Handover) -> None:
        """Hand matches over; blocks while the queue is full. For sources in threads."""
        self._queue.put(handover)

    async def submit_from_loop(self, handover: Handover) -> None:
        """Hand matches over without blocking the event loop."""
        try:
            self._queue.put_nowait(handover)
        except queue.Full:
            await in_thread("room in the queue", lambda: self._queue.put(handover))

    def reopen_outputs(self) -> None:
        """Close and open the outputs again before the next alert, for log rotation."""
        self._reopen.set()

    def close(self, deadline_s: float) -> bool:
        """Write what waits and close the outputs; False when that took longer than `deadline_s` seconds."""
        end = time.monotonic() + deadline_s
        try:
            self._queue.put(None, timeout=deadline_s)
        except queue.Full:
            return False
        self._thread.join(max(0.0, end - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            more = True
            while more:
                group, more = self._next_group()
                if self._reopen.is_set():
                    self._reopen.clear()
                    self._reopen_now()
                for handover, reason in zip(group, runner.run(self._write(group)), strict=True):
                    handover.done(reason)
            runner.run(self._aclose_outputs())
            self._close_outputs()

    def _next_group(self) -> tuple[list[Handover], bool]:
        """(what waits, at least one where there is more to come; whether there is)."""
        group: list[Handover] = []
        handover = self._queue.get()
        while handover is not None:
            group.append(handover)
            if len(group) == GROUP_SIZE:
                return group, True
            try:
                handover = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    async def _write(self, group: Sequence[Handover]) -> list[str | None]:
        """Deliver a group's alerts; for each handover, the reason where its own could not be."""
        alerts: list[Alert] = []
        unrendered = [self._render(handover, alerts) for handover in group]
        failed = await self._deliver(alerts) if alerts else None
        return [
            reason or (failed if handover.matches else None)
            for handover, reason in zip(group, unrendered, strict=True)
        ]

    def _render(self, handover: Handover, alerts: list[Alert]) -> str | None:
        """Add the alerts of one batch; the reason where there is one that can't be rendered."""
        reason = None
        for match in handover.matches:
            try:
                alerts.append(self._format.alert(match))
            except Exception as error:
                log.exception("an alert of rule %s could not be rendered", match.rule.name)
                reason = f"an alert of rule {match.rule.name} could not be rendered: {error}"
        return reason

    async def _deliver(self, alerts: Sequence[Alert]) -> str | None:
        """Send alerts to every output; the reason where one of them failed."""
        reasons = [reason for output in self._outputs if (reason := await self._send(output, alerts))]
        if reasons:
            return "; ".join(reasons)
        for alert in alerts:
            self._counters.count_alert(alert)
        return None

    async def _send(self, output: Output, alerts: Sequence[Alert]) -> str | None:
        if self._gone is not None:
            return self._gone
        try:
            await output.send(alerts)
        except OutputGone as error:
            self._counters.output_failures[output.name] += 1
            log.error("output %s: %s; falcocore ends", output.name, error)
            self._gone = str(error)
            self._on_gone(self._gone)
            return self._gone
        # An output's library may leak a cancellation of its own; it must not end the writer.
        except (Exception, asyncio.CancelledError) as error:
            self._counters.output_failures[output.name] += 1
            cause = str(error) or type(error).__name__
            log.error("output %s: %d alerts could not be written: %s", output.name, len(alerts), cause)
            return f"output {output.name}: {cause}"
        return None

    def _reopen_now(self) -> None:
        for output in self._outputs:
            try:
                output.reopen()
            except Exception as error:
                log.error("output %s could not be reopened: %s", output.name, error)

    async def _aclose_outputs(self) -> None:
        """End what the outputs have on the event loop, at the same time: each may have to wait."""
        closed = await asyncio.gather(*(output.aclose() for output in self._outputs), return_exceptions=True)
        for output, error in zip(self._outputs, closed, strict=True):
            if error is not None:
                log.error("output %s could not be closed: %s", output.name, error)

    def _close_outputs(self) -> None:
        for output in self._outputs:
            try:
                output.close()
            except Exception as error:
                log.error("output %s could not be closed: %s", output.name, error)
