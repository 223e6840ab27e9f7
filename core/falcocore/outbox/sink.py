"""The writer's end of the outbox: alerts are kept on disk, and the batch is acknowledged then."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence

from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.outbox.limits import FullError
from falcocore.outbox.outbox import TROUBLE, Connection, Outbox, reason_of
from falcocore.outbox.store import Addressed, Group
from falcocore.output import Alert
from falcocore.writer import Parcel

log = logging.getLogger("falcocore.outbox")


class OutboxSink:
    """Keeps alerts, all of a group or none.

    `on_accepted` is called with the names of the outputs that have something new to deliver; `on_reopen`
    where log files are to be opened again.
    """

    def __init__(
        self,
        outbox: Outbox,
        destinations: Sequence[Destination],
        counters: Counters,
        on_accepted: Callable[[set[str]], None],
        on_reopen: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._destinations = destinations
        self._counters = counters
        self._on_accepted = on_accepted
        self._on_reopen = on_reopen
        self._connection = Connection(outbox)
        self._failing = False

    def accept(self, parcels: Sequence[Parcel]) -> list[str | None]:
        """Keep the alerts; for each parcel the reason where its own could not be."""
        groups = [Group([self._addressed(a) for a in p.alerts], p.acknowledged) for p in parcels if p.alerts]
        reason = self._keep(groups) if groups else None
        return [reason if parcel.alerts else None for parcel in parcels]

    def _addressed(self, alert: Alert) -> Addressed:
        return Addressed(alert, [to.name for to in self._destinations if to.wants(alert)])

    def _keep(self, groups: Sequence[Group]) -> str | None:
        try:
            accepted = self._append(groups)
        except FullError as error:
            return self._failed(str(error))
        except TROUBLE as error:
            return self._failed(reason_of(error))
        if self._failing:
            log.info("outbox %s: alerts are kept again", self._outbox.path)
            self._failing = False
        for addressed in accepted:
            self._counters.count_alert(addressed.alert)
        self._counters.duplicates += sum(len(group.alerts) for group in groups) - len(accepted)
        self._on_accepted({name for addressed in accepted for name in addressed.outputs})
        return None

    def _append(self, groups: Sequence[Group]) -> list[Addressed]:
        """Append, a second time where the database was damaged and could be mended."""
        try:
            return self._connection.append(groups)
        except sqlite3.Error as error:
            if not self._connection.mend(error):
                raise
        return self._connection.append(groups)

    def _failed(self, reason: str) -> str:
        """The reason as it goes to the sender; logged when it begins, for a sender asks again and again."""
        if not self._failing:
            log.error("outbox %s: alerts can't be kept: %s", self._outbox.path, reason)
            self._failing = True
        return f"outbox: {reason}"

    def reopen(self) -> None:
        """Have the outputs open their files again."""
        self._on_reopen()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()
