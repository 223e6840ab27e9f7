"""Bodies as a kube-apiserver sends them, what is decoded from them, and a slow reader to compare with."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

from falcocore.fields import Field
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.fields import FIELDS

STAMP = "2018-10-20T00:18:28.428398Z"
TIME_NS = 1_539_994_708_428_398_000


def dumped(value: Any) -> bytes:
    """Compact JSON, as a kube-apiserver writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def event_json(audit_id: str = "a-1", **members: Any) -> bytes:
    """A good event with these members."""
    return dumped({"kind": "Event", "auditID": audit_id, "stageTimestamp": STAMP, **members})


def list_json(*items: bytes) -> bytes:
    """An EventList with these items."""
    return b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + b",".join(items) + b"]}"


def decode(body: bytes, cluster: str = "") -> Decoded:
    """What becomes of a body that is called `body` in complaints."""
    decoded = Decoded(cluster)
    decoded.read(body, "body")
    return decoded


def decode_one(body: bytes, cluster: str = "") -> AuditEvent:
    """The event of a body that holds one."""
    decoded = decode(body, cluster)
    assert (decoded.complaints, decoded.rejected) == ([], 0)
    (event,) = decoded.events
    return event


def audit_ids(decoded: Decoded) -> list[str | None]:
    """The events by their audit ids, in order."""
    return [event.record.auditID for event in decoded.events]


@functools.cache
def _field(name: str) -> Field:
    return next(field for field in FIELDS if field.name == name)


def field_of(event: AuditEvent, name: str) -> Any:
    """A field without argument, as rules see it."""
    return _field(name).getter(event)


def value_at(event: AuditEvent, pointer: str) -> Any:
    """`jevt.value` with this pointer, as rules see it."""
    return _field("jevt.value").getter(pointer)(event)


@dataclass(frozen=True)
class Number:
    """A number as it is spelled."""

    spelling: str


def read_json(text: bytes) -> Any:
    """A document with the first of equal keys, spelled numbers, and U+FFFD for what is no Unicode.

    Raises:
        ValueError: it is none.
    """
    return _unicode(
        json.loads(
            text.decode("utf-8", "replace"),
            object_pairs_hook=_first_of_equal,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_refuse,
        )
    )


def _first_of_equal(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(_unicode(key), value)
    return found


def _unicode(value: Any) -> Any:
    match value:
        case str():
            return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)
        case list():
            return [_unicode(element) for element in value]
        case dict():
            return {key: _unicode(member) for key, member in value.items()}
    return value


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
