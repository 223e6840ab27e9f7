"""Decompression of what arrives in pieces, chosen by its first bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from falcocore.api import SourceError

PIECE_BYTES = 1 << 20
"""Unpacked bytes given at a time, so that a small file that unpacks to a large one needs little memory."""


class Unpacker(Protocol):
    """Takes packed pieces, gives unpacked ones."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What a piece unpacks to."""

    def finish(self) -> None:
        """The input has ended; raises SourceError where it ended too early."""


def unpacker_for(first: bytes, name: str) -> Unpacker:
    """The unpacker for input that begins with `first`; `name` is for messages."""
    if first.startswith(b"\x1f\x8b"):
        return _Gzip(name)
    if first.startswith(b"\x28\xb5\x2f\xfd"):
        return _Zstd(name)
    return _Plain()


class _Plain:
    def feed(self, piece: bytes) -> Iterator[bytes]:
        yield piece

    def finish(self) -> None:
        return


class _Gzip:
    """One or more gzip members after each other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._member = self._new_member()
        self._started = False

    @staticmethod
    def _new_member() -> zlib._Decompress:
        return zlib.decompressobj(wbits=31)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        full = False
        while piece or full:
            try:
                unpacked = self._member.decompress(piece, PIECE_BYTES)
            except zlib.error as error:
                raise SourceError(
                    f"{self._name} is broken gzip: {error}; what came before it was read"
                ) from None
            self._started = True
            if unpacked:
                yield unpacked
            # A full piece may have more behind it, though all input was taken.
            piece, full = self._member.unconsumed_tail, len(unpacked) == PIECE_BYTES
            if self._member.eof:
                piece, full = self._member.unused_data.lstrip(b"\0"), False
                self._member, self._started = self._new_member(), False

    def finish(self) -> None:
        if self._started:
            raise SourceError(f"{self._name} ends in the middle of its gzip data; what came before was read")


class _Zstd:
    """One or more zstd frames after each other."""

    def __init__(self, name: str) -> None:
        try:
            import zstandard
        except ModuleNotFoundError:
            raise SourceError(
                f"{name} is packed with zstd, and the package for it is not installed",
                hint="pip install 'falcocore[zstd]'",
            ) from None
        self._name = name
        self._error: type[Exception] = zstandard.ZstdError
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._frame = self._new_frame()
        self._started = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            try:
                unpacked = self._frame.decompress(piece)
            except self._error as error:
                raise SourceError(
                    f"{self._name} is broken zstd: {error}; what came before it was read"
                ) from None
            self._started = True
            if unpacked:
                yield unpacked
            if not self._frame.eof:
                return
            piece = self._frame.unused_data
            self._frame, self._started = self._new_frame(), False

    def finish(self) -> None:
        if self._started:
            raise SourceError(f"{self._name} ends in the middle of its zstd data; what came before was read")
