"""Rules to one generated function for each source.

The function takes an event and its stream, and returns the matching rules with the values that their
alerts need. Every field is extracted at most once for an event, and only where a rule comes to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from falcocore.lang.bound import BoundField, BoundNode
from falcocore.lang.codegen import Flow, Guard, Writer


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
    """Generated code of one rule set: `source` is its text, `link` makes the function."""

    def __init__(self, rules: Sequence[Compilable], *, first: bool) -> None:
        self._writer = Writer()
        self._rules = {f"R{number}": rule for number, rule in enumerate(rules)}
        self.source = _function(self._writer, rules, first=first)
        self._code = compile(self.source, "<rules>", "exec")

    def link(self, guard: Guard | None = None) -> Callable[[Any, Any], Any]:
        """The function, with each getter wrapped by `guard` where one is given."""
        names: dict[str, Any] = {**self._writer.names, **self._rules, "U": _Unset()}
        if guard is not None:
            for name, bound in self._writer.getters.items():
                names[name] = guard(bound, names[name])
        # The text is generated above from a checked tree; texts of users are in it as literals only.
        exec(self._code, names)  # noqa: S102
        return names["match"]  # type: ignore[no-any-return]


def _function(writer: Writer, rules: Sequence[Compilable], *, first: bool) -> str:
    lines: list[str] = []
    flow = Flow()
    for number, rule in enumerate(rules):
        condition = writer.node(rule.condition, flow)
        values, after = _captures(writer, rule, condition.if_true)
        if first:
            lines += [f"    if {condition.code}:", f"        return ((R{number}, {values}),)"]
            flow = condition.if_false
        else:
            lines += [f"    if {condition.code}:", f"        found.append((R{number}, {values}))"]
            flow = Flow.joined((condition.if_false, after))
    unset = " = ".join(sorted(writer.tested, key=lambda name: int(name[1:])))
    start = [f"    {unset} = U"] if unset else []
    if not first:
        start.append("    found = []")
    return "\n".join(["def match(e, s):", *start, *lines, f"    return {'()' if first else 'found'}", ""])


def _captures(writer: Writer, rule: Compilable, flow: Flow) -> tuple[str, Flow]:
    """(code of the tuple of captured values, flow after it)."""
    values: list[str] = []
    for bound in rule.captures:
        variable, value = writer.captured(bound, flow)
        values.append(value)
        flow = flow.with_filled(variable)
    return f"({', '.join(values)}{',' if values else ''})", flow
