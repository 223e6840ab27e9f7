"""How fields read an event: along a fixed path, or along one that goes through every element of arrays."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Final, Literal, TypeAlias

from msgspec import Raw

from falcocore.api import Argument, ArgumentKind, Field, FieldType, depends_on
from falcocore_k8s_audit.event import AuditEvent, Path
from falcocore_k8s_audit.raw import text, until_nul
from falcocore_k8s_audit.record import TEXT_LEAVES

EACH: Final = "[]"
"""Stands in a path for every element of an array."""

METADATA, REQUEST, REQUEST_RESPONSE = ("Metadata",), ("Request",), ("RequestResponse",)
"""The audit level from which on the parts that a field reads are recorded."""

POD_SPEC: Final = ("requestObject", "spec")

GetText: TypeAlias = Callable[[AuditEvent], str | None]
GetTexts: TypeAlias = Callable[[AuditEvent], list[str] | None]
"""None, or an empty list, where the field is absent."""


def text_at(*path: str) -> GetText:
    """A getter of the one value at `path`."""
    if path in TEXT_LEAVES:
        return leaf_at("request", path)

    def get(event: AuditEvent) -> str | None:
        raw = event.find(path)
        return None if raw is None else text(raw)

    return get


def leaf_at(part: Literal["record", "request"], path: Path) -> GetText:
    """A getter of a typed text of the event's record, or of what `ka.*` fields see of it."""
    attribute = ".".join((part, *path))
    read: GetText = attrgetter(attribute)

    @depends_on(attribute)
    def get(event: AuditEvent) -> str | None:
        value = read(event)
        return value if value is None or "\0" not in value else until_nul(value)

    return get


def texts_at(*path: str) -> GetTexts:
    """A getter of all values that a path with EACH in it reaches."""

    def get(event: AuditEvent) -> list[str]:
        return [text(raw) for raw in spread(event, path)]

    return get


def indexed_texts_at(*path: str) -> Callable[[int | None], GetTexts]:
    """The same for a field with an index, which picks one element of the first array."""

    def bind(index: int | None) -> GetTexts:
        def get(event: AuditEvent) -> list[str]:
            return [text(raw) for raw in spread(event, path, index)]

        return get

    return bind


def spread(event: AuditEvent, path: Path, index: int | None = None) -> list[Raw]:
    """The values that a path with EACH in it reaches, in document order; what lacks a part is left out."""
    return [raw for found in paths(event, path, index) if (raw := event.find(found)) is not None]


def paths(event: AuditEvent, path: Path, index: int | None = None) -> list[Path]:
    """The path without EACH, once for each element; with an index, for that element of the first array."""
    found: list[Path] = [()]
    for key in path:
        if key != EACH:
            found = [(*above, key) for above in found]
            continue
        positions = [(above, position) for above in found for position in range(length(event, above) or 0)]
        found = [(*above, str(position)) for above, position in positions if index in (None, position)]
        index = None
    return found


def length(event: AuditEvent, path: Path) -> int | None:
    """How many elements the array at `path` has; None where there is no array."""
    opened = event.open(path)
    return len(opened) if isinstance(opened, list) else None


def scalar(name: str, doc: str, getter: GetText, needs: tuple[str, ...]) -> Field:
    """A field of one text."""
    return Field(name, FieldType.STRING, doc, getter, needs=needs)


def keyed(name: str, doc: str, bind: Callable[[str], GetText], needs: tuple[str, ...]) -> Field:
    """A field of one text that asks for a key in brackets."""
    return Field(
        name, FieldType.STRING, doc, bind, argument=Argument(ArgumentKind.KEY, required=True), needs=needs
    )


def listing(name: str, doc: str, getter: GetTexts, needs: tuple[str, ...]) -> Field:
    """A field of many texts."""
    return Field(name, FieldType.STRING, doc, getter, is_list=True, needs=needs)


def indexed(name: str, doc: str, bind: Callable[[int | None], GetTexts], needs: tuple[str, ...]) -> Field:
    """A field of many texts that takes an index in brackets."""
    return Field(
        name, FieldType.STRING, doc, bind, is_list=True, argument=Argument(ArgumentKind.INDEX), needs=needs
    )
