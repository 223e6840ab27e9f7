"""The items of a rule file as they were read, before they are merged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from falcocore.lang.text import Span, Text
from falcocore.yamltree.nodes import Node

KEYS: dict[str, dict[str, str]] = {
    "required_engine_version": {"required_engine_version": "version"},
    "required_plugin_versions": {"required_plugin_versions": "plugins"},
    "list": {"list": "name", "items": "texts", "append": "bool", "override": "overrides"},
    "macro": {"macro": "name", "condition": "text", "append": "bool", "override": "overrides"},
    "rule": {
        "rule": "name",
        "condition": "text",
        "output": "trimmed",
        "desc": "text",
        "priority": "priority",
        "source": "word",
        "enabled": "bool",
        "tags": "texts",
        "exceptions": "exceptions",
        "warn_evttypes": "bool",
        "skip-if-unknown-filter": "bool",
        "capture": "bool",
        "capture_duration": "uint32",
        "append": "bool",
        "override": "overrides",
    },
}
"""Kind of item (the key that makes it one) to its keys and what each holds. Order decides between kinds."""

EXCEPTION_KEYS = ("name", "fields", "comps", "values")

APPENDABLE = {
    "list": frozenset({"items"}),
    "macro": frozenset({"condition"}),
    "rule": frozenset({"condition", "output", "desc", "tags", "exceptions"}),
}
REPLACEABLE = {
    "list": frozenset({"items"}),
    "macro": frozenset({"condition"}),
    "rule": frozenset(KEYS["rule"]) - {"rule", "source", "append", "override"},
}


@dataclass(frozen=True, slots=True)
class ExceptionItem:
    """One entry of `exceptions`, as written. `fields` and `comps` are None where the key is missing."""

    name: str
    span: Span
    fields: tuple[Text, ...] | None
    is_single: bool
    comps: Comps | None
    values: tuple[Node, ...]
    near_miss: str | None = None
    """An unknown key that looks like `values`."""
    is_open: bool = False
    """True for `values: []`, which says that values are to be appended by others."""


@dataclass(frozen=True, slots=True)
class Comps:
    """The operators of an exception: one text, or one for each field."""

    names: tuple[Text, ...]
    is_single: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Item:
    """A list, macro or rule item.

    `values` holds what each key means: Text, bool, int, Priority, tuples of Text or ExceptionItem. `how`
    says what is to be done: `define`, `append` (the deprecated key), `override` or `switch` (enabled only).
    """

    kind: str
    name: str
    span: Span
    how: str
    values: dict[str, Any]
    overrides: dict[str, str] = field(default_factory=dict)
    """Key to `append` or `replace`."""
    is_partial: bool = False
    """True where a value was reported and left out: the rest is only to be checked."""

    @property
    def label(self) -> str:
        """How messages name it."""
        return f'{self.kind} "{self.name}"'


@dataclass(frozen=True, slots=True)
class PluginVersion:
    """A plugin and the version that rules need."""

    name: str
    version: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One entry of `required_plugin_versions`: any of these will do."""

    alternatives: tuple[PluginVersion, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """The version of Falco's engine that a file needs."""

    version: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Broken:
    """An item that can't be used and was reported. What refers to it is no mistake of its own."""

    kind: str
    name: str


Read: TypeAlias = Item | Requirement | EngineVersion | Broken
