"""Many events at a time: where they are in a piece of a capture, and the columns of their headers.

A block has its length at both its ends. So the blocks of a piece are found without a loop: whatever looks
like the beginning of one is held against its end, and those that follow each other from the first byte on
are the blocks. What only looks like one, inside of another's data, is not among them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from falcocore_syscall.scap.blocks import (
    FRAME_BYTES,
    HEADER_BYTES,
    LARGE_TYPES,
    MOST_EVENT_BLOCK_BYTES,
    STATE_ONLY,
)
from falcocore_syscall.tables import EVENTS, LARGE

Array: TypeAlias = npt.NDArray[Any]

_PLAIN_BODY = 10
_FLAGGED_BODY = 14
"""Where the header of an event is in its block: behind frame, processor and, in some, flags."""
_LEAST_BYTES = FRAME_BYTES + 2 + HEADER_BYTES


def by_type(numbers: Any) -> Array:
    """A table that says of each possible type of event whether it is among `numbers`."""
    table = np.zeros(1 << 16, dtype=bool)
    table[list(numbers)] = True
    return table


_IS_LARGE = by_type(LARGE)
_COUNTS = np.full(1 << 16, 1 << 16, dtype=np.int64)
_COUNTS[: len(EVENTS)] = [len(event.params) for event in EVENTS]


def _halves(data: bytes) -> Array:
    """The data as numbers of two bytes; a last byte that is over is left out."""
    return np.frombuffer(data, "<u2", count=len(data) // 2)


@dataclass(slots=True)
class Columns:
    """Events of one piece: `data[headers[i]:]` is event number i. All arrays have the same length."""

    data: bytes
    blocks: Array
    """Where the block of each event begins in `data`."""
    headers: Array
    types: Array
    counts: Array
    """Numbers of parameters."""
    hidden: Array
    """True for events that only change the state."""
    start: int = 0
    """Where in the capture `data` begins."""
    problem: str | None = None
    """What is wrong with the event behind the last one."""
    problem_at: int = 0
    """Where in `data` that is."""

    def __len__(self) -> int:
        return len(self.types)

    def until(self, end: int) -> Columns:
        """The events before number `end`."""
        return replace(
            self,
            blocks=self.blocks[:end],
            headers=self.headers[:end],
            types=self.types[:end],
            counts=self.counts[:end],
            hidden=self.hidden[:end],
        )

    def times_and_threads(self, chosen: Array) -> tuple[list[int], list[int]]:
        """Times in nanoseconds, and thread ids, of the events with these numbers."""
        headers = self.headers[chosen]
        return self.numbers(headers, 8).tolist(), self.numbers(headers + 8, 8).tolist()

    @property
    def end(self) -> int:
        """Where in `data` the event behind the last one is."""
        last = int(self.blocks[-1]) if len(self) else 0
        return last + int.from_bytes(self.data[last + 4 : last + 8], "little") if len(self) else 0

    def first_numbers(self, chosen: Array) -> Array:
        """The first parameter of each of these events, taken for a number of two bytes."""
        halves = _halves(self.data)
        found: Array = halves[self.headers[chosen] // 2 + HEADER_BYTES // 2 + self.counts[chosen]]
        return found

    def processors(self, chosen: Array) -> list[int]:
        """The processors that the events were recorded on."""
        found: list[int] = _halves(self.data)[self.blocks[chosen] // 2 + 4].tolist()
        return found

    def spans(self, chosen: Array, count: int) -> Array:
        """Where the parameters of these events begin, and where the last ends: `count` of them in each."""
        first = self.headers[chosen] + HEADER_BYTES
        sizes = _halves(self.data)[(first // 2)[:, None] + np.arange(count)]
        spans = np.empty((len(chosen), count + 1), dtype=np.int64)
        spans[:, 0] = first + 2 * count
        np.cumsum(sizes, axis=1, out=spans[:, 1:])
        spans[:, 1:] += spans[:, :1]
        return spans

    def numbers(self, places: Array, width: int) -> Array:
        """The signed numbers of so many bytes, 4 or 8, at these places; behind the end it is any number."""
        raw = np.frombuffer(self.data, np.uint8)
        places = np.minimum(places, len(raw) - width)
        found: Array = raw[places[:, None] + np.arange(width)].view(f"<i{width}")[:, 0]
        return found

    def ends(self, chosen: Array) -> Array:
        """Where these events end, by the length in their headers."""
        halves = _halves(self.data)
        at = self.headers[chosen] // 2
        size = halves[at + 8].astype(np.int64) | halves[at + 9].astype(np.int64) << 16
        ends: Array = self.headers[chosen] + size
        return ends

    def first_damaged(self, chosen: Array) -> int:
        """The first of these events whose parameters don't fit into it; the number of all without one."""
        halves = _halves(self.data)
        at = self.headers[chosen] // 2
        lengths = self.ends(chosen) - self.headers[chosen]
        counts = self.counts[chosen]
        groups = counts * 2 + _IS_LARGE[self.types[chosen]]
        damaged = len(self)
        for group in np.flatnonzero(np.bincount(groups)).tolist():
            rows = np.flatnonzero(groups == group)
            count, wide = group // 2, group % 2
            sizes = halves[(at[rows] + 13)[:, None] + np.arange(count * (2 if wide else 1))]
            if wide:
                total = sizes[:, 0::2].sum(axis=1, dtype=np.int64)
                total += sizes[:, 1::2].sum(axis=1, dtype=np.int64) << 16
            else:
                total = sizes.sum(axis=1, dtype=np.int64)
            wrong = rows[HEADER_BYTES + count * (4 if wide else 2) + total > lengths[rows]]
            if len(wrong):
                damaged = min(damaged, int(chosen[wrong[0]]))
        return damaged


