"""From a received body, or lines of a file, to events.

The normal case is one pass of msgspec over the whole body, or all lines. What this pass can't take, or
would read otherwise than Falco does (the first of two equal keys counts), is split, and its items are
read one by one: a strange item costs its neighbours some microseconds and nothing else. What is no audit
data then may be the wrapping of a cloud, and is taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, repeat
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, structs

from falcocore_k8s_audit.clouds.cloudwatch import separated
from falcocore_k8s_audit.clouds.parts import Inner
from falcocore_k8s_audit.clouds.wrapping import WRAPPINGS_DEEP, unwrapped
from falcocore_k8s_audit.event import AuditEvent, Document, Lines
from falcocore_k8s_audit.raw import (
    UNREADABLE,
    Members,
    children,
    compact,
    string,
    text,
    without_lone_surrogates,
)
from falcocore_k8s_audit.record import EMPTY, Record, UsualEvent, UsualList, record_of
from falcocore_k8s_audit.scan import NotJsonError
from falcocore_k8s_audit.stamp import are_usual, parse_time_ns

ARRAYS_DEEP = 64
"""Arrays may hold arrays; one nested more deeply is refused."""
COMPLAINTS = 20
"""So many bad items are described; the others are only counted."""
ENCODED_RECORDS = 16
"""So many are encoded at a time, into memory that stays in the processor's nearest cache."""
NO_OBJECT = "an audit event is a JSON object, this is another value"
NO_ITEMS = "the EventList has no array `items`"

T = TypeVar("T")
_encode_into = msgspec.json.Encoder().encode_into
_event = msgspec.json.Decoder(UsualEvent)
_list = msgspec.json.Decoder(UsualList)
_record = msgspec.json.Decoder(Record)


