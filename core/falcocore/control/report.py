"""What `falcocore status` tells, as the control socket sends it. Times in seconds since 1970."""

from __future__ import annotations

import msgspec


class SourceReport(msgspec.Struct, frozen=True, kw_only=True):
    """One running source; `doing` and `figures` are what it says of itself."""

    instance: str
    source: str
    doing: str
    events: int
    rejected: int
    rules: int
    figures: dict[str, int | str] = {}


class OutputReport(msgspec.Struct, frozen=True, kw_only=True):
    """One output.

    `delivered`, `refused` and `failures` count since the start of the process, `dropped` (by reason) and
    `dead_letters` since the outbox was made. What only an outbox knows is None without one, and where it
    can't be read. One that is not `configured` any more has left dead letters behind.
    """

    name: str
    configured: bool = True
    backlog: int | None = None
    oldest_s: int | None = None
    delivered: int = 0
    refused: int = 0
    failures: int = 0
    failing_since_s: float | None = None
    next_try_s: float | None = None
    last_error: str | None = None
    dropped: dict[str, int] = {}
    dead_letters: int | None = None


class OutboxReport(msgspec.Struct, frozen=True, kw_only=True):
    """The outbox; `error` says why it can't be read now."""

    path: str
    limit_bytes: int
    size_bytes: int | None = None
    error: str | None = None


class DeliveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything behind the writer."""

    outputs: list[OutputReport]
    outbox: OutboxReport | None = None


class Alerts(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts since the start; by priority from the most severe on, by rule from the most frequent on.

    `second_copies` were left out, because the same alert had been accepted before.
    """

    total: int
    by_priority: dict[str, int]
    by_rule: dict[str, int]
    second_copies: int


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that run; the generation counts up with each reload."""

    count: int
    generation: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one process."""

    version: str
    pid: int
    directory: str
    started_s: float
    uptime_s: float
    sources: list[SourceReport]
    rules: Rules
    alerts: Alerts
    field_failures: dict[str, int]
    outputs: list[OutputReport]
    outbox: OutboxReport | None
