"""How alerts get from the writer to the outputs: straight, or by way of the outbox."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from falcocore.config.settings import Settings
from falcocore.control.report import DeliveryReport, OutputReport
from falcocore.counters import Counters
from falcocore.destination import Destination, open_all
from falcocore.direct import Direct
from falcocore.errors import ConfigError
from falcocore.state import StateDirectory, state_directory
from falcocore.writer import Sink

log = logging.getLogger("falcocore.delivery")

STRAIGHT = frozenset({"stdout", "file"})
"""Types of outputs that need no outbox: what is written to them is there, or the source is held up."""


class Delivering(Protocol):
    """What stands behind the writer."""

    @property
    def sink(self) -> Sink:
        """Where the writer leaves alerts."""

    @property
    def directory(self) -> StateDirectory | None:
        """The state directory; whether it is this process's is known after `open`."""

    def open(self) -> None:
        """Open the outputs, and what is kept for them."""

    def abandon(self) -> None:
        """Close what `open` opened, where the start fails after it."""

    def start(self) -> None:
        """Begin to deliver."""

    def finish(self, deadline_s: float, patient: Callable[[], bool], /) -> None:
        """Deliver what waits, once the writer is closed.

        While `patient()` is true, the deadline is for the time in which nothing is delivered.
        """

    def report(self) -> DeliveryReport:
        """How the outputs are doing; from any thread."""

    def retry_now(self, outputs: set[str] | None) -> None:
        """Try these outputs, or all, at once where they have something to deliver; from any thread."""


class Straight:
    """The writer's thread sends by itself.

    It takes a state directory for the control socket where that can be had; for sources that keep something
    there it has to be, which `needs_directory` says.
    """

    def __init__(
        self,
        destinations: Sequence[Destination],
        counters: Counters,
        on_gone: Callable[[str], None],
        directory: StateDirectory | None = None,
        *,
        needs_directory: bool = False,
    ) -> None:
        self._destinations = destinations
        self._counters = counters
        self.directory = directory
        self._needs_directory = needs_directory
        self.sink = Direct(destinations, counters, on_gone)

    def open(self) -> None:
        """Open the outputs; where one can't be, the others are closed again."""
        open_all(self._destinations)
        if self.directory is not None:
            try:
                self.directory.own()
            except ConfigError as error:
                if self._needs_directory:
                    self.sink.close()
                    raise
                log.debug("there is no control socket: %s", error.message)

    def abandon(self) -> None:
        """Close the outputs."""
        self.sink.close()
        self._release()

    def _release(self) -> None:
        if self.directory is not None:
            self.directory.release()

    def start(self) -> None:
        """Nothing: the writer's thread does it."""

    def finish(self, _deadline_s: float, _patient: Callable[[], bool]) -> None:
        """Nothing waits: the writer has written it."""
        self._release()

    def report(self) -> DeliveryReport:
        """What was delivered, and what failed."""
        failures, said = self._counters.output_failures, self.sink.last_errors
        outputs = [
            OutputReport(
                name=to.name,
                delivered=self.sink.delivered[to.name],
                failures=failures[to.name],
                last_error=said.get(to.name),
            )
            for to in self._destinations
        ]
        return DeliveryReport(outputs=outputs)

    def retry_now(self, outputs: set[str] | None) -> None:
        """Nothing waits."""


def delivering_for(
    settings: Settings,
    destinations: Sequence[Destination],
    counters: Counters,
    on_gone: Callable[[str], None],
    *,
    is_live: bool,
    keeps_state: bool = False,
) -> Delivering:
    """By way of the outbox where the configuration says so, or an output may be out of reach for a while.

    `is_live` says that a source has no end: a state directory is taken for the control socket then, too.
    `keeps_state` says that a source needs one.
    """
    needed = any(output.type not in STRAIGHT for output in settings.outputs)
    enabled = settings.outbox.enabled
    if needed if enabled is None else enabled:
        # SQLite is imported where it is used: a replay to a terminal starts without it.
        from falcocore.outbox.delivering import ByOutbox

        return ByOutbox(settings.outbox, destinations, counters, on_gone)
    if needed:
        log.warning("the outbox is switched off: alerts that an output does not take at once are lost")
    directory = None
    if is_live or keeps_state:  # A replay must not keep a service from its directory.
        try:
            directory = state_directory(settings.outbox.path)
        except ConfigError as error:
            if keeps_state:
                raise
            log.debug("there is no control socket: %s", error.message)
    return Straight(destinations, counters, on_gone, directory, needs_directory=keeps_state)
