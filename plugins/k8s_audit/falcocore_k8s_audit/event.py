"""One audit event: its record, and a memory of the parts that rules have opened."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import cast

import msgspec
from msgspec import Raw

from falcocore_k8s_audit.pointer import step
from falcocore_k8s_audit.raw import Elements, Members, children, compact
from falcocore_k8s_audit.record import EMPTY, RAW_LEAVES, Record
from falcocore_k8s_audit.stamp import parse_time_ns

Path = tuple[str, ...]
Opened = Members | Elements | None


class Document:
    """The JSON text that events were decoded from, split into their texts when one is asked for.

    `items` are the texts of the events where they are known already.
    """

    __slots__ = ("_items", "_text", "cluster")

    def __init__(
        self, text: bytes | memoryview, cluster: str, items: Sequence[Raw | bytes] | None = None
    ) -> None:
        self._text = text
        self._items = items
        self.cluster = cluster

    def item(self, index: int | None) -> bytes:
        """The text of the event at `index` of a list, as it arrived; None is an event that is no list's."""
        if index is None:
            return bytes(self._text)
        if self._items is None:
            self._items = self._split()
        return bytes(self._items[index])

    def _split(self) -> Sequence[Raw | bytes]:
        found = children(bytes(self._text))
        items = children(found["items"]) if isinstance(found, dict) else None
        return items if isinstance(items, list) else []


class Lines(Document):
    """The same for events that stand on a line each."""

    __slots__ = ()

    def _split(self) -> Sequence[Raw | bytes]:
        return bytes(self._text).split(b"\n")


class AuditEvent(msgspec.Struct, gc=False, eq=False):
    """What the getters of this source's fields take."""

    record: Record
    """What was decoded."""
    request: Record
    """What `ka.*` fields read: the same, or EMPTY without an `auditID`, which makes them all absent."""
    document: Document
    index: int | None
    _opened: dict[Path, Opened] | None = None

    @property
    def time_ns(self) -> int:
        """When the stage was reached; read anew each time, as few events are asked for it."""
        # Never None: an event whose time can't be read is not made.
        return cast("int", parse_time_ns(self.record.stageTimestamp))

    @property
    def key(self) -> str:
        """Cluster, audit id and stage; a hash of the text where there is no audit id."""
        cluster, request = self.document.cluster, self.request
        if request is EMPTY:
            return f"{cluster}/{hashlib.sha256(self.text).hexdigest()}"
        return f"{cluster}/{request.auditID}/{request.stage or ''}"

    @property
    def text(self) -> bytes:
        """The whole event as compact JSON: order, repeated keys, numbers and escapes as they arrived."""
        return compact(self.document.item(self.index))

    def find(self, path: Path) -> Raw | None:
        """The value at `path` below the event's root, None if there is none."""
        leaf = RAW_LEAVES.get(path)
        if leaf is not None:
            return leaf(self.request) or None
        return step(self.open(path[:-1]), path[-1])

    def open(self, path: Path) -> Opened:
        """What is directly below `path`; remembered, because rules read the same parts again and again."""
        if self._opened is None:
            self._opened = {}
        elif path in self._opened:
            return self._opened[path]
        raw = self.find(path) if path else self.text
        opened = self._opened[path] = None if raw is None else children(raw)
        return opened