def event_blocks(data: bytes) -> tuple[Array, Array]:
    """Where blocks of events begin, and their lengths: those that are whole and follow each other from 0 on.

    The first one that is not such a block, or not whole, ends them.
    """
    words = np.frombuffer(data, "<u4", count=len(data) // 4)
    starts = np.flatnonzero((words - 0x216 <= 1) | (words - 0x221 <= 1))
    starts = starts[starts < len(words) - 2]
    lengths = words[starts + 1].astype(np.int64)
    fits = (lengths & 3 == 0) & (lengths >= _LEAST_BYTES) & (starts + lengths // 4 <= len(words))
    starts, lengths = starts[fits], lengths[fits]
    verified = words[starts + lengths // 4 - 1] == lengths
    return _chain(starts[verified] * 4, lengths[verified])


def _chain(starts: Array, lengths: Array) -> tuple[Array, Array]:
    """Those blocks that begin where the one before has ended."""
    if not len(starts) or starts[0] != 0:
        return starts[:0], lengths[:0]
    ends = starts + lengths
    breaks = np.flatnonzero(ends[:-1] != starts[1:])
    if not len(breaks):
        return starts, lengths
    pieces, first = [], 0
    while True:
        behind = np.searchsorted(breaks, first)
        last = int(breaks[behind]) if behind < len(breaks) else len(starts) - 1
        pieces.append(slice(first, last + 1))
        first = int(np.searchsorted(starts, ends[last]))
        if first >= len(starts) or starts[first] != ends[last]:
            break
    return tuple(np.concatenate([array[piece] for piece in pieces]) for array in (starts, lengths))  # type: ignore[return-value]


def columns_of(data: bytes, blocks: Array, lengths: Array) -> Columns:
    """The columns of the events in these blocks, up to the first whose header can't be right."""
    halves = _halves(data)
    at = blocks // 2
    kinds = halves[at]
    flagged = (kinds == 0x217) | (kinds == 0x222)
    headers = blocks + np.where(flagged, _FLAGGED_BODY, _PLAIN_BODY)
    header = headers // 2
    types = halves[header + 10]
    counts = halves[header + 11].astype(np.int64) | halves[header + 12].astype(np.int64) << 16
    sizes = halves[header + 8].astype(np.int64) | halves[header + 9].astype(np.int64) << 16
    hidden = flagged & (halves[np.minimum(at + 5, len(halves) - 1)] & STATE_ONLY == STATE_ONLY)
    fixed = HEADER_BYTES + counts * np.where(_IS_LARGE[types], 4, 2)
    wrong = (fixed > sizes) | (headers + sizes > blocks + lengths - 4) | (counts > _COUNTS[types])
    wrong |= (lengths > MOST_EVENT_BLOCK_BYTES) & ~np.isin(kinds, list(LARGE_TYPES))
    columns = Columns(data, blocks, headers, types, counts, hidden)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        problem = (
            f"an event of type {types[first]} with {counts[first]} parameters and {sizes[first]} bytes "
            f"is not possible in a block of {lengths[first]} bytes"
        )
        columns = columns.until(first)
        columns.problem, columns.problem_at = problem, int(blocks[first])
    return columns
