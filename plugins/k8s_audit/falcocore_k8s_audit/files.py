"""Audit events in files: JSON Lines, plain, gzip or zstd; a file, a directory, or standard input."""

from __future__ import annotations

import errno
import os
import re
import select
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from falcocore.api import Batch, Progress, SourceError
from falcocore_k8s_audit.compression import is_undecided, unpacker_for
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.lines import whole_lines

_FIRST_OF_MANY = re.compile(rb"[ \t\r]*[{\[][ \t\r]*\n")
"""A first line of nothing but a bracket: the document goes on in the next."""
BLOCK_BYTES = 1 << 18
"""What is read at a time. A pipe gives less, and its lines are passed on as they come.

Measured: larger blocks cost more in fresh memory, smaller ones in handing over, than either saves."""


class Files:
    """Reads files once, from the first line to the last, in blocks, so that memory stays flat."""

    def __init__(self, target: str, cluster: str, note: Callable[[Decoded], None]) -> None:
        self._target = target
        self._cluster = cluster
        self._note = note
        self._paths: list[Path] = []
        self._total_bytes: int | None = None
        self._done_bytes = 0
        self._stopped = False
        self._wake_reader, self._wake_writer = os.pipe()

    def open(self) -> None:
        """Find the files.

        Raises:
            SourceError: the target is not there or can't be read.
        """
        self._done_bytes = 0
        if self._target == "-":
            if sys.stdin is None:
                raise SourceError("source k8s_audit: standard input is closed")
            return
        target = Path(self._target)
        try:
            self._paths = _plain_files(target) if target.is_dir() else [target]
            sizes = [path.stat() for path in self._paths]
            for path in self._paths:
                if not os.access(path, os.R_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        except OSError as error:
            raise SourceError(
                f"source k8s_audit: {error.filename or target} can't be read: {error.strerror}",
                hint="give a file, a directory, - for standard input, or http://HOST:PORT/PATH to listen on",
            ) from None
        if all(stat.S_ISREG(size.st_mode) for size in sizes):
            self._total_bytes = sum(size.st_size for size in sizes)

    def banner(self) -> str:
        """What is read."""
        return f"reading {'standard input' if self._target == '-' else self._target}"

    def next_step(self) -> str | None:
        """Nothing: alerts come by themselves."""
        return None

    def progress(self) -> Progress | None:
        """Bytes read of all files, compressed ones as they are."""
        return Progress(self._done_bytes, self._total_bytes)

    def stop(self) -> None:
        """End after the block that is being worked on, also where a pipe gives nothing."""
        self._stopped = True
        os.write(self._wake_writer, b"\0")

    def batches(self) -> Iterator[Batch]:
        """Yield a batch for each block of lines."""
        name = "standard input"
        try:
            if self._target == "-":
                yield from self._read(sys.stdin.buffer, name)
            for path in self._paths:
                if not self._stopped:
                    name = str(path)
                    with open(path, "rb", buffering=0, opener=_open_at_once) as file:
                        yield from self._read(file, name)
        except OSError as error:  # Such as a file that log rotation moved since `open`.
            raise SourceError(f"source k8s_audit: {name} can't be read: {error.strerror}") from None

    def _read(self, file: BinaryIO, name: str) -> Iterator[Batch]:
        number = 1

        def where(lines_before: int, _bytes_before: int) -> str:
            return f"{name}:{number + lines_before}"

        for lines in whole_lines(self._unpacked(file, name)):
            if number == 1 and _FIRST_OF_MANY.match(lines):
                raise SourceError(
                    f"{name} is a document over many lines; one event on each line is wanted",
                    hint="make it so with: jq -c .",
                )
            decoded = Decoded(self._cluster)
            number += decoded.read_lines(lines, where)
            self._note(decoded)
            yield Batch(decoded.events, decoded.labels)

    def _unpacked(self, file: BinaryIO, name: str) -> Iterator[bytes]:
        """The content in pieces, decompressed where its first bytes say so."""
        piece = self._next_piece(file)
        while is_undecided(piece) and (more := self._next_piece(file)):
            piece += more
        unpacker = unpacker_for(piece, name)
        while piece:
            for unpacked in unpacker.feed(piece):
                yield unpacked
                if self._stopped:
                    return
            piece = self._next_piece(file)
        if not self._stopped:
            unpacker.finish()
            yield b"\n"  # The end of the input ends its last line; being stopped in a line does not.

    def _next_piece(self, file: BinaryIO) -> bytes:
        """What can be read now, at most a block; empty at the end, or when told to stop."""
        # Not select(), which can't take the high descriptors of a process with many connections.
        waiting = select.poll()
        for descriptor in (file.fileno(), self._wake_reader):
            waiting.register(descriptor, select.POLLIN)
        waiting.poll()
        if self._stopped:
            return b""
        piece = os.read(file.fileno(), BLOCK_BYTES)
        self._done_bytes += len(piece)
        return piece


def _open_at_once(path: str, flags: int) -> int:
    """Open a named pipe without waiting for its writer; what waits is the read, which `stop` can end."""
    return os.open(path, flags | os.O_NONBLOCK)


def _plain_files(directory: Path) -> list[Path]:
    """The plain files of a directory, that of the oldest modification first."""
    files = [path for path in directory.iterdir() if path.is_file()]
    if not files:
        raise FileNotFoundError(errno.ENOENT, "there is no file in it", str(directory))
    return sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.name))
