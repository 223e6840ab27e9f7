"""The shape of an audit event: what rules test most is typed, the rest stays JSON text until it is read.

Every key of the audit schema is listed, read or not, because an encoded record is then as long as the
text it came from unless a key stands twice in it (or is unknown, or the text has blanks or escapes);
see `decode`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Raw

from falcocore_k8s_audit.raw import Members, children, text

_NO_TEXT: Any = None
"""Default of a text. The annotation leaves None out, so that msgspec refuses a JSON null: null is a
present value, and takes the slower way through `record_of`."""
_NO_RAW = Raw()
"""Default of a raw value; the only one that is false."""


class Group(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of the structs: a part that is missing is not written."""


class User(Group, frozen=True):
    """Who asked."""

    username: str = _NO_TEXT
    uid: Raw = _NO_RAW
    groups: Raw = _NO_RAW
    extra: Raw = _NO_RAW


class ObjectReference(Group, frozen=True):
    """What was asked for."""

    resource: str = _NO_TEXT
    namespace: str = _NO_TEXT
    name: str = _NO_TEXT
    uid: Raw = _NO_RAW
    apiGroup: Raw = _NO_RAW  # noqa: N815 - names of this file are the API's
    apiVersion: Raw = _NO_RAW  # noqa: N815
    resourceVersion: Raw = _NO_RAW  # noqa: N815
    subresource: str = _NO_TEXT


class Record(Group, frozen=True):
    """One event of `audit.k8s.io`, any version."""

    kind: str = _NO_TEXT
    apiVersion: Raw = _NO_RAW  # noqa: N815
    metadata: Raw = _NO_RAW
    level: str = _NO_TEXT
    timestamp: Raw = _NO_RAW
    auditID: str = _NO_TEXT  # noqa: N815
    stage: str = _NO_TEXT
    requestURI: Raw = _NO_RAW  # noqa: N815
    verb: str = _NO_TEXT
    user: User = User()
    impersonatedUser: User = User()  # noqa: N815
    authenticationMetadata: Raw = _NO_RAW  # noqa: N815
    sourceIPs: Raw = _NO_RAW  # noqa: N815
    userAgent: Raw = _NO_RAW  # noqa: N815
    objectRef: ObjectReference = ObjectReference()  # noqa: N815
    responseStatus: Raw = _NO_RAW  # noqa: N815
    requestObject: Raw = _NO_RAW  # noqa: N815
    responseObject: Raw = _NO_RAW  # noqa: N815
    requestReceivedTimestamp: Raw = _NO_RAW  # noqa: N815
    stageTimestamp: str = _NO_TEXT  # noqa: N815
    annotations: Raw = _NO_RAW


class UsualRecord(Record, frozen=True, kw_only=True):
    """A record that has what most can't do without: msgspec refuses others, which are read one by one."""

    auditID: str  # noqa: N815
    stageTimestamp: str  # noqa: N815


class UsualEvent(UsualRecord, frozen=True, kw_only=True):
    """An event that stands by itself, as in a line of a file."""

    kind: Literal["Event"]


class UsualList(Group, frozen=True, kw_only=True):
    """What the kube-apiserver posts."""

    kind: Literal["EventList"]
    apiVersion: Raw = _NO_RAW  # noqa: N815
    metadata: Raw = _NO_RAW
    items: list[UsualRecord]


EMPTY = Record()
"""What `ka.*` fields read of an event without `auditID`: nothing."""

G = TypeVar("G", bound=Group)
_fields_of = functools.cache(msgspec.structs.fields)


def record_of(members: Members) -> Record:
    """The record of an object that msgspec can't decode as one: any JSON kind becomes its text.

    Raises:
        NotJsonError: a part of it is broken.
    """
    return _group_of(Record, members)


def _group_of(group: type[G], members: Members) -> G:
    found: dict[str, Any] = {}
    for field in _fields_of(group):
        raw = members.get(field.name)
        if raw is None:
            continue
        if field.type is str:
            found[field.name] = text(raw)
        elif field.type is Raw:
            found[field.name] = raw
        else:
            inner = children(raw)
            found[field.name] = _group_of(field.type, inner if isinstance(inner, dict) else {})
    return group(**found)


def _leaves(group: type[Group], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], type]]:
    for field in _fields_of(group):
        path = (*above, field.name)
        if field.type in (str, Raw):
            yield path, field.type
        else:
            yield from _leaves(field.type, path)


def _getters(leaf_type: type) -> dict[tuple[str, ...], Callable[[Record], Any]]:
    return {path: attrgetter(".".join(path)) for path, found in _leaves(Record) if found is leaf_type}


TEXT_LEAVES: dict[tuple[str, ...], Callable[[Record], str | None]] = _getters(str)
"""How to read the typed texts, by path from the event's root."""
RAW_LEAVES: dict[tuple[str, ...], Callable[[Record], Raw]] = _getters(Raw)
"""How to read the raw values, by path; a missing one is false."""