class Decoded:
    """Events of one batch, and what was wrong with the items that are none.

    `recognised` says that at least one body was a list of audit events, whatever became of its items.
    """

    def __init__(self, cluster: str = "") -> None:
        self.cluster = cluster
        self.labels = {"cluster": cluster} if cluster else {}
        self.events: list[AuditEvent] = []
        self.rejected = 0
        self.complaints: list[str] = []
        self.recognised = False
        self._encoded = bytearray()
        self._wrappings = 0

    def reject(self, where: str, reason: str) -> None:
        """Count an item that can't be used."""
        self.rejected += 1
        if len(self.complaints) < COMPLAINTS:
            self.complaints.append(f"{where}: {reason}")

    def read_lines(self, lines: bytes | memoryview, where: Callable[[int, int], str]) -> int:
        """Add the events of whole lines, each with its line end; returns how many lines there were.

        `where` gives the position of a line in complaints, from how many lines and bytes come before it.
        """
        records = self._exactly(_event.decode_lines, lines)
        if records is not None and self._add_usual(records, Lines(lines, self.cluster)):
            return len(records)
        each = bytes(lines).split(b"\n")
        start = 0
        for index, line in enumerate(each):
            if line and not line.isspace():
                self.read(line, where(index, start))
            start += len(line) + 1
        return len(each) - 1

    def read(self, body: bytes, where: str) -> None:
        """Add the events of a body: an Event, an EventList, or an array of them at any depth.

        `where` begins the position in complaints, such as `audit.log:12`.
        """
        body = body.strip()
        if not body.startswith(b"["):
            self._read_document(body, where)
            return
        waiting = [iter([(body, where)])]
        while waiting:
            document, position = next(waiting[-1], (None, ""))
            if document is None:
                waiting.pop()
            elif not document.startswith(b"["):
                self._read_document(document, position)
            elif len(waiting) > ARRAYS_DEEP:
                self.reject(position, f"arrays are nested more than {ARRAYS_DEEP} deep")
            else:
                waiting.append(self._elements(document, position))

    def read_usual(self, document: bytes) -> bool:
        """Add the events of a document without anything strange in it; False where none was added."""
        found = self._exactly(_list.decode, document)
        if found is not None:
            self.recognised = True
            return self._add_usual(found.items, Document(document, self.cluster))
        record = self._exactly(_event.decode, document)
        return record is not None and self._add(record, Document(document, self.cluster), None) is None

    def _elements(self, array: bytes, where: str) -> Iterator[tuple[bytes, str]]:
        try:
            elements = children(array)
        except NotJsonError as error:
            self.reject(where, f"not JSON: {error}")
            return
        for index, raw in enumerate(elements if isinstance(elements, list) else ()):
            yield bytes(raw), f"{where}[{index}]"

    def _read_document(self, document: bytes, where: str) -> None:
        try:
            if self.read_usual(document):
                return
            compacted = compact(without_lone_surrogates(document))
            if compacted == document or not self.read_usual(compacted):
                self._read_members(compacted, where)
        except NotJsonError as error:
            records = separated(document)
            if len(records) == 1:
                self.reject(where, f"not JSON: {error}")
                return
            for index, record in enumerate(records):
                self._read_document(record, f"{where}[{index}]")

    def _read_members(self, document: bytes, where: str) -> None:
        members = children(document)
        if not isinstance(members, dict):
            self.reject(where, NO_OBJECT)
            return
        kind = bytes(members.get("kind", b"missing"))
        match string(kind) if kind.startswith(b'"') else None:
            case "Event":
                self._read_event(record_of(members), document, where)
            case "EventList":
                items = children(members["items"]) if "items" in members else None
                if isinstance(items, list):
                    records = map(self._read_record, items)
                    self._read_items(records, Document(document, self.cluster, items), where)
                else:
                    self.reject(where, NO_ITEMS)
            case _ if not self._read_wrapping(members, where):
                self.reject(where, f"not an audit event: kind is {text(kind)[:60]}, not Event or EventList")

    def _read_wrapping(self, members: Members, where: str) -> bool:
        """Add the events in a cloud's wrapping; False where it is none."""
        if "kind" in members or self._wrappings == WRAPPINGS_DEEP:
            return False
        found = unwrapped(members)
        if found is None:
            return False
        self.recognised = True
        self._wrappings += 1
        try:
            self._read_inner(list(found), where)
        finally:
            self._wrappings -= 1
        return True

    def _read_inner(self, found: Sequence[Inner], where: str) -> None:
        """Add events that are known as texts; in the normal case in one pass."""
        lines = b"\n".join((*(inner.text for inner in found), b""))
        records = self._exactly(_event.decode_lines, lines)
        if (
            records is not None
            and len(records) == len(found)
            and self._add_usual(records, Lines(lines, self.cluster))
        ):
            return
        for inner in found:
            position = f"{where} {inner.where}".rstrip()
            if inner.refusal:
                self.reject(position, inner.refusal)
            else:
                self.read(inner.text, position)

    def _read_event(self, record: Record, document: bytes, where: str) -> None:
        refusal = self._add(record, Document(document, self.cluster), None)
        if refusal is not None:
            self.reject(where, refusal)

    def _read_items(self, records: Iterable[Record | None], source: Document, where: str) -> None:
        self.recognised = True
        for index, record in enumerate(records):
            refusal = NO_OBJECT if record is None else self._add(record, source, index)
            if refusal is not None:
                self.reject(f"{where} items[{index}]", refusal)

    def _add_usual(self, records: Sequence[Record], source: Document) -> bool:
        """Add events all of which can be used; False, and none is added, where one can't."""
        usual = are_usual([record.stageTimestamp for record in records])
        if usual:
            self.events.extend(map(AuditEvent, records, records, repeat(source), count()))
        return usual

    def _add(self, record: Record, source: Document, index: int | None) -> str | None:
        stamp = record.stageTimestamp
        if not stamp:
            return "stageTimestamp is missing or empty"
        if parse_time_ns(stamp) is None:
            return f"stageTimestamp {stamp[:60]!r} is not a time of RFC 3339 from 1970 on"
        request = record if record.auditID is not None else EMPTY
        self.events.append(AuditEvent(record, request, source, index))
        return None

    def _exactly(self, decode: Callable[[Any], T], document: bytes | memoryview | Raw) -> T | None:
        """Decode, or None where the result would not be the whole of the document.

        Encoding is cheap, as the large parts are copied, and into the same memory again and again. It can't
        give more bytes than came in; where it gives as many, no key was dropped as a repetition of another
        and none was unknown. Lines are encoded as a list, which is a byte longer.
        """
        try:
            decoded = decode(document)
        except UNREADABLE:
            return None
        return decoded if self._size_bytes(decoded) == len(document) else None

    def _size_bytes(self, decoded: object) -> int:
        """The length of what was decoded, as JSON, or as lines of JSON."""
        if isinstance(decoded, list):
            return self._lines_bytes(decoded)
        if isinstance(decoded, UsualList) and decoded.items:
            # Each has a comma behind it in place of a line end, but for the last.
            around = structs.replace(decoded, items=[])
            return self._size_bytes(around) + self._lines_bytes(decoded.items) - 1
        _encode_into(decoded, self._encoded)
        return len(self._encoded)

    def _lines_bytes(self, records: Sequence[Record]) -> int:
        size_bytes = 0
        for at in range(0, len(records), ENCODED_RECORDS):
            _encode_into(records[at : at + ENCODED_RECORDS], self._encoded)
            size_bytes += len(self._encoded) - 1
        return size_bytes

    def _read_record(self, raw: Raw) -> Record | None:
        record = self._exactly(_record.decode, raw)
        if record is not None:
            return record
        members = children(raw)
        return record_of(members) if isinstance(members, dict) else None
