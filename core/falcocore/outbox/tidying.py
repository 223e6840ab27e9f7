"""Keeps the outbox small, in a thread of its own, and tells of alerts that were given up for that."""

from __future__ import annotations

import logging
import threading
import time

from falcocore.outbox.outbox import TROUBLE, Connection, Outbox, reason_of
from falcocore.outbox.store import Store

log = logging.getLogger("falcocore.outbox")

TIDY_S = 1.0
"""Seconds between two removals of what was delivered."""
REMIND_S = 300.0
"""Seconds between two log lines about alerts that were given up."""


class Tidying:
    """Removes what was delivered and what is too old, again and again."""

    def __init__(self, outbox: Outbox) -> None:
        self._connection = Connection(outbox)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidy the outbox", daemon=True)
        self._told: dict[str, dict[str, int]] | None = None
        self._told_at = -REMIND_S

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End; returns when it has ended."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        more = True
        while more:
            try:
                store = self._connection.store()
                self._tell(store)
                store.tidy()
            except TROUBLE as error:
                log.debug("the outbox can't be tidied now: %s", reason_of(error))
                self._mend(error)
            more = not self._ended.wait(TIDY_S)
        self._connection.close()

    def _mend(self, error: Exception) -> None:
        try:
            self._connection.mend(error)
        except TROUBLE as failure:
            log.error("the outbox can't be mended now: %s", reason_of(failure))

    def _tell(self, store: Store) -> None:
        """Log what was given up since the last time; what was before the start is told of by `status`."""
        dropped = store.dropped()
        if self._told is None:
            self._told = dropped
        if dropped == self._told or time.monotonic() - self._told_at < REMIND_S:
            return
        for output, reasons in dropped.items():
            for reason, count in reasons.items():
                more = count - self._told.get(output, {}).get(reason, 0)
                if more > 0:
                    log.warning("output %s: %d alerts in the outbox were given up: %s", output, more, reason)
        self._told, self._told_at = dropped, time.monotonic()
