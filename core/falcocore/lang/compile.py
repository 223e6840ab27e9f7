"""Rules to one function for each source.

The function takes an event and its stream, and returns the matching rules with the values that their
alerts need. Every field is extracted at most once for an event, and only where a rule comes to it.

Where many rules compare the same fields with constants, those fields are read first. Their values are the
key to a function that was specialised for them: rules that can't match are not in it, and checks that the
key decides are not made. It is generated when the key is seen first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from falcocore.lang.bound import BoundField, BoundNode
from falcocore.lang.codegen import Flow, Guard, Writer
from falcocore.lang.dispatch import Key, KeyField, Knowledge, key_fields
from falcocore.lang.dispatcher import Dispatcher, Function
from falcocore.lang.partial import reduced

LEAST_RULES = 3
"""Rules that compare a field with constants for it to be worth a look-up."""


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

    def __init__(self, rules: Sequence[Compilable], *, first: bool, least_rules: int = LEAST_RULES) -> None:
        self._rules = rules
        self._first = first
        self.key = key_fields([rule.condition for rule in rules], least_rules)
        """The fields on whose values it dispatches; none where that is not worth it."""

    def source(self, key: Key | None = None) -> str:
        """The code for events of a key; None is the code for every event."""
        return self._unit(key).source

    def link(self, guard: Guard | None = None) -> Callable[[Any, Any], Any]:
        """The function, with each getter wrapped by `guard` where one is given."""
        if not self.key:
            return self._unit(None).link(guard)
        return Dispatcher(self.key, lambda key: self.specialised(key, guard), guard).function

    def specialised(self, key: Key | None, guard: Guard | None) -> Function | None:
        """The function for events of a key, None where no rule can match them; for key None, of any key."""
        if key is None:
            return _Unit(self._rules, self.key, lambda node: node, first=self._first).link(guard)
        unit = self._unit(key)
        return unit.link(guard) if unit.can_match else None

    def _unit(self, key: Key | None) -> _Unit:
        if key is None:
            return _Unit(self._rules, (), lambda node: node, first=self._first)
        decide = Knowledge(self.key, key).decide
        return _Unit(self._rules, self.key, lambda node: reduced(node, decide), first=self._first)


def code_of(rule: Compilable, fields: Sequence[KeyField] = (), key: Key = ()) -> str | None:
    """The generated code of one rule alone: for every event, or what is left of it for events of a key.

    To read: the constants that it names stand before it. None where the rule can't match such events.
    """
    decide = Knowledge(fields, key).decide
    unit = _Unit([rule], fields, lambda node: reduced(node, decide), first=True)
    if not unit.can_match:
        return None
    return "".join([*(f"{name} = {value}\n" for name, value in unit.constants()), unit.source])


class _Unit:
    """One generated function: what is left of the rules, with the fields of `key` as parameters."""

    def __init__(
        self,
        rules: Sequence[Compilable],
        key: Sequence[KeyField],
        reduce: Callable[[BoundNode], BoundNode | bool],
        *,
        first: bool,
    ) -> None:
        self._writer = Writer()
        self._rules: dict[str, Compilable] = {}
        flow = Flow()
        parameters = ["e", "s"]
        for field in key:
            parameters.append(self._writer.variable(field.bound))
            flow = flow.with_filled(parameters[-1])
        lines = self._lines(rules, reduce, flow, first=first)
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

    @property
    def can_match(self) -> bool:
        """False where no rule is left."""
        return bool(self._rules)

    def _lines(
        self,
        rules: Sequence[Compilable],
        reduce: Callable[[BoundNode], BoundNode | bool],
        flow: Flow,
        *,
        first: bool,
    ) -> list[str]:
        lines: list[str] = []
        for number, rule in enumerate(rules):
            left = reduce(rule.condition)
            if left is False:
                continue
            name = f"R{number}"
            self._rules[name] = rule
            condition, if_true, if_false = "True", flow, flow
            if left is not True:
                expression = self._writer.node(left, flow)
                condition, if_true, if_false = expression.code, expression.if_true, expression.if_false
            values, after = _captures(self._writer, rule, if_true)
            if first:
                lines += [f"    if {condition}:", f"        return (({name}, {values}),)"]
                if left is True:
                    break  # No rule behind it is come to.
                flow = if_false
            else:
                lines += [f"    if {condition}:", f"        found.append(({name}, {values}))"]
                flow = after if left is True else Flow.joined((if_false, after))
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
