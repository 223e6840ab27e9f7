"""Audit events decoded as received, and their fields read through the registration that rules use."""

from __future__ import annotations

import functools
import json
from typing import Any

from falcocore.fields import FieldTable
from falcocore.host import PluginHost
from falcocore.lang.bound import BoundCheck, BoundField, BoundNode
from falcocore.lang.check import check_condition
from falcocore.lang.diagnostics import Report
from falcocore.lang.evaluate import evaluate
from falcocore.lang.grammar import parse_condition
from falcocore.lang.text import Text
from falcocore.types import Value
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.event import AuditEvent

Json = Any
Document = dict[str, Any]

ENVELOPE: Document = {"kind": "Event", "auditID": "a-1", "stageTimestamp": "2018-10-20T00:18:28.428398Z"}
"""What an event needs to be one."""


@functools.cache
def table() -> FieldTable:
    """The fields of the source, as the host puts them together for rules."""
    return PluginHost().fields_for("k8s_audit")


def request(**parts: Json) -> Document:
    """An event with these members in its request object."""
    return {"requestObject": parts}


def spec(**parts: Json) -> Document:
    """An event with these members in the spec of its request object."""
    return request(spec=parts)


def decode(text: bytes) -> AuditEvent:
    """The one event of a body."""
    decoded = Decoded()
    decoded.read(text, "body")
    assert decoded.complaints == []
    (event,) = decoded.events
    return event


def event_of(document: Document) -> AuditEvent:
    """An event with these members beside those that every event needs."""
    return decode(json.dumps({**ENVELOPE, **document}).encode())


def check(condition: str) -> tuple[BoundNode | None, Report]:
    """The condition bound to the source's fields, and what was said about it."""
    report = Report()
    return check_condition(parse_condition(Text.plain(condition)), table(), report, "rule"), report


def bound(field: str) -> BoundField:
    """A field as a condition writes it, argument included."""
    node, report = check(f"{field} exists")
    assert report.errors == []
    assert isinstance(node, BoundCheck)
    assert isinstance(node.left, BoundField)
    return node.left


def value_in(event: AuditEvent, field: str) -> Value:
    """The field's value, None where it is absent."""
    found: Value = bound(field).getter(event)
    return None if found == [] else found


def value_of(document: Document, field: str) -> Value:
    """The field's value in an event with these members."""
    return value_in(event_of(document), field)


def holds(condition: str, document: Document) -> bool:
    """Whether the condition is true of an event with these members."""
    node, report = check(condition)
    assert node is not None, report.errors
    event = event_of(document)
    return evaluate(node, lambda field: field.getter(event))
