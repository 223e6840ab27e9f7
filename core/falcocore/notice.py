"""What a source has to say about itself, as an alert: that events were lost, for example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from falcocore.types import Priority, Value


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert that no rule has raised. A batch carries it (`Batch.notices`), and it goes where alerts go.

    `name` stands in the place of a rule's; Falco's own begin with `Falco internal: `. `key` is its identity
    within the source, as that of an event. `fields` become the alert's `output_fields`.
    """

    name: str
    priority: Priority
    message: str
    time_ns: int
    key: str
    fields: Mapping[str, Value]
    tags: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[str] = "internal"

    def rendered(self, _values: Any) -> tuple[str, dict[str, Any]]:
        """(the message, a copy of the fields), as a rule renders its output."""
        return self.message, dict(self.fields)
