"""An output as it is configured: its name, and which alerts it wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from falcocore.output import Alert, Output


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
