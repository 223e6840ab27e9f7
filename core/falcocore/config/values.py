"""Typed look-ups in a configuration tree; a value of the wrong type is warned of and its default taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from falcocore.config.tree import Warn
from falcocore.errors import ConfigError, nearest
from falcocore.yamltree.nodes import boolean

D = TypeVar("D", str, str | None)


class Reader:
    """One map of the configuration; `where` is its path, for messages."""

    def __init__(self, values: Mapping[str, Any], warn: Warn, where: str = "") -> None:
        self._values = values
        self._warn = warn
        self.where = where

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def has(self, key: str) -> bool:
        """True where the key is given with a value."""
        return self._values.get(key) is not None

    def raw(self, key: str) -> Any:
        """The value as it is, None where it is missing."""
        return self._values.get(key)

    def path(self, key: str) -> str:
        """The key's full path."""
        return f"{self.where}.{key}" if self.where else key

    def text(self, key: str, default: D) -> str | D:
        """A text."""
        value = self._values.get(key)
        return value if isinstance(value, str) else self._default(key, value, default, "a text")

    def required_text(self, key: str) -> str:
        """A text that has to be there."""
        value = self.text(key, "")
        if not value:
            raise ConfigError(f"{self.path(key)} is missing", hint=f"add `{key}:`")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        """A YAML 1.1 boolean word."""
        value = self._values.get(key)
        found = boolean(value) if isinstance(value, str) else None
        return found if found is not None else self._default(key, value, default, "true or false")

    def number(self, key: str, default: int, *, least: int = 0) -> int:
        """A whole number.

        Raises:
            ConfigError: it is smaller than `least`.
        """
        value = self._values.get(key)
        if not isinstance(value, str) or re.fullmatch(r"[+-]?[0-9]+", value) is None:
            found: int = self._default(key, value, default, "a whole number")
            return found
        if int(value) < least:
            raise ConfigError(f"{self.path(key)} is {value}, it has to be {least} or more")
        return int(value)

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of some words, in any case; the first is the default where none is given."""
        word = self.text(key, default or choices[0])
        if word.lower() not in choices:
            near = nearest(word.lower(), choices)
            hint = f"did you mean {near}?" if near else None
            raise ConfigError(f"{self.path(key)}: `{word}` is not one of {', '.join(choices)}", hint=hint)
        return word.lower()

    def items(self, key: str) -> list[Any]:
        """A list of anything."""
        value = self._values.get(key)
        default: list[Any] = []
        return value if isinstance(value, list) else self._default(key, value, default, "a list")

    def texts(self, key: str) -> list[str]:
        """A list of texts; a single text counts as a list of one."""
        value = self._values.get(key)
        if isinstance(value, str):
            return [value]
        found = []
        for number, item in enumerate(self.items(key)):
            if isinstance(item, str):
                found.append(item)
            elif item is not None:
                self._warn(f"{self.path(key)}[{number}]: a text is wanted, not `{item}`; it is left out")
        return found

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A map."""
        value = self._values.get(key)
        default: dict[str, Any] = {}
        return value if isinstance(value, dict) else self._default(key, value, default, "a map")

    def inner(self, key: str) -> Reader:
        """A map to look into; empty where it is missing."""
        return Reader(self.mapping(key), self._warn, self.path(key))

    def entries(self, key: str) -> Iterator[Reader]:
        """The maps of a list."""
        for number, item in enumerate(self.items(key)):
            where = f"{self.path(key)}[{number}]"
            if not isinstance(item, dict):
                raise ConfigError(f"{where} has to be a map of keys, not `{item}`")
            yield Reader(item, self._warn, where)

    def _default(self, key: str, value: Any, default: Any, wanted: str) -> Any:
        if value is not None:
            self._warn(f"{self.path(key)}: {wanted} is wanted, not `{value}`; the default is taken")
        return default
