"""Request bodies as they come: in pieces, and packed."""

from __future__ import annotations

import zlib
from typing import TypeAlias

Pieces: TypeAlias = list[bytes | bytearray]
"""A body, in the order in which it came."""
SMALL_BYTES = 1 << 14
"""A smaller piece is put together with others."""


class TooLargeError(Exception):
    """A body that unpacks to more than is allowed."""


class BrokenError(Exception):
    """A body that is not what its header says."""


class UnknownEncodingError(Exception):
    """A Content-Encoding that is not known here."""


def add_piece(pieces: Pieces, piece: bytes) -> None:
    """Add what has come; many small ones, each of which takes room of its own, become larger ones."""
    if len(piece) >= SMALL_BYTES:
        pieces.append(piece)
    elif pieces and isinstance(pieces[-1], bytearray) and len(pieces[-1]) < SMALL_BYTES:
        pieces[-1] += piece
    elif piece:
        pieces.append(bytearray(piece))


def unpacked(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """The body without its Content-Encoding, which is `gzip`, `x-gzip` or none.

    No more is unpacked than what is allowed, so that a small body can't fill the memory.

    Raises:
        TooLargeError: it unpacks to more than `most_bytes`.
        BrokenError: it is no gzip.
        UnknownEncodingError: it is something else.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzipped(body, most_bytes)
        case other:
            raise UnknownEncodingError(f"Content-Encoding {other[:40]} is not supported, gzip is")


def _gunzipped(body: bytes, most_bytes: int) -> bytes:
    parts: list[bytes] = []
    left_bytes = most_bytes
    while body:
        stream = zlib.decompressobj(wbits=31)
        try:
            # One more than is allowed tells a body that is too large.
            part = stream.decompress(body, left_bytes + 1)
        except zlib.error as error:
            raise BrokenError(f"the body is no gzip: {error}") from None
        left_bytes -= len(part)
        if left_bytes < 0:
            raise TooLargeError
        if not stream.eof:
            raise BrokenError("the body ends in the middle of its gzip data")
        parts.append(part)
        body = stream.unused_data
    return b"".join(parts)
