"""Whole lines out of pieces that end anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """The lines that end in each piece, with their line ends, as one text; a line of any length comes whole.

    Only a line that began in an earlier piece is copied, and comes by itself. What follows the last line
    end is not given.
    """
    begun: list[bytes] = []
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        start = 0
        if begun and end:
            start = piece.find(b"\n") + 1
            yield b"".join((*begun, piece[:start]))
            begun.clear()
        if start < end:
            yield memoryview(piece)[start:end]
        if end < len(piece):
            begun.append(piece[end:])
