"""Rules ready to run: immutable, one set for each source, swapped whole on reload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from falcocore.lang.bound import BoundField, BoundNode
from falcocore.lang.compile import Program
from falcocore.lang.template import Template
from falcocore.source import Stream
from falcocore.types import Priority, Value

Values: TypeAlias = tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule after everything was applied to it: appends, exceptions, added output.

    `captures` are the fields whose values an alert needs, in the order of the values of a match; the first
    `listed` of them stand in `output_fields`. `extra` are further entries there: name and template.
    """

    name: str
    source: str
    priority: Priority
    tags: tuple[str, ...]
    description: str
    condition: BoundNode
    output: Template
    captures: tuple[BoundField, ...]
    listed: int
    extra: tuple[tuple[str, Template], ...] = ()

    def rendered(self, values: Values) -> tuple[str, dict[str, Any]]:
        """(the output with the values of one match filled in, JSON-able values by field name).

        An absent value is None in the second.
        """
        known = {bound.label: value for bound, value in zip(self.captures, values, strict=True)}
        fields = {bound.label: bound.json_value(known[bound.label]) for bound in self.captures[: self.listed]}
        for name, template in self.extra:
            fields[name] = template.render(known)
        return self.output.render(known), fields


Matcher: TypeAlias = Callable[[Any, Stream], Sequence[tuple[Rule, Values]]]
"""Takes (event, stream); returns the matching rules with the captured values, empty for most events."""
OnFailure: TypeAlias = Callable[[BoundField, Exception], None]


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """The active rules of one source, in order, and the generated function that matches them.

    `guarded` makes the same function with getters that can't raise: it is given what to call with a field
    and the exception its getter raised; the field then reads as absent.
    """

    source: str
    rules: tuple[Rule, ...]
    match: Matcher
    guarded: Callable[[OnFailure], Matcher]
    generation: int = 0

    @classmethod
    def compiled(cls, source: str, rules: Sequence[Rule], *, first: bool, generation: int = 0) -> RuleSet:
        """Generate and link the code; `first` ends at the first rule that matches."""
        program = Program(rules, first=first)

        def guarded(on_failure: OnFailure) -> Matcher:
            def guard(bound: BoundField, getter: Callable[..., Any]) -> Callable[..., Any]:
                def guarded_getter(*arguments: Any) -> Any:
                    try:
                        return getter(*arguments)
                    except Exception as error:  # whatever a plugin raises
                        on_failure(bound, error)
                        return None

                return guarded_getter

            return program.link(guard)

        return cls(source, tuple(rules), program.link(), guarded, generation)
