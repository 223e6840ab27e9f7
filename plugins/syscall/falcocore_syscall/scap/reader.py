"""A capture, piece by piece: sections, the lists at their start, columns of events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from falcocore_syscall.scap.blocks import (
    BIG,
    EVENT_TYPES,
    FRAME_BYTES,
    KINDS,
    LITTLE,
    MAGIC,
    MAJOR,
    MODERN_EVENT_TYPES,
    MOST_BLOCK_BYTES,
    SECTION,
)
from falcocore_syscall.scap.columns import Array, Columns, columns_of, event_blocks
from falcocore_syscall.scap.compression import PIECE_BYTES
from falcocore_syscall.scap.errors import CaptureError
from falcocore_syscall.scap.lists import read_list
from falcocore_syscall.scap.modernise import modernised
from falcocore_syscall.scap.records import Record

_SECTION_BYTES = 28
"""The least that a section header has."""
_LEAST_EVENT_BYTES = 40
"""The least that a block of an event has."""
_LEAST_WINDOW_BYTES = 1 << 14
_MOST_WINDOW_BYTES = 2 * PIECE_BYTES
"""A piece with what is left of the one before: then what is in the buffer is not copied again."""


@dataclass(frozen=True, slots=True)
class SectionStart:
    """A section begins: nothing of an earlier one holds any more."""


class Reader:
    """Reads the uncompressed pieces of a capture.

    Iterating yields a SectionStart, then the records of its lists, then Columns, and so for each section.

    Raises:
        CaptureError: the capture can't be read any further; everything before was given.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._data = b""
        self._at = 0
        self._offset = 0
        self._order = LITTLE
        self._window = _LEAST_WINDOW_BYTES

    def __iter__(self) -> Iterator[SectionStart | Record | Columns]:
        if not self._fill(1):
            raise CaptureError("it is empty", 0)
        any_events = False
        while self._fill(1):
            yield SectionStart()
            self._read_section()
            yield from self._read_lists()
            for columns in self._read_events():
                any_events = True
                yield columns
        if not any_events:
            raise self._error("it has no events")

    # --- the buffer ---------------------------------------------------------------------------------------

    def _fill(self, size: int) -> bool:
        """Have `size` unread bytes; False where the capture has fewer."""
        missing = size - (len(self._data) - self._at)
        if missing <= 0:
            return True
        parts = [self._data[self._at :]]
        self._offset += self._at
        try:
            while missing > 0 and (piece := next(self._pieces, None)) is not None:
                parts.append(piece)
                missing -= len(piece)
        finally:  # What was read stays readable where the next piece can't be had.
            self._data, self._at = b"".join(parts), 0
        return missing <= 0

    def _error(self, problem: str, at: int | None = None) -> CaptureError:
        return CaptureError(problem, self._offset + (self._at if at is None else at))

    def _frame(self) -> tuple[int, int] | None:
        """Type and length of the next block, which is then there as a whole; None at the end."""
        if not self._fill(8):
            if len(self._data) == self._at:
                return None
            raise self._error("it ends in the middle of a block")
        if self._order.u32.unpack_from(self._data, self._at)[0] == SECTION:
            self._find_order()  # A section may have been written by another machine.
        kind, length = self._order.frame.unpack_from(self._data, self._at)
        if length < FRAME_BYTES or length % 4 or length > MOST_BLOCK_BYTES:
            raise self._error(f"a block of {length} bytes is not possible")
        if not self._fill(length):
            raise self._error(f"it ends in the middle of a block of {length} bytes")
        return kind, length

    def _body(self, length: int) -> bytes:
        return self._data[self._at + 8 : self._at + length - 4]

    def _check_trailer(self, length: int) -> None:
        if self._order.u32.unpack_from(self._data, self._at + length - 4)[0] != length:
            raise self._error("a block says two different lengths")

    # --- sections and lists -------------------------------------------------------------------------------

    def _read_section(self) -> None:
        if not self._fill(_SECTION_BYTES):
            raise self._error("it is too short for a capture")
        if LITTLE.u32.unpack_from(self._data, self._at)[0] != SECTION:
            raise self._error("it does not begin as a .scap capture does")
        frame = self._frame()
        length = frame[1] if frame else 0
        if length < _SECTION_BYTES:
            raise self._error(f"a section header of {length} bytes is not possible")
        major = self._order.section.unpack_from(self._data, self._at + 8)[1]
        if major > MAJOR:
            raise self._error(f"version {major} of the format is newer than this program")
        self._check_trailer(length)
        self._at += length

    def _find_order(self) -> None:
        """Take the byte order of the section that begins here."""
        if self._fill(_SECTION_BYTES):
            for order in (LITTLE, BIG):
                if order.u32.unpack_from(self._data, self._at + 8)[0] == MAGIC:
                    self._order = order
                    return
        raise self._error("it does not begin as a .scap capture does")

    def _read_lists(self) -> Iterator[Record]:
        """Records, up to the first event or the next section."""
        while (frame := self._frame()) is not None:
            number, length = frame
            if number in EVENT_TYPES or number == SECTION:
                return
            self._check_trailer(length)
            kind = KINDS.get(number)
            if kind is not None:
                try:
                    record = read_list(kind[0], kind[1], self._body(length), self._order)
                except ValueError as error:
                    raise self._error(f"in the {kind[0].value}: {error}") from None
                yield record
            self._at += length

    # --- events -------------------------------------------------------------------------------------------

    def _read_events(self) -> Iterator[Columns]:
        while (frame := self._frame()) is not None:
            if frame[0] not in EVENT_TYPES:
                return
            modern = frame[0] in MODERN_EVENT_TYPES and self._order is LITTLE
            yield from self._modern_events(frame[1]) if modern else self._old_events()

    def _modern_events(self, first_length: int) -> Iterator[Columns]:
        """Events that are in the buffer as a whole: the next one, and those behind it in a window."""
        window = max(self._window, first_length)
        data = self._data[self._at : self._at + window]
        blocks, lengths = event_blocks(data)
        if not len(blocks):
            blocks, lengths = self._walked_blocks(data)
        columns = columns_of(data, blocks, lengths)
        columns.start = self._offset + self._at
        yield columns
        if columns.problem:
            raise self._error(columns.problem, self._at + columns.problem_at)
        done = int(blocks[-1] + lengths[-1])
        self._at += done
        # What a window has behind other blocks than events is looked at again: then the next is smaller.
        larger = 2 * done > len(data)
        window = 2 * window if larger else window // 4
        self._window = max(_LEAST_WINDOW_BYTES, min(_MOST_WINDOW_BYTES, window))

    def _walked_blocks(self, data: bytes) -> tuple[Array, Array]:
        """The same as `event_blocks`, one by one: the second length of an event's block may be wrong."""
        blocks: list[int] = []
        lengths: list[int] = []
        at = 0
        while at + 8 <= len(data):
            kind, length = LITTLE.frame.unpack_from(data, at)
            if kind not in MODERN_EVENT_TYPES or length % 4 or at + length > len(data):
                break
            if length < _LEAST_EVENT_BYTES:
                if not blocks:
                    raise self._error(f"a block of {length} bytes is too short for an event")
                break
            blocks.append(at)
            lengths.append(length)
            at += length
        return np.array(blocks, dtype=np.int64), np.array(lengths, dtype=np.int64)

    def _old_events(self) -> Iterator[Columns]:
        """Blocks of old layouts or the other byte order, written anew, about as much as a piece has."""
        written: list[bytes] = []
        size, problem = 0, None
        while size < PIECE_BYTES and (frame := self._frame_or_problem(written)) is not None:
            if isinstance(frame, CaptureError):
                problem = frame
                break
            number, length = frame
            if number not in EVENT_TYPES or (number in MODERN_EVENT_TYPES and self._order is LITTLE):
                break
            try:
                block = modernised(number, self._body(length), self._order)
            except ValueError as error:
                problem = self._error(str(error))
                break
            if block is not None:
                written.append(block)
                size += len(block)
            self._at += length
        if written:
            data = b"".join(written)
            yield columns_of(data, *event_blocks(data))
        if problem is not None:
            raise problem

    def _frame_or_problem(self, written: list[bytes]) -> tuple[int, int] | CaptureError | None:
        """The next block; where it can't be read but events wait to be given, the reason."""
        try:
            return self._frame()
        except CaptureError as error:
            if not written:
                raise
            return error
