"""A writer that sends to outputs by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from falcocore.alerts import AlertFormat
from falcocore.api import Output
from falcocore.counters import Counters
from falcocore.delivering import Straight
from falcocore.destination import Destination
from falcocore.writer import Writer


def destinations_of(outputs: Sequence[Output]) -> list[Destination]:
    """Each output under its own name."""
    return [Destination(output.name, output) for output in outputs]


def straight(
    outputs: Sequence[Output],
    counters: Counters | None = None,
    on_gone: Callable[[str], None] = lambda _reason: None,
) -> Straight:
    """What stands behind a writer that sends by itself."""
    return Straight(destinations_of(outputs), counters or Counters(), on_gone)


def writer_to(
    outputs: Sequence[Output],
    counters: Counters | None = None,
    on_gone: Callable[[str], None] = lambda _reason: None,
) -> Writer:
    """A writer that sends by itself."""
    return Writer(straight(outputs, counters, on_gone).sink, AlertFormat("h"))
