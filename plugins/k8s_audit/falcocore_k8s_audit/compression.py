"""Decompression of what arrives in pieces, chosen by its first bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Protocol

from falcocore.api import SourceError

UNPACKED_BYTES = 1 << 20
"""Unpacked bytes given at a time, so that a small file that unpacks to a large one needs little memory."""
GZIP_MAGIC, ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Unpacker(Protocol):
    """Takes packed pieces, gives unpacked ones."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What a piece unpacks to."""

    def finish(self) -> None:
        """The input has ended; raises SourceError where it ended too early."""


def is_undecided(first: bytes) -> bool:
    """Whether these first bytes are too few to tell packed input from plain."""
    return any(0 < len(first) < len(magic) and magic.startswith(first) for magic in (GZIP_MAGIC, ZSTD_MAGIC))


def unpacker_for(first: bytes, name: str) -> Unpacker:
    """The unpacker for input that begins with `first`; `name` is for messages."""
    if first.startswith(GZIP_MAGIC):
        return _Gzip(name)
    if first.startswith(ZSTD_MAGIC):
        return _Zstd(name)
    return _Plain()


class _Plain:
    def feed(self, piece: bytes) -> Iterator[bytes]:
        yield piece

    def finish(self) -> None:
        return


class _Packed:
    """One or more compressed streams after each other."""

    format: str
    error: type[Exception]
    packed_bytes: int
    """Taken at a time; where they are broken, no more than what these hold is lost."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stream = self._new_stream()
        self._inside = False

    def _new_stream(self) -> Any:
        """A decompressor of one stream."""
        raise NotImplementedError

    def _unpack(self, part: bytes) -> Iterator[bytes]:
        """What a part unpacks to, up to the end of the stream."""
        raise NotImplementedError

    def feed(self, piece: bytes) -> Iterator[bytes]:
        for start in range(0, len(piece), self.packed_bytes):
            part = piece[start : start + self.packed_bytes]
            if not self._inside:
                part = part.lstrip(b"\0")  # What pads a file behind its last stream.
            while part:
                self._inside = True
                try:
                    yield from self._unpack(part)
                except self.error as error:
                    raise SourceError(
                        f"{self._name} is broken {self.format}: {error}; what came before was read"
                    ) from None
                if not self._stream.eof:
                    break
                part = self._stream.unused_data.lstrip(b"\0")
                self._stream, self._inside = self._new_stream(), False

    def finish(self) -> None:
        if self._inside:
            raise SourceError(
                f"{self._name} ends in the middle of its {self.format} data; what came before was read"
            )


class _Gzip(_Packed):
    format = "gzip"
    error = zlib.error
    packed_bytes = 1 << 14

    def _new_stream(self) -> Any:
        return zlib.decompressobj(wbits=31)

    def _unpack(self, part: bytes) -> Iterator[bytes]:
        while True:
            unpacked = self._stream.decompress(part, UNPACKED_BYTES)
            if unpacked:
                yield unpacked
            part = self._stream.unconsumed_tail
            # At the end of a stream the tail is what follows it. A full piece may have more behind it,
            # though all input was taken.
            if self._stream.eof or (not part and len(unpacked) < UNPACKED_BYTES):
                return


class _Zstd(_Packed):
    format = "zstd"
    # Its package can't unpack less than all: four bytes, the smallest block, may give 128 KiB.
    packed_bytes = 4 * UNPACKED_BYTES >> 17

    def __init__(self, name: str) -> None:
        try:
            import zstandard
        except ModuleNotFoundError:
            raise SourceError(
                f"{name} is packed with zstd, and the package for it is not installed",
                hint="pip install 'falcocore[zstd]'",
            ) from None
        self.error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor()
        super().__init__(name)

    def _new_stream(self) -> Any:
        return self._decompressor.decompressobj()

    def _unpack(self, part: bytes) -> Iterator[bytes]:
        if unpacked := self._stream.decompress(part):
            yield unpacked
