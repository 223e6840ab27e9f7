"""Rules to one function for each source.

The function takes an event and its stream, and returns the matching rules with the values that their
alerts need. Every field is extracted at most once for an event, and only where a rule comes to it.

Where many rules compare the same fields with constants, those fields are read first. Their values are the
key to a function that was specialised for them: rules that can't match are not in it, and checks that the
key decides are not made. It is generated when the key is seen first. Where many rules are left for a key,
it is such a function itself, which looks at further fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from falcocore.lang.bound import BoundField, BoundNode
from falcocore.lang.codegen import Flow, Guard, Writer
from falcocore.lang.dispatch import Key, KeyField, Knowledge, key_fields
from falcocore.lang.dispatcher import Dispatcher, Function, Room
from falcocore.lang.partial import reduced

LEAST_RULES = 3
"""Rules that compare a field with constants for it to be worth a look-up."""
MANY_RULES = 12
"""Rules left for a key for it to be worth to look at further fields."""


class Compilable(Protocol):
    """What the compiler needs of a rule."""

    @property
    def condition(self) -> BoundNode:
        """When it matches."""

    @property
    def captures(self) -> tuple[BoundField, ...]:
        """The fields whose values a match holds."""


class _Unset:
    """What a variable holds that was not filled; None is a value."""

    def __repr__(self) -> str:
        return "U"


class Program:
    """The generated code of one rule set; `link` makes the function."""

    def __init__(
        self,
        rules: Sequence[Compilable],
        *,
        first: bool,
        least_rules: int = LEAST_RULES,
        many_rules: int = MANY_RULES,
    ) -> None:
        self._rules = [Left(f"R{number}", rule, rule.condition) for number, rule in enumerate(rules)]
        self._first = first
        self._least_rules = least_rules
        self._many_rules = many_rules
        self.key = key_fields([rule.condition for rule in rules], least_rules)
        """The fields on whose values it dispatches; none where that is not worth it."""

    def source(self, key: Key | None = None) -> str:
        """The code for events of a key; None is the code for every event."""
        if key is None:
            return _Unit(self._rules, (), first=self._first).source
        return _Unit(remaining(self._rules, self.key, key), self.key, first=self._first).source

    def link(self, guard: Guard | None = None, room: Room | None = None) -> Callable[[Any, Any], Any]:
        """The function, with each getter wrapped by `guard` where one is given.

        `room` bounds the functions for single keys that it comes to make.
        """
        return self._linked(self._rules, (), self.key, guard, room or Room())

    def _linked(
        self,
        rules: Sequence[Left],
        given: Sequence[KeyField],
        key: Sequence[KeyField],
        guard: Guard | None,
        room: Room,
    ) -> Function:
        """The function for rules of which is left what the values of `given` do not decide."""
        if not key:
            return _Unit(rules, given, first=self._first).link(guard)
        known = {field.bound.label for field in given}
        fields = (*given, *(field for field in key if field.bound.label not in known))

        def specialise(values: Key) -> Function | None:
            left = remaining(rules, key, values)
            if not left:
                return None
            more: Sequence[KeyField] = ()
            if len(left) >= self._many_rules:
                conditions = [rule.condition for rule in left if rule.condition is not True]
                more = key_fields(conditions, self._least_rules, prefixes=True)
            return self._linked(left, fields, more, guard, room)

        def general() -> Function:
            return _Unit(rules, fields, first=self._first).link(guard)

        return Dispatcher(given, key, specialise, general, guard, room).function


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a rule's condition for the events of a key; True where they all match."""

    name: str
    rule: Compilable
    condition: BoundNode | Literal[True]


def remaining(rules: Sequence[Left], fields: Sequence[KeyField], key: Key) -> list[Left]:
    """What is left of rules for events of a key; those that can't match are not in it."""
    decide = Knowledge(fields, key).decide
    found = []
    for rule in rules:
        condition = True if rule.condition is True else reduced(rule.condition, decide)
        if condition is not False:
            found.append(Left(rule.name, rule.rule, condition))
    return found


def code_of(rule: Compilable, fields: Sequence[KeyField] = (), key: Key = ()) -> str | None:
    """The generated code of one rule alone: for every event, or what is left of it for events of a key.

    To read: the constants that it names stand before it. None where the rule can't match such events.
    """
    left = remaining([Left("R0", rule, rule.condition)], fields, key)
    if not left:
        return None
    unit = _Unit(left, fields, first=True)
    return "".join([*(f"{name} = {value}\n" for name, value in unit.constants()), unit.source])


class _Unit:
    """One generated function: what is left of the rules, with the fields of `given` as parameters."""

    def __init__(self, rules: Sequence[Left], given: Sequence[KeyField], *, first: bool) -> None:
        self._writer = Writer()
        self._rules = {left.name: left.rule for left in rules}
        flow = Flow()
        parameters = ["e", "s"]
        for field in given:
            parameters.append(self._writer.variable(field.bound))
            flow = flow.with_filled(parameters[-1])
        lines = self._lines(rules, flow, first=first)
        unset = " = ".join(sorted(self._writer.tested, key=lambda name: int(name[1:])))
        start = [f"    {unset} = U"] if unset else []
        if not first:
            start.append("    found = []")
        end = f"    return {'()' if first else 'found'}"
        self.source = "\n".join([f"def match({', '.join(parameters)}):", *start, *lines, end, ""])

    def constants(self) -> Iterator[tuple[str, str]]:
        """The constants that have names, and how they are written."""
        for name, value in self._writer.names.items():
            if not callable(value):
                members = sorted(map(repr, value)) if isinstance(value, frozenset) else None
                yield name, repr(value) if members is None else f"{{{', '.join(members)}}}"

    def _lines(self, rules: Sequence[Left], flow: Flow, *, first: bool) -> list[str]:
        lines: list[str] = []
        for left in rules:
            name, always = left.name, left.condition is True
            condition, if_true, if_false = "True", flow, flow
            if left.condition is not True:
                expression = self._writer.node(left.condition, flow)
                condition, if_true, if_false = expression.code, expression.if_true, expression.if_false
            values, after = _captures(self._writer, left.rule, if_true)
            if first:
                lines += [f"    if {condition}:", f"        return (({name}, {values}),)"]
                if always:
                    break  # No rule behind it is come to.
                flow = if_false
            else:
                lines += [f"    if {condition}:", f"        found.append(({name}, {values}))"]
                flow = after if always else Flow.joined((if_false, after))
        return lines

    def link(self, guard: Guard | None) -> Function:
        """The function, with each getter wrapped by `guard` where one is given."""
        names: dict[str, Any] = {**self._writer.names, **self._rules, "U": _Unset()}
        if guard is not None:
            for name, bound in self._writer.getters.items():
                names[name] = guard(bound, names[name])
        # The text is generated above from a checked tree; texts of users are in it as literals only.
        exec(compile(self.source, "<rules>", "exec"), names)  # noqa: S102
        return names["match"]  # type: ignore[no-any-return]


def _captures(writer: Writer, rule: Compilable, flow: Flow) -> tuple[str, Flow]:
    """(code of the tuple of captured values, flow after it)."""
    values: list[str] = []
    for bound in rule.captures:
        variable, value = writer.captured(bound, flow)
        values.append(value)
        flow = flow.with_filled(variable)
    return f"({', '.join(values)}{',' if values else ''})", flow
