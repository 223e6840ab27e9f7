"""Output templates: `text %field %field[arg] %10field %tolower(field)`."""

from __future__ import annotations

from dataclasses import dataclass

from falcocore.types import Value


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template; rendering takes the values of the rule's captures."""

    def render(self, values: tuple[Value, ...]) -> str:
        """The text with the values filled in."""
        raise NotImplementedError
