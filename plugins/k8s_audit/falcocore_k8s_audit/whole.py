"""Fields of the whole event as a JSON document: `jevt.*`, their other names `json.*`, `evt.plugininfo`."""

from __future__ import annotations

from collections.abc import Iterator

from falcocore.api import Field
from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.pointer import parse_pointer, walk
from falcocore_k8s_audit.raw import indented, text
from falcocore_k8s_audit.reading import METADATA, GetText, keyed, leaf_at, scalar, text_at
from falcocore_k8s_audit.record import EMPTY, TEXT_LEAVES
from falcocore_k8s_audit.stamp import time_text


def _value(pointer: str) -> GetText:
    path = parse_pointer(pointer)
    if path in TEXT_LEAVES:
        return leaf_at("record", path)
    read = text_at(*path)

    def get(event: AuditEvent) -> str | None:
        if event.request is not EMPTY:
            return read(event)
        found = walk(event.text, path)
        return None if found is None else text(found)

    return get


def _document(event: AuditEvent) -> str:
    return indented(event.text).decode("utf-8", "replace")


def _text(event: AuditEvent) -> str:
    return event.text.decode("utf-8", "replace")


def _time(event: AuditEvent) -> str:
    return time_text(event.record.stageTimestamp)


def whole_event_fields() -> Iterator[Field]:
    """The fields that do not ask for an `auditID`."""
    for prefix in ("jevt", "json"):
        yield keyed(
            f"{prefix}.value", "The value at a JSON pointer, such as [/user/username].", _value, METADATA
        )
        yield scalar(f"{prefix}.obj", "The whole event as JSON, indented by two blanks.", _document, METADATA)
        yield scalar(
            f"{prefix}.rawtime", "When the stage was reached, in nanoseconds since 1970 UTC.", _time, METADATA
        )
    yield scalar("evt.plugininfo", "The whole event as compact JSON, as it arrived.", _text, METADATA)
