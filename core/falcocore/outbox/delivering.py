"""From the writer to the outputs by way of the outbox."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

from falcocore.config.settings import OutboxSettings
from falcocore.counters import Counters
from falcocore.delivering import open_outputs
from falcocore.destination import Destination
from falcocore.outbox.delivery import Delivery
from falcocore.outbox.outbox import Outbox
from falcocore.outbox.sink import OutboxSink
from falcocore.state import StateDirectory, default_directory

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
        self.directory = StateDirectory(settings.path or default_directory())
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
            open_outputs(self._destinations)
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
