"""Which levels and stages the events of the first minute are of."""

from __future__ import annotations

from collections.abc import Iterable

from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.raw import text


class Seen:
    """The levels and stages so far, which say what the audit policy records."""

    def __init__(self) -> None:
        self._pairs: set[tuple[bytes, str | None]] = set()

    def note(self, events: Iterable[AuditEvent]) -> None:
        """Look at some events."""
        self._pairs.update((bytes(event.record.level), event.record.stage) for event in events)

    def pairs(self) -> set[tuple[str, str]]:
        """Level and stage of events that have both."""
        return {(text(level), stage) for level, stage in self._pairs if level and stage is not None}
