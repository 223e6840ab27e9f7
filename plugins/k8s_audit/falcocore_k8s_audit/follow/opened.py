"""One file that is read on from a place in it: a plain one that may grow, or a packed one that does not."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from falcocore_k8s_audit.compression import unpacker_for
from falcocore_k8s_audit.files import BLOCK_BYTES
from falcocore_k8s_audit.follow.names import PACKED
from falcocore_k8s_audit.follow.position import HEAD_BYTES, Position, digest
from falcocore_k8s_audit.lines import whole_lines


class Opened(ABC):
    """An open file. `offset` is the end of the lines that were read of it, in unpacked bytes."""

    def __init__(self, path: Path, file: BinaryIO, offset: int, beginning: bytes) -> None:
        self.path = path
        self.offset = offset
        self._file = file
        self._status = os.fstat(file.fileno())
        self._set_beginning(beginning)

    def _set_beginning(self, beginning: bytes) -> None:
        # A part of a first line may be too little to tell one file from another.
        is_enough = len(beginning) == HEAD_BYTES
        self._beginning = beginning
        self._head = beginning if is_enough else beginning[: beginning.rfind(b"\n") + 1]
        self._digest = digest(self._head)

    @property
    def is_recognisable(self) -> bool:
        """Whether enough of it is there to tell it from other files."""
        return bool(self._head)

    def position(self) -> Position:
        """How far it is read."""
        status = os.fstat(self._file.fileno())
        head_bytes, changed_ns = len(self._head), status.st_mtime_ns
        return Position(status.st_dev, status.st_ino, head_bytes, self._digest, self.offset, changed_ns)

    def holds(self, position: Position) -> bool:
        """Whether a position is one in this file."""
        if not position.head_bytes:
            return (self._status.st_dev, self._status.st_ino) == (position.device, position.inode)
        head = self._beginning[: position.head_bytes]
        return len(head) == position.head_bytes and digest(head) == position.head_sha256

    def is_at(self, path: Path) -> bool:
        """Whether this is the file that has that name now."""
        try:
            return os.path.samestat(self._status, path.stat())
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close it."""
        self._file.close()

    @abstractmethod
    def is_intact(self) -> bool:
        """False where it holds something else now, or less than was read of it."""

    @abstractmethod
    def read(self) -> bytes | memoryview:
        """The next whole lines, a block of them at the most; empty where there are none now.

        Raises:
            SourceError: it is packed, and broken here.
        """

    @abstractmethod
    def read_rest(self) -> bytes:
        """The last line, where it has no line end and nothing more comes."""


def open_at(path: Path, offset: int) -> Opened:
    """Open a file at a place; a plain one that ends before it, at its end.

    Raises:
        OSError: it can't be opened.
        SourceError: it is packed and can't be unpacked.
    """
    file = open(path, "rb", buffering=0)  # noqa: SIM115 - it stays open
    try:
        return (_Packed if path.suffix in PACKED else _Plain)(path, file, offset)
    except BaseException:
        file.close()
        raise


def open_at_end(path: Path) -> Opened:
    """Open a plain file behind its last whole line.

    Raises:
        OSError: it can't be opened.
    """
    with open(path, "rb", buffering=0) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        start = max(0, size_bytes - BLOCK_BYTES)
        end = os.pread(file.fileno(), size_bytes - start, start).rfind(b"\n") + 1
    return open_at(path, start + end if end or not start else size_bytes)


class _Plain(Opened):
    """What is not read yet stays in the file, also the first part of a line."""

    def __init__(self, path: Path, file: BinaryIO, offset: int) -> None:
        super().__init__(path, file, offset, os.pread(file.fileno(), HEAD_BYTES, 0))
        self.offset = min(offset, self._status.st_size)

    def is_intact(self) -> bool:
        """Whether the file begins as it did, and is as long as it was."""
        descriptor = self._file.fileno()
        is_long_enough = os.fstat(descriptor).st_size >= self.offset
        return is_long_enough and os.pread(descriptor, len(self._beginning), 0) == self._beginning

    def read(self) -> bytes | memoryview:
        """The next whole lines; a line that is longer than a block comes whole."""
        size_bytes = BLOCK_BYTES
        while True:
            block = os.pread(self._file.fileno(), size_bytes, self.offset)
            if end := block.rfind(b"\n") + 1:
                self._move(block, end)
                return memoryview(block)[:end]
            if len(block) < size_bytes:
                return b""
            size_bytes *= 2

    def read_rest(self) -> bytes:
        """What is behind the last line end."""
        descriptor = self._file.fileno()
        rest = os.pread(descriptor, max(0, os.fstat(descriptor).st_size - self.offset), self.offset)
        self._move(rest, len(rest))
        return rest + b"\n" if rest else b""

    def _move(self, block: bytes, read_bytes: int) -> None:
        if len(self._beginning) < HEAD_BYTES:
            # With the same look at the file as the lines, where that is possible: it may change in between.
            longer = os.pread(self._file.fileno(), HEAD_BYTES, 0) if self.offset else block[:HEAD_BYTES]
            if longer.startswith(self._beginning):
                self._set_beginning(longer)
        self.offset += read_bytes


class _Packed(Opened):
    """Packing a rotated file ends with the removal of the plain one: the packed one does not grow."""

    def __init__(self, path: Path, file: BinaryIO, offset: int) -> None:
        super().__init__(path, file, offset, _first(HEAD_BYTES, _unpacked(file, path)))
        file.seek(0)
        self._lines = whole_lines(_behind(offset, _with_last_end(_unpacked(file, path))))

    def is_intact(self) -> bool:
        """Always."""
        return True

    def read(self) -> bytes | memoryview:
        """The next whole lines."""
        lines = next(self._lines, b"")
        self.offset += len(lines)
        return lines

    def read_rest(self) -> bytes:
        """Nothing: all lines are whole."""
        return b""


def _unpacked(file: BinaryIO, path: Path) -> Iterator[bytes]:
    piece = file.read(BLOCK_BYTES)
    unpacker = unpacker_for(piece, str(path))
    while piece:
        yield from unpacker.feed(piece)
        piece = file.read(BLOCK_BYTES)
    unpacker.finish()


def _first(size_bytes: int, pieces: Iterable[bytes]) -> bytes:
    """The first bytes of pieces, or fewer where they are not as many."""
    found = b""
    for piece in pieces:
        found += piece[:size_bytes]
        if len(found) >= size_bytes:
            break
    return found[:size_bytes]


def _with_last_end(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, and a line end where the last line has none."""
    last = b"\n"
    for piece in pieces:
        yield piece
        last = piece[-1:] or last
    if last != b"\n":
        yield b"\n"


def _behind(offset: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces without their first bytes."""
    for piece in pieces:
        if offset < len(piece):
            yield piece[offset:]
        offset = max(0, offset - len(piece))
