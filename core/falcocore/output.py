"""What an alert is, and what an output does with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from falcocore.types import Priority


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, ready to be delivered.

    `line` is the alert in the format that the configuration asks for (text or one JSON object), without
    a line end. The other attributes are for outputs that shape it themselves: `output_fields` maps field
    names to JSON-able values (None where absent), `message` is the rendered output of the rule, and `labels`
    say where the event came from: `instance`, the name of the source's instance, and what the source adds.
    """

    id: str
    time_ns: int
    rule: str
    priority: Priority
    source: str
    tags: tuple[str, ...]
    hostname: str
    message: str
    output_fields: dict[str, Any]
    line: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Output:
    """Base class of outputs.

    Options are the keyword arguments of `__init__`, as for sources. Order, retry, batching, back-pressure
    and counting are the core's: `send` sends, or raises. What is said to the receiver and what it answers
    is logged at level DEBUG, without secrets: `falcocore output test` shows it.
    """

    name: ClassVar[str]
    max_batch: int = 100
    """How many alerts one `send` gets at the most; an instance may set its own."""

    def open(self) -> None:
        """Get ready. Called once before the first `send`; raises OutputError when it can't be."""

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Deliver the alerts in order; return when the receiver has them.

        Raises:
            OutputError: not now; the core tries again later.
            PermanentRefusal: never; the core puts them aside.
        """
        raise NotImplementedError

    def reopen(self) -> None:
        """Close and open again, for log rotation; called between two `send`s."""

    async def aclose(self) -> None:
        """End what belongs to the event loop, such as connections.

        Called once on the loop of `send` after the last of them, and before `close`; not where the start
        failed before the first.
        """

    def close(self) -> None:
        """Let go of everything else. Called once, whatever happened."""
