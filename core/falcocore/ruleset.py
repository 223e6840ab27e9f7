"""Rules ready to run: immutable, one set for each source, swapped whole on reload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from falcocore.lang.bound import BoundField, BoundNode
from falcocore.lang.template import Template
from falcocore.source import Stream
from falcocore.types import Priority, Value

Values: TypeAlias = tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule after everything was applied to it: appends, exceptions, added output.

    `captures` are the fields whose values an alert needs, in the order of the values of a match.
    `extra` are the added fields of an alert's JSON: name and the template or the capture's index.
    """

    name: str
    source: str
    priority: Priority
    tags: tuple[str, ...]
    description: str
    condition: BoundNode
    output: Template
    captures: tuple[BoundField, ...]
    extra: tuple[tuple[str, Template | int], ...] = ()

    def message(self, values: Values) -> str:
        """The rendered output: the template with the values of one match."""
        return self.output.render(values)

    def output_fields(self, values: Values) -> dict[str, Any]:
        """JSON-able values by field name, None where absent."""
        fields = {
            bound.label: bound.json_value(value) for bound, value in zip(self.captures, values, strict=True)
        }
        for name, what in self.extra:
            fields[name] = fields[self.captures[what].label] if isinstance(what, int) else what.render(values)
        return fields


Matcher: TypeAlias = Callable[[Any, Stream], Sequence[tuple[Rule, Values]]]
"""Takes (event, stream); returns the matching rules with the captured values, empty for most events."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """The active rules of one source, in order, and the generated function that matches them."""

    source: str
    rules: tuple[Rule, ...]
    match: Matcher
    generation: int = 0
    inactive: dict[str, str] = field(default_factory=dict)
    """Rules that were loaded but don't run, by name, with the reason."""
