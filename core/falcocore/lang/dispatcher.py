"""Finds, for an event, the function that was specialised for its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from falcocore.fields import attribute_of
from falcocore.lang.codegen import Guard
from falcocore.lang.dispatch import OTHER, Key, KeyField
from falcocore.lang.recursion import recursion_room

MOST_FUNCTIONS = 4096
"""Functions for keys that a rule set may have; events of more keys are matched by one that knows nothing."""
MOST_READINGS = 8192
"""Values of attributes that are remembered with their function, for a rule set."""
_LONGEST_CHARS = 256
"""A longer text is not remembered: nobody may fill the memory with what rules don't mention."""
_FRAMES = 1000
"""More than it takes to generate code for the deepest condition."""

Function = Callable[..., Any]
Reading = tuple[Function, *tuple[Any, ...]] | None
"""A function and the values of the key's fields to call it with; None where no rule can match."""


@dataclass(slots=True)
class Room:
    """How much more the dispatchers of one rule set may make and remember."""

    functions: int = field(default_factory=lambda: MOST_FUNCTIONS)
    readings: int = field(default_factory=lambda: MOST_READINGS)


class Dispatcher:
    """Calls, for an event and its stream, the function for the values that the key's fields have.

    `given` are fields whose values come as further arguments; they go on to the function, and behind them
    those of the key's other fields. `specialise` makes the function for a key, None where no rule can match;
    `general` the one for all keys. Where each field depends on one attribute of the event, what these lead to
    is remembered, so that for most events one look-up is all.
    """

    def __init__(
        self,
        given: Sequence[KeyField],
        fields: Sequence[KeyField],
        specialise: Callable[[Key], Function | None],
        general: Callable[[], Function],
        guard: Guard | None,
        room: Room,
    ) -> None:
        self._given = given
        self._fields = fields
        self._specialise = specialise
        self._make_general = general
        self._guard = guard
        self._room = room
        self._functions: dict[Key, Function | None] = {}
        self._general: Function | None = None
        self._readings: dict[Any, Reading] = {}
        self.function = self._linked()

    def _linked(self) -> Function:
        names: dict[str, Any] = {"O": OTHER, "T": self._functions.get, "M": self, "find": self._find}
        variables = {given.bound.label: f"v{number}" for number, given in enumerate(self._given)}
        given = [*variables.values()]
        values: list[str] = []
        reads: list[str] = []
        classes: list[str] = []
        for number, key_field in enumerate(self._fields):
            variable = variables.get(key_field.bound.label)
            if variable is None:
                variable = f"v{len(given) + len(values)}"
                getter: Function = key_field.bound.getter
                names[f"g{number}"] = self._guard(key_field.bound, getter) if self._guard else getter
                values.append(variable)
                reads.append(f"    {variable} = g{number}(e)")
            names[f"c{number}"] = key_field.classifier()
            classes.append(f"c{number}({variable}, O)")
        before, after = self._remembering(names, given, values)
        source = "\n".join(
            [
                f"def match({', '.join(['e', 's', *given])}):",
                *before,
                *reads,
                f"    key = ({', '.join(classes)},)",
                "    f = T(key, M)",
                "    if f is M:",
                "        f = find(key)",
                *after,
                "    if f is None:",
                "        return ()",
                f"    return f({', '.join(['e', 's', *given, *values])})",
                "",
            ]
        )
        exec(compile(source, "<dispatch>", "exec"), names)  # noqa: S102 - generated above
        return names["match"]  # type: ignore[no-any-return]

    def _remembering(
        self, names: dict[str, Any], given: list[str], values: list[str]
    ) -> tuple[list[str], list[str]]:
        """Lines that look the attributes up before the fields are read, and that remember them after."""
        attributes = [attribute_of(key_field.bound.getter) for key_field in self._fields]
        if self._guard is not None or not all(attributes):
            return [], []
        names["A"] = attrgetter(*filter(None, attributes))
        names["H"] = self._readings.get
        names["room"] = self._room
        names["remember"] = self._remember
        before = [
            "    a = A(e)",
            "    h = H(a, M)",
            "    if h is None:",
            "        return ()",
            "    if h is not M:",
            f"        {', '.join(['f', *values])}, = h",
            f"        return f({', '.join(['e', 's', *given, *values])})",
        ]
        return before, ["    if room.readings:", f"        remember({', '.join(['a', 'f', *values])})"]

    def _remember(self, reading: Any, function: Function | None, *values: Any) -> None:
        parts = reading if isinstance(reading, tuple) else (reading,)
        if all(not isinstance(part, str | bytes) or len(part) <= _LONGEST_CHARS for part in parts):
            self._room.readings -= 1
            self._readings[reading] = None if function is None else (function, *values)

    def _find(self, key: Key) -> Function | None:
        """The function for a key that is seen for the first time."""
        with recursion_room(_FRAMES):
            if self._room.functions <= 0:
                self._general = self._general or self._make_general()
                return self._general
            self._room.functions -= 1
            self._functions[key] = function = self._specialise(key)
            return function
