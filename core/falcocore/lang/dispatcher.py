"""Finds, for an event, the function that was specialised for its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from falcocore.fields import attribute_of
from falcocore.lang.codegen import Guard
from falcocore.lang.dispatch import OTHER, Key, KeyField
from falcocore.lang.recursion import recursion_room

MOST_KEYS = 4096
"""Keys that get functions of their own; more are matched by one that knows nothing beforehand."""
MOST_READINGS = 4096
"""Values of attributes that are remembered with their key."""
_LONGEST_CHARS = 256
"""A longer text is not remembered: nobody may fill the memory with what rules don't mention."""
_FRAMES = 1000
"""More than it takes to generate code for the deepest condition."""

Function = Callable[..., Any]
Reading = tuple[Function, *tuple[Any, ...]] | None
"""A function and the values of the key's fields to call it with; None where no rule can match."""


class Dispatcher:
    """Calls, for an event and its stream, the function for the values that the key's fields have.

    `specialise` makes it for a key, None where no rule can match; for the key None, the one for all others.
    Where each field depends on one attribute of the event, what these lead to is remembered, so that for most
    events one look-up is all.
    """

    def __init__(
        self,
        fields: Sequence[KeyField],
        specialise: Callable[[Key | None], Function | None],
        guard: Guard | None,
    ) -> None:
        self._fields = fields
        self._specialise = specialise
        self._guard = guard
        self._functions: dict[Key, Function | None] = {}
        self._general: Function | None = None
        self._readings: dict[Any, Reading] = {}
        self.function = self._linked()

    def _linked(self) -> Callable[[Any, Any], Any]:
        names: dict[str, Any] = {"O": OTHER, "T": self._functions.get, "M": self, "find": self._find}
        reads, values, classes = [], [], []
        for number, field in enumerate(self._fields):
            getter: Function = field.bound.getter
            names[f"g{number}"] = self._guard(field.bound, getter) if self._guard else getter
            # A value that rules mention stands for itself in the key, and so does absence.
            names[f"c{number}"] = {None: None, **{value: value for value in field.mentioned}}.get
            reads.append(f"    v{number} = g{number}(e)")
            values.append(f"v{number}")
            classes.append(f"c{number}(v{number}, O)")
        arguments = ", ".join(values)
        before, after = self._remembering(names, arguments)
        source = "\n".join(
            [
                "def match(e, s):",
                *before,
                *reads,
                f"    key = ({', '.join(classes)},)",
                "    f = T(key, M)",
                "    if f is M:",
                "        f = find(key)",
                *after,
                "    if f is None:",
                "        return ()",
                f"    return f(e, s, {arguments})",
                "",
            ]
        )
        exec(compile(source, "<dispatch>", "exec"), names)  # noqa: S102 - generated above
        return names["match"]  # type: ignore[no-any-return]

    def _remembering(self, names: dict[str, Any], values: str) -> tuple[list[str], list[str]]:
        """Lines that look the attributes up before the fields are read, and that remember them after."""
        attributes = [attribute_of(field.bound.getter) for field in self._fields]
        if self._guard is not None or not all(attributes):
            return [], []
        names["A"] = attrgetter(*filter(None, attributes))
        names["H"] = self._readings.get
        names["R"] = self._readings
        names["remember"] = self._remember
        before = [
            "    a = A(e)",
            "    h = H(a, M)",
            "    if h is None:",
            "        return ()",
            "    if h is not M:",
            f"        f, {values} = h",
            f"        return f(e, s, {values})",
        ]
        return before, [f"    if len(R) < {MOST_READINGS}:", f"        remember(a, f, {values})"]

    def _remember(self, reading: Any, function: Function | None, *values: Any) -> None:
        parts = reading if isinstance(reading, tuple) else (reading,)
        if all(not isinstance(part, str | bytes) or len(part) <= _LONGEST_CHARS for part in parts):
            self._readings[reading] = None if function is None else (function, *values)

    def _find(self, key: Key) -> Function | None:
        """The function for a key that is seen for the first time."""
        with recursion_room(_FRAMES):
            if len(self._functions) >= MOST_KEYS:
                self._general = self._general or self._specialise(None)
                return self._general
            self._functions[key] = function = self._specialise(key)
            return function
