"""Alerts straight to the outputs, for stdout and files: what can't be written now is not acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from falcocore.counters import Counters
from falcocore.destination import Destination, close_all, reopen
from falcocore.errors import OutputGone
from falcocore.output import Alert
from falcocore.writer import Parcel

log = logging.getLogger("falcocore.writer")


class Direct:
    """Sends alerts from the writer's thread; an event loop of its own runs the outputs' `send`.

    `on_gone` is called, once, when an output's receiver is gone for good.
    """

    def __init__(
        self,
        destinations: Sequence[Destination],
        counters: Counters,
        on_gone: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._destinations = destinations
        self._counters = counters
        self._on_gone = on_gone
        self._gone: str | None = None
        self.delivered: Counter[str] = Counter()
        """Alerts by output."""
        self.last_errors: dict[str, str] = {}
        """By output."""
        self._runner = asyncio.Runner()

    def accept(self, parcels: Sequence[Parcel]) -> list[str | None]:
        """Deliver the alerts of all parcels in one go; for each the reason where its own could not be."""
        alerts = [alert for parcel in parcels for alert in parcel.alerts]
        failed = self._runner.run(self._deliver(alerts)) if alerts else None
        return [failed if parcel.alerts else None for parcel in parcels]

    async def _deliver(self, alerts: Sequence[Alert]) -> str | None:
        """Send alerts to every output; the reason where one of them failed."""
        reasons = [reason for to in self._destinations if (reason := await self._send(to, alerts))]
        if reasons:
            return "; ".join(reasons)
        for alert in alerts:
            self._counters.count_alert(alert)
        return None

    async def _send(self, to: Destination, alerts: Sequence[Alert]) -> str | None:
        if self._gone is not None:
            return self._gone
        wanted = [alert for alert in alerts if to.wants(alert)]
        try:
            for batch in to.batches(wanted):
                await to.output.send(batch)
                self.delivered[to.name] += len(batch)
        except OutputGone as error:
            self._failed(to, str(error))
            log.error("output %s: %s; falcocore ends", to.name, error)
            self._gone = str(error)
            self._on_gone(self._gone)
            return self._gone
        # An output's library may leak a cancellation of its own; it must not end the writer.
        except (Exception, asyncio.CancelledError) as error:
            cause = str(error) or type(error).__name__
            self._failed(to, cause)
            log.error("output %s: %d alerts could not be written: %s", to.name, len(wanted), cause)
            return f"output {to.name}: {cause}"
        return None

    def _failed(self, to: Destination, cause: str) -> None:
        self._counters.output_failures[to.name] += 1
        self.last_errors[to.name] = cause

    def reopen(self) -> None:
        """Close the outputs and open them again."""
        for to in self._destinations:
            reopen(to)

    def close(self) -> None:
        """Close the outputs."""
        self._runner.run(close_all(self._destinations))
        self._runner.close()
