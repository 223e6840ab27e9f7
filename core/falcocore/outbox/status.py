"""What the outbox and the workers of the outputs tell of themselves, for `falcocore status`."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from falcocore.control.report import DeliveryReport, OutboxReport, OutputReport
from falcocore.outbox.letters import Letters
from falcocore.outbox.limits import Limits
from falcocore.outbox.outbox import reason_of
from falcocore.outbox.schema import DamagedError
from falcocore.outbox.store import Backlog, Store
from falcocore.outbox.worker import Worker


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the database says, or why it says nothing."""

    backlogs: Mapping[str, Backlog] = field(default_factory=dict)
    dropped: Mapping[str, dict[str, int]] = field(default_factory=dict)
    dead: Mapping[str, int] = field(default_factory=dict)
    size_bytes: int | None = None
    error: str | None = None


def delivery_report(path: Path, limits: Limits, workers: Sequence[Worker]) -> DeliveryReport:
    """How delivery is doing: what the workers count, and what is on disk. Called from any thread."""
    kept = _kept(path, limits)
    outputs = [_output(worker, kept) for worker in workers]
    names = {worker.to.name for worker in workers}
    outputs += (
        OutputReport(name=name, configured=False, dropped=kept.dropped.get(name, {}), dead_letters=count)
        for name, count in kept.dead.items()
        if name not in names
    )
    outbox = OutboxReport(
        path=str(path), limit_bytes=limits.max_bytes, size_bytes=kept.size_bytes, error=kept.error
    )
    return DeliveryReport(outputs=outputs, outbox=outbox)


def _kept(path: Path, limits: Limits) -> _Kept:
    """A look at the database on connections of its own: those that deliver are their threads'."""
    if not path.exists():
        return _Kept(error="it was removed")
    try:
        with (
            contextlib.closing(Store(path, limits, create=False)) as store,
            contextlib.closing(Letters(path)) as letters,
        ):
            return _Kept(store.backlogs(), store.dropped(), letters.dead_letters(), store.size_bytes())
    except (sqlite3.Error, OSError, DamagedError) as error:
        return _Kept(error=reason_of(error))


def _output(worker: Worker, kept: _Kept) -> OutputReport:
    name, progress = worker.to.name, worker.progress
    backlog = kept.backlogs.get(name)
    return OutputReport(
        name=name,
        backlog=backlog.count if backlog else None,
        oldest_s=backlog.oldest_s if backlog else None,
        delivered=progress.delivered,
        refused=progress.refused,
        failures=progress.failures,
        failing_since_s=progress.failing_since_s,
        next_try_s=progress.next_try_s if progress.failing_since_s is not None else None,
        last_error=progress.last_error,
        dropped=kept.dropped.get(name, {}),
        dead_letters=None if kept.error else kept.dead.get(name, 0),
    )
