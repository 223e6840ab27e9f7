"""From the writer to the outputs by way of the outbox."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

from falcocore.config.settings import OutboxSettings
from falcocore.control.report import DeliveryReport
from falcocore.counters import Counters
from falcocore.destination import Destination, open_all
from falcocore.outbox.delivery import Delivery
from falcocore.outbox.outbox import Outbox
from falcocore.outbox.sink import OutboxSink
from falcocore.outbox.status import delivery_report
from falcocore.state import state_directory

log = logging.getLogger("falcocore.delivery")


class ByOutbox:
    """Alerts are kept on disk, and workers deliver them from there."""

    def __init__(
        self,
        settings: OutboxSettings,
        destinations: Sequence[Destination],
        counters: Counters,
        on_gone: Callable[[str], None],
    ) -> None:
        self._destinations = destinations
        self._limits = settings.limits
        self.directory = state_directory(settings.path)
        self.outbox = Outbox(self.directory.outbox, settings.limits, [to.name for to in destinations])
        self.delivery = Delivery(self.outbox, destinations, counters, on_gone)
        self.sink = OutboxSink(self.outbox, destinations, counters, self.delivery.wake, self.delivery.reopen)

    def open(self) -> None:
        """Take the state directory, open the outbox and the outputs."""
        with contextlib.ExitStack() as opened:
            self.directory.own()
            opened.callback(self.directory.release)
            self.outbox.open()
            opened.callback(self.outbox.close)
            open_all(self._destinations)
            opened.pop_all()

    def abandon(self) -> None:
        """Close the outputs and give the state directory up."""
        for to in self._destinations:
            to.output.close()
        self.outbox.close()
        self.directory.release()

    def start(self) -> None:
        """Begin with what waits from before."""
        self.delivery.start()

    def finish(self, deadline_s: float, patient: Callable[[], bool]) -> None:
        """Deliver what waits; the rest is delivered after the next start."""
        for name, count in self.delivery.close(deadline_s, patient).items():
            log.warning("output %s: %d alerts wait in the outbox for the next start", name, count)
        self.outbox.close()
        self.directory.release()

    def report(self) -> DeliveryReport:
        """How the outputs and the outbox are doing."""
        return delivery_report(self.outbox.path, self._limits, self.delivery.workers)

    def retry_now(self, outputs: set[str] | None) -> None:
        """Look into the queues of these outputs, or of all, and try those that fail again at once."""
        self.delivery.retry_now(outputs)
