"""Rules ready to run: immutable, one set for each source, swapped whole on reload."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from falcocore.lang.bound import BoundCheck, BoundField, BoundNode, checks
from falcocore.lang.codegen import plain_fields
from falcocore.lang.compile import Program
from falcocore.lang.evaluate import evaluate_check
from falcocore.lang.partial import reduced
from falcocore.lang.projection import project
from falcocore.lang.template import Template
from falcocore.stream import Stream
from falcocore.types import Priority, Scalar, Value

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
class _Screened:
    """What is left of a rule where only some fields are read."""

    condition: BoundNode
    captures: tuple[BoundField, ...] = ()


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

    def can_match(self, known: Mapping[str, Value]) -> bool:
        """False where no rule can match an event whose fields have these values, by label; None is absent.

        What is said of a field has to hold for the whole event; about fields that are not named nothing is
        known.
        """

        def decide(check: BoundCheck) -> bool | None:
            operands = [check.left, check.right] if check.compares_operand else [check.left]
            if any(not isinstance(o, BoundField) or o.label not in known for o in operands):
                return None
            return evaluate_check(check, lambda bound: known[bound.label])

        return any(reduced(rule.condition, decide) is not False for rule in self.rules)

    def screen(self, fields: Collection[str]) -> Callable[[Any], bool]:
        """A function of an event that is false only where no rule can match it, judged by these fields alone.

        Their getters are called as the rules would call them; other fields, and `evt.num` and the like, which
        belong to the stream, are not read.
        """

        def testable(check: BoundCheck) -> bool:
            operands = (check.left, check.right) if check.compares_operand else (check.left,)
            read = [bound for operand in operands for bound in plain_fields(operand)]
            return all(bound.field.name in fields and not bound.field.of_stream for bound in read)

        left = []
        for projection in project(self.rules, testable):
            if projection.condition is True:
                return lambda _event: True
            if projection.condition is not False:
                left.append(_Screened(projection.condition))
        match = Program(left, first=True).link()
        return lambda event: bool(match(event, None))

    def reads(self) -> frozenset[str]:
        """The labels of all fields that a condition or an output reads, such as `proc.aname[2]`."""
        return frozenset(
            bound.label for projection in project(self.rules, lambda _: False) for bound in projection.reads
        )

    def constants(self, field: str) -> frozenset[Scalar]:
        """What the rules compare the text or number field of that name with."""
        found: set[Scalar] = set()
        for rule in self.rules:
            for check in checks(rule.condition):
                left, right = check.left, check.right
                if isinstance(left, BoundField) and left.field.name == field and not check.compares_operand:
                    several = isinstance(right, tuple | frozenset)
                    found.update(c for c in (right if several else (right,)) if isinstance(c, str | int))
        return frozenset(found)

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
