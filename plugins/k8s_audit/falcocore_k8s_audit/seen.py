"""Which levels and stages the events of the first minute are of."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from operator import attrgetter

from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.policy.levels import LEVELS, Level, Stage

_KNOWN = {(word, stage.value): (level, stage) for (word, level), stage in product(LEVELS.items(), Stage)}
_spelled = attrgetter("record.level", "record.stage")


class Seen:
    """The levels and stages so far, which say what the audit policy records."""

    def __init__(self) -> None:
        self._pairs: set[tuple[str, str]] = set()

    def note(self, events: Iterable[AuditEvent]) -> bool:
        """Look at some events; True where they are of a level and stage that none was of before."""
        before = len(self._pairs)
        self._pairs.update(_KNOWN.keys() & map(_spelled, events))
        return len(self._pairs) > before

    def pairs(self) -> set[tuple[Level, Stage]]:
        """Level and stage of events that have both, as Kubernetes knows them."""
        return {_KNOWN[pair] for pair in self._pairs}
