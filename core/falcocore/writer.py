"""The one writer: takes the matches of all sources, makes alerts of them and has them kept or delivered."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from falcocore.alerts import AlertFormat, Match
from falcocore.output import Alert
from falcocore.threads import in_thread

log = logging.getLogger("falcocore.writer")

QUEUE_SIZE = 1000
"""Batches that may wait. When it is full, sources wait: a slow pipe slows them, and nothing is dropped."""
GROUP_SIZE = 200
"""Batches that are written in one go at the most."""


@dataclass(frozen=True, slots=True)
class Handover:
    """The matches of one batch, and what to call from the writer's thread when they are safe.

    Those of another process come as the alerts that it made of them. `done` gets None, or the reason for
    which they could not be kept. `acknowledged` is the batch's.
    """

    matches: Sequence[Match | Alert]
    done: Callable[[str | None], None]
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """The alerts of one batch."""

    alerts: Sequence[Alert]
    acknowledged: bool


class Sink(Protocol):
    """Where the writer leaves alerts. Everything is called from its thread."""

    def accept(self, parcels: Sequence[Parcel]) -> list[str | None]:
        """Keep or deliver the alerts; for each parcel None, or the reason where its own could not be."""

    def reopen(self) -> None:
        """Close and open the outputs' files, for log rotation."""

    def close(self) -> None:
        """Nothing more comes."""


class Writer:
    """A thread that makes alerts of matches, in groups, and leaves them at the sink."""

    def __init__(self, sink: Sink, alert_format: AlertFormat) -> None:
        self._sink = sink
        self._format = alert_format
        self._queue: queue.Queue[Handover | None] = queue.Queue(QUEUE_SIZE)
        self._reopen = threading.Event()
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
        """Write what waits and close the sink; False when that took longer than `deadline_s` seconds."""
        end = time.monotonic() + deadline_s
        try:
            self._queue.put(None, timeout=deadline_s)
        except queue.Full:
            return False
        self._thread.join(max(0.0, end - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        more = True
        while more:
            group, more = self._next_group()
            if self._reopen.is_set():
                self._reopen.clear()
                self._sink.reopen()
            self._write(group)
            del group  # What `done` holds, as a batch, would stay until there is more to write.
        self._sink.close()

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

    def _write(self, group: Sequence[Handover]) -> None:
        """Leave a group's alerts at the sink and answer each handover."""
        made = [rendered(handover.matches, self._format) for handover in group]
        parcels = [
            Parcel(alerts, handover.acknowledged) for handover, (alerts, _) in zip(group, made, strict=True)
        ]
        try:
            reasons = self._sink.accept(parcels)
        except Exception as error:
            log.exception("the alerts of %d batches could not be kept", len(group))
            reasons = [f"internal error: {error}"] * len(group)
        for handover, (_, unrendered), reason in zip(group, made, reasons, strict=True):
            handover.done(unrendered or reason)


def rendered(matches: Iterable[Match | Alert], alert_format: AlertFormat) -> tuple[list[Alert], str | None]:
    """(the alerts of some matches, the reason where there is one that can't be rendered)."""
    alerts: list[Alert] = []
    reason = None
    for match in matches:
        if isinstance(match, Alert):
            alerts.append(match)
            continue
        try:
            alerts.append(alert_format.alert(match))
        except Exception as error:
            log.exception("an alert of rule %s could not be rendered", match.rule.name)
            reason = f"an alert of rule {match.rule.name} could not be rendered: {error}"
    return alerts, reason
