"""Alerts in the pages of a damaged database, found without the tree that leads to them.

The format is SQLite's, https://sqlite.org/fileformat.html: a page of a table's rows begins with 13; a row is
the length of its record, its number, and the record: a header of types, one for each column, and the values.
What has no room in the page is in a chain of others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LEAF = 13
_CELLS_AT, _POINTERS_AT = 3, 8
_NULL, _FIRST_BLOB, _FIRST_TEXT, _LAST_INTEGER = 0, 12, 13, 9
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
"""By type of a column."""


def alert_rows(path: Path, page_bytes: int, after: int = 0) -> Iterator[tuple[int, bytes]]:
    """(seq, body) of everything behind `after` that looks like a row of the table of alerts, in order.

    Rows that were removed may be among it, and bodies that are none: their page may be used for something
    else by now.
    """
    with path.open("rb") as file:
        places: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for number in range(path.stat().st_size // page_bytes):
            page = _page(file, number, page_bytes)
            for at in _cells(page):
                row = _row(page, at)
                if row is not None and row[1] > after:
                    places[row[1]].append((number, at))
        for seq in sorted(places):
            for number, at in places[seq]:
                body = _body(file, _page(file, number, page_bytes), at)
                if body is not None:
                    yield seq, body


def _page(file: BinaryIO, number: int, page_bytes: int) -> bytes:
    """A page, counted from 0."""
    file.seek(number * page_bytes)
    return file.read(page_bytes)


def _cells(page: bytes) -> list[int]:
    """Where the rows of a page begin; none where it has no rows of a table."""
    if page[0] != _LEAF:
        return []
    count = int.from_bytes(page[_CELLS_AT : _CELLS_AT + 2])
    pointers = page[_POINTERS_AT : _POINTERS_AT + 2 * count]
    return [int.from_bytes(pointers[at : at + 2]) for at in range(0, len(pointers), 2)]


def _row(page: bytes, at: int) -> tuple[int, int, int] | None:
    """(length of its record, seq, where that begins) of a row; None where it is cut off."""
    try:
        size, at = _varint(page, at)
        seq, at = _varint(page, at)
    except IndexError:
        return None
    return size, seq, at


def _body(file: BinaryIO, page: bytes, at: int) -> bytes | None:
    """The last column of a row, if its types are those of an alert."""
    row = _row(page, at)
    if row is None:
        return None
    try:
        record = _record(file, page, row[2], row[0])
        end, at = _varint(record, 0)
        types = []
        while at < end:
            kind, at = _varint(record, at)
            types.append(kind)
    except IndexError:
        return None
    match types:
        case [0, id_type, priority, accepted, body] if (
            id_type >= _FIRST_TEXT
            and id_type % 2 == _FIRST_TEXT % 2
            and max(priority, accepted) <= _LAST_INTEGER
            and body >= _FIRST_BLOB
            and body % 2 == _FIRST_BLOB % 2
        ):
            start = end + (id_type - _FIRST_TEXT) // 2 + _INTEGER_BYTES[priority] + _INTEGER_BYTES[accepted]
            found = record[start : start + (body - _FIRST_BLOB) // 2]
            return found if len(found) == (body - _FIRST_BLOB) // 2 else None
    return None


def _record(file: BinaryIO, page: bytes, at: int, size: int) -> bytes:
    """A record of `size` bytes, the beginning of which is at `at`; shorter where the rest can't be found."""
    most, least = len(page) - 35, (len(page) - 12) * 32 // 255 - 23
    if size <= most:
        return page[at : at + size]
    here = least + (size - least) % (len(page) - 4)
    if here > most:
        here = least
    parts = [page[at : at + here]]
    missing, following = size - here, int.from_bytes(page[at + here : at + here + 4])
    while missing > 0 and following:
        more = _page(file, following - 1, len(page))
        parts.append(more[4 : 4 + missing])
        if len(more) < len(page):
            break
        missing, following = missing - len(more) + 4, int.from_bytes(more[:4])
    return b"".join(parts)


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """(number, where what follows it begins)."""
    number = 0
    for byte in page[at : at + 8]:
        at += 1
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at
    return number << 8 | page[at], at + 1
