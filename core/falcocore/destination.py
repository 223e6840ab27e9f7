"""An output as it is configured: its name, and which alerts it wants."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from falcocore.output import Alert, Output

log = logging.getLogger("falcocore.delivery")


def everything(_alert: Alert) -> bool:
    """What an output wants where nothing is said."""
    return True


@dataclass(frozen=True, slots=True)
class Destination:
    """One configured output. `name` is the configuration's; several may be of one class."""

    name: str
    output: Output
    wants: Callable[[Alert], bool] = everything

    def batches(self, alerts: Sequence[Alert]) -> Iterator[Sequence[Alert]]:
        """The alerts in as many as the output takes at a time."""
        size = max(1, self.output.max_batch)
        for at in range(0, len(alerts), size):
            yield alerts[at : at + size]


def open_all(destinations: Sequence[Destination]) -> None:
    """Open outputs; where one of them can't be opened, the others are closed again.

    Raises:
        OutputError: that one's.
    """
    with contextlib.ExitStack() as opened:
        for to in destinations:
            to.output.open()
            opened.callback(to.output.close)
        opened.pop_all()


async def close_all(destinations: Sequence[Destination]) -> None:
    """Close outputs: what they have on this event loop at the same time, as each may have to wait."""
    closed = await asyncio.gather(*(to.output.aclose() for to in destinations), return_exceptions=True)
    for to, failure in zip(destinations, closed, strict=True):
        try:
            if failure is not None:
                log.error("output %s could not be closed: %s", to.name, failure)
            to.output.close()
        except Exception as error:
            log.error("output %s could not be closed: %s", to.name, error)


def reopen(to: Destination) -> None:
    """Have an output open its files again."""
    try:
        to.output.reopen()
    except Exception as error:
        log.error("output %s could not be reopened: %s", to.name, error)
