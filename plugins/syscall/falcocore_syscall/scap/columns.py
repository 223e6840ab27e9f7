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
    MODERN_EVENT_TYPES,
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


_HEADER = np.dtype([("time_ns", "<i8"), ("tid", "<i8"), ("bytes", "<u4"), ("type", "<u2"), ("count", "<u4")])
"""The header of an event, packed as it is in a block."""
_IS_LARGE = by_type(LARGE)
_COUNTS = np.full(1 << 16, 1 << 16, dtype=np.int64)
_COUNTS[: len(EVENTS)] = [len(event.params) for event in EVENTS]


def gathered(data: bytes, places: Array, kind: Any) -> Array:
    """The values of a numpy type at these places, as one copy for each; all of them have to be in the data.

    The places need not be aligned: as many values as the data has bytes lie over each other.
    """
    kind = np.dtype(kind)
    size = kind.itemsize
    # As mere bytes they are copied several times faster than as numbers.
    everywhere: Array = np.ndarray((len(data) - size + 1,), f"V{size}", data, 0, (1,))
    return everywhere[places].view(kind)


def _sizes(data: bytes, places: Array, count: int, width: int) -> Array:
    """The lengths of parameters that stand at these places, so many at each, of two or four bytes."""
    packed = gathered(data, places, f"V{count * width}")
    return packed.view(f"<u{width}").reshape(len(places), count)


@dataclass(slots=True)
class Columns:
    """Events of one piece: `data[headers[i]:]` is event number i. All arrays have the same length."""

    data: bytes
    blocks: Array
    """Where the block of each event begins in `data`."""
    headers: Array
    fields: Array
    """What the headers hold, by name: `time_ns`, `tid`, `bytes`, `type`, `count`."""
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
            fields=self.fields[:end],
            types=self.types[:end],
            counts=self.counts[:end],
            hidden=self.hidden[:end],
        )

    def times_and_threads(self, chosen: Array) -> tuple[list[int], list[int]]:
        """Times in nanoseconds, and thread ids, of the events with these numbers."""
        fields = self.fields[chosen]
        return fields["time_ns"].tolist(), fields["tid"].tolist()

    @property
    def end(self) -> int:
        """Where in `data` the event behind the last one is."""
        last = int(self.blocks[-1]) if len(self) else 0
        return last + int.from_bytes(self.data[last + 4 : last + 8], "little") if len(self) else 0

    def first_numbers(self, chosen: Array) -> Array:
        """The first parameter of each of these events, taken for a number of two bytes."""
        places = self.headers[chosen] + HEADER_BYTES + 2 * self.counts[chosen]
        return gathered(self.data, places, "<u2")

    def processors(self, chosen: Array) -> list[int]:
        """The processors that the events were recorded on."""
        found: list[int] = gathered(self.data, self.blocks[chosen] + 8, "<u2").tolist()
        return found

    def spans(self, chosen: Array, count: int) -> Array:
        """Where the parameters of these events begin, and where the last ends: `count` of them in each.

        Each column lies in one piece.
        """
        first = self.headers[chosen] + HEADER_BYTES
        sizes = _sizes(self.data, first, count, 2)
        spans = np.empty((len(chosen), count + 1), dtype=np.int64, order="F")
        spans[:, 0] = first + 2 * count
        for number in range(count):
            np.add(spans[:, number], sizes[:, number], out=spans[:, number + 1])
        return spans

    def numbers(self, places: Array, width: int) -> Array:
        """The signed numbers of so many bytes, 4 or 8, at these places; behind the end it is any number."""
        return gathered(self.data, np.minimum(places, len(self.data) - width), f"<i{width}")

    def ends(self, chosen: Array) -> Array:
        """Where these events end, by the length in their headers."""
        ends: Array = self.headers[chosen] + self.fields["bytes"][chosen]
        return ends

    def first_damaged(self, chosen: Array) -> int:
        """The first of these events whose parameters don't fit into it; the number of all without one."""
        first = self.headers[chosen] + HEADER_BYTES
        rest = self.ends(chosen) - first
        groups = self.counts[chosen] * 2 + _IS_LARGE[self.types[chosen]]
        damaged = len(self)
        for group in np.flatnonzero(np.bincount(groups)).tolist():
            if group < 2:
                continue  # Without parameters.
            rows = np.flatnonzero(groups == group)
            count, width = group // 2, 4 if group % 2 else 2
            sizes = _sizes(self.data, first[rows], count, width).sum(axis=1, dtype=np.int64)
            wrong = rows[count * width + sizes > rest[rows]]
            if len(wrong):
                damaged = min(damaged, int(chosen[wrong[0]]))
        return damaged


_LOWEST_KIND, _HIGHEST_KIND = min(MODERN_EVENT_TYPES), max(MODERN_EVENT_TYPES)
_IS_KIND = np.isin(np.arange(_LOWEST_KIND, _HIGHEST_KIND + 1), list(MODERN_EVENT_TYPES))


def event_blocks(data: bytes) -> tuple[Array, Array]:
    """Where blocks of events begin, and their lengths: those that are whole and follow each other from 0 on.

    The first one that is not such a block, or not whole, ends them.
    """
    words = np.frombuffer(data, "<u4", count=len(data) // 4)
    starts = np.flatnonzero(words[:-2] - _LOWEST_KIND <= _HIGHEST_KIND - _LOWEST_KIND)
    kinds, lengths = words[starts], words[starts + 1]
    ends = starts + (lengths >> 2)
    are_blocks = _IS_KIND[kinds - _LOWEST_KIND] & (lengths & 3 == 0) & (lengths >= _LEAST_BYTES)
    are_blocks &= ends <= len(words)
    are_blocks &= words[np.minimum(ends, len(words)) - 1] == lengths
    return _chain(starts[are_blocks] * 4, lengths[are_blocks].astype(np.int64))


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
    halves = np.frombuffer(data, "<u2", count=len(data) // 2)
    at = blocks >> 1
    kinds = halves[at]
    flagged = (kinds == 0x217) | (kinds == 0x222)
    headers = blocks + np.where(flagged, _FLAGGED_BODY, _PLAIN_BODY)
    fields = gathered(data, headers, _HEADER)
    types = fields["type"].copy()
    counts, sizes = fields["count"].astype(np.int64), fields["bytes"].astype(np.int64)
    hidden = flagged & (halves[at + _PLAIN_BODY // 2] & STATE_ONLY == STATE_ONLY)
    fixed = HEADER_BYTES + counts * np.where(_IS_LARGE[types], 4, 2)
    wrong = (fixed > sizes) | (headers + sizes > blocks + lengths - 4) | (counts > _COUNTS[types])
    if lengths.max(initial=0) > MOST_EVENT_BLOCK_BYTES:
        wrong |= (lengths > MOST_EVENT_BLOCK_BYTES) & ~np.isin(kinds, list(LARGE_TYPES))
    columns = Columns(data, blocks, headers, fields, types, counts, hidden)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        problem = (
            f"an event of type {types[first]} with {counts[first]} parameters and {sizes[first]} bytes "
            f"is not possible in a block of {lengths[first]} bytes"
        )
        columns = columns.until(first)
        columns.problem, columns.problem_at = problem, int(blocks[first])
    return columns
