"""However strange a body is, decoding gives what a slow and simple reader gives, on every way through it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falcocore_k8s_audit.raw import without_lone_surrogates
from falcocore_k8s_audit.stamp import parse_time_ns
from tests.support.audit_decoding import Number, audit_ids, decode, field_of, read_json, value_at
from tests.support.audit_json_strategies import (
    BODIES,
    SPACING,
    Tokens,
    audit_events,
    damaged,
    spelled,
)

EXAMPLES = int(os.environ.get("FALCOCORE_EXAMPLES", "300"))
bounded = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
FIELDS = {
    "ka.auditid": ("auditID",),
    "ka.stage": ("stage",),
    "ka.verb": ("verb",),
    "ka.uri": ("requestURI",),
    "ka.user.name": ("user", "username"),
    "ka.impuser.name": ("impersonatedUser", "username"),
    "ka.target.name": ("objectRef", "name"),
    "ka.target.namespace": ("objectRef", "namespace"),
    "ka.target.resource": ("objectRef", "resource"),
    "ka.target.subresource": ("objectRef", "subresource"),
    "ka.response.code": ("responseStatus", "code"),
    "ka.auth.reason": ("annotations", "authorization.k8s.io/reason"),
}
Path = tuple[str, ...]


def items_of(document: Any) -> Iterator[Any]:
    """What has to be an event, None where it can't be one."""
    match document:
        case list():
            for element in document:
                yield from items_of(element)
        case {"kind": "Event"}:
            yield document
        case {"kind": "EventList", "items": list(items)}:
            yield from items
        case _:
            yield None


def is_event(item: Any) -> bool:
    """A time is all that an item needs; it may be of any type, and so may be what else stands in the item."""
    if not isinstance(item, dict):
        return False
    stamp = item.get("stageTimestamp")
    return isinstance(stamp, str) and parse_time_ns(stamp) is not None


def paths_of(value: Any) -> Iterator[tuple[Path, Any]]:
    yield (), value
    if isinstance(value, list):
        value = {str(index): element for index, element in enumerate(value)}
    if isinstance(value, dict):
        for key, member in value.items():
            for path, found in paths_of(member):
                yield (key, *path), found


def pointer_of(path: Path) -> str:
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def shows(text: str | None, value: Any) -> bool:
    """Whether a rule that reads this text sees this value."""
    match value:
        case str():
            return text == value.partition("\0")[0]
        case Number(spelling=spelling):
            return text == spelling
        case dict() | list():
            return text is not None and read_json(text.encode()) == value
    return text == {None: "null", True: "true", False: "false"}[value]


def check(body: bytes) -> None:
    """Compare all that can be seen of a body's events with what the simple reader sees."""
    try:
        found = list(items_of(read_json(body)))
    except ValueError:
        found = [None]
    items = [item for item in found if is_event(item)]
    decoded = decode(body, "prod")
    assert (len(decoded.events), decoded.rejected) == (len(items), len(found) - len(items))
    assert len(decoded.complaints) == decoded.rejected
    for event, item in zip(decoded.events, items, strict=True):
        assert event.time_ns == parse_time_ns(item["stageTimestamp"])
        assert read_json(event.text) == item
        values = dict(paths_of(item))
        for path, value in values.items():
            if path:
                assert shows(value_at(event, pointer_of(path)), value), path
            assert value_at(event, pointer_of((*path, "no such key"))) is None
        for field, path in FIELDS.items():
            text = field_of(event, field)
            if "auditID" in item and path in values:
                assert shows(text, values[path]), field
            else:
                assert text is None


@bounded
@given(BODIES, SPACING)
def test_any_document_is_read_as_by_a_simple_reader(tokens: Tokens, spacing: list[bytes]) -> None:
    check(spelled(tokens, spacing))


@bounded
@given(damaged(st.builds(spelled, BODIES, SPACING)))
def test_damaged_document_is_refused_or_read_as_by_a_simple_reader(body: bytes) -> None:
    check(body)


@bounded
@given(st.lists(audit_events(), min_size=1, max_size=4), SPACING)
def test_event_is_the_same_alone_in_a_list_and_spelled_with_blanks(
    events: list[Tokens], spacing: list[bytes]
) -> None:
    texts = [b"".join(tokens) for tokens in events]
    body = b'{"kind":"EventList","items":[' + b",".join(texts) + b"]}"
    spaced = b"[" + b",".join(spelled(tokens, spacing) for tokens in events) + b"]"
    lines = decode(b"[]")
    for text in texts:
        lines.read(text, "line")
    arrays = decode(spaced)
    assert audit_ids(arrays) == audit_ids(lines)
    wanted = [without_lone_surrogates(text) for text in texts]
    kept = [event.text for event in decode(body).events]
    assert [text for text in wanted if text in kept] == kept
    for event, again in zip(lines.events, arrays.events, strict=True):
        assert (event.text, event.key, event.time_ns) == (again.text, again.key, again.time_ns)
        assert event.text in kept
