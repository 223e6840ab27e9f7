"""How alerts get from the writer to the outputs: straight, or by way of the outbox."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from falcocore.config.settings import Settings
from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.direct import Direct
from falcocore.state import StateDirectory, default_directory
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
        """The state directory, which is owned from `open` on; None where nothing has to be kept."""

    def open(self) -> None:
        """Open the outputs, and what is kept for them."""

    def abandon(self) -> None:
        """Close what `open` opened, where the start fails after it."""

    def start(self) -> None:
        """Begin to deliver."""

    def finish(self, deadline_s: float, *, patient: bool) -> None:
        """Deliver what waits, once the writer is closed.

        With `patient`, the deadline is for the time in which nothing is delivered.
        """


class Straight:
    """The writer's thread sends by itself; a state directory is for sources that ask for it."""

    def __init__(
        self,
        destinations: Sequence[Destination],
        counters: Counters,
        on_gone: Callable[[str], None],
        directory: StateDirectory | None = None,
    ) -> None:
        self._destinations = destinations
        self.directory = directory
        self.sink = Direct(destinations, counters, on_gone)

    def open(self) -> None:
        """Take the state directory and open the outputs; where one can't be, the others are closed again."""
        with contextlib.ExitStack() as opened:
            if self.directory is not None:
                self.directory.own()
                opened.callback(self.directory.release)
            open_outputs(self._destinations)
            opened.pop_all()

    def abandon(self) -> None:
        """Close the outputs and give the state directory up."""
        self.sink.close()
        self._release()

    def start(self) -> None:
        """Nothing: the writer's thread does it."""

    def finish(self, deadline_s: float, *, patient: bool) -> None:  # noqa: ARG002 - it takes no time
        """Nothing waits: the writer has written it."""
        self._release()

    def _release(self) -> None:
        if self.directory is not None:
            self.directory.release()


def open_outputs(destinations: Sequence[Destination]) -> None:
    """Open outputs; where one of them can't be opened, the others are closed again.

    Raises:
        OutputError: that one's.
    """
    with contextlib.ExitStack() as opened:
        for to in destinations:
            to.output.open()
            opened.callback(to.output.close)
        opened.pop_all()


def delivering_for(
    settings: Settings,
    destinations: Sequence[Destination],
    counters: Counters,
    on_gone: Callable[[str], None],
    *,
    keeps_state: bool = False,
) -> Delivering:
    """By way of the outbox where the configuration says so, or an output may be out of reach for a while.

    `keeps_state` says that a source needs the state directory, with the outbox or without it.
    """
    needed = any(output.type not in STRAIGHT for output in settings.outputs)
    enabled = settings.outbox.enabled
    if needed if enabled is None else enabled:
        # SQLite is imported where it is used: a replay to a terminal starts without it.
        from falcocore.outbox.delivering import ByOutbox

        return ByOutbox(settings.outbox, destinations, counters, on_gone)
    if needed:
        log.warning("the outbox is switched off: alerts that an output does not take at once are lost")
    directory = StateDirectory(settings.outbox.path or default_directory()) if keeps_state else None
    return Straight(destinations, counters, on_gone, directory)
