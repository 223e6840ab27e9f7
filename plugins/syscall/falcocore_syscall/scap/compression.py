"""The uncompressed content of a capture, in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from falcocore_syscall.scap.errors import CaptureError

GZIP_MAGIC = b"\x1f\x8b"
PIECE_BYTES = 1 << 21
"""At most what one piece has: the events of a piece are in the processor's cache when they are decoded."""
_GZIP = 31
"""zlib's number for gzip with its header."""


def unpacked(read: Callable[[], bytes]) -> Iterator[bytes]:
    """The content of what `read` gives until it gives nothing; plain bytes pass through.

    Members of gzip that stand behind each other are one content. What is no member behind the last is left
    out, as gzip does.

    Raises:
        CaptureError: the compressed data is damaged or ends early. What stands before was given.
    """
    first = read()
    while len(first) < len(GZIP_MAGIC) and (more := read()):
        first += more
    if first[: len(GZIP_MAGIC)] == GZIP_MAGIC:
        yield from _members(first, read)
        return
    while first:
        yield first
        first = read()


def _members(packed: bytes, read: Callable[[], bytes]) -> Iterator[bytes]:
    from isal import isal_zlib

    done = 0
    while packed:
        member: Any = isal_zlib.decompressobj(_GZIP)
        while not member.eof:
            try:
                piece = member.decompress(packed, PIECE_BYTES)
            except isal_zlib.error as error:  # type: ignore[misc]  # it is a class, whatever its stub says
                raise CaptureError(f"the gzip data is damaged ({error})", done) from None
            packed = member.unconsumed_tail
            done += len(piece)
            if piece:
                yield piece
            elif not packed and not member.eof:
                packed = read()
                if not packed:
                    raise CaptureError("the gzip data ends in the middle", done)
        packed = member.unused_data
        while len(packed) < len(GZIP_MAGIC) and (more := read()):
            packed += more
        if packed[: len(GZIP_MAGIC)] != GZIP_MAGIC:
            return
