"""The bytes of a capture, from a file, a named pipe or standard input; waiting for them can be ended."""

from __future__ import annotations

import os
import select
import stat
import sys
import threading

from falcocore.api import SourceError

READ_BYTES = 1 << 20
STANDARD_INPUT = "-"


class Input:
    """One capture to read. `stop` and `close` may come from any thread."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.done_bytes = 0
        self.total_bytes: int | None = None
        self._stopped = False
        self._closing = False
        self._reading = threading.Lock()
        self._descriptor: int | None = None
        self._wake_reader, self._wake_writer = os.pipe()

    @property
    def is_stopped(self) -> bool:
        """True after `stop`."""
        return self._stopped

    def open(self) -> None:
        """Open it.

        Raises:
            SourceError: it can't be read.
        """
        self._closing = False
        if self.target == STANDARD_INPUT:
            if sys.stdin is None:
                raise SourceError("source syscall: standard input is closed")
            self._descriptor = sys.stdin.fileno()
            return
        try:
            # A named pipe is opened without waiting for its writer: what waits is the read.
            self._descriptor = os.open(self.target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            status = os.fstat(self._descriptor)
            if stat.S_ISDIR(status.st_mode):
                os.close(self._descriptor)
                raise IsADirectoryError(0, "it is a directory", self.target)
        except OSError as error:
            raise self._refusal(error) from None
        if stat.S_ISREG(status.st_mode):
            self.total_bytes = status.st_size

    def read(self) -> bytes:
        """The next bytes; none at the end, or after `stop` or `close`.

        Raises:
            SourceError: they can't be read.
        """
        with self._reading:
            return self._read()

    def _read(self) -> bytes:
        if self._descriptor is None:
            return b""
        waiting = select.poll()
        for descriptor in (self._descriptor, self._wake_reader):
            waiting.register(descriptor, select.POLLIN)
        waiting.poll()
        if self._stopped or self._closing:
            return b""
        try:
            piece = os.read(self._descriptor, READ_BYTES)
        except OSError as error:
            raise self._refusal(error) from None
        self.done_bytes += len(piece)
        return piece

    def close(self) -> None:
        """Give everything back, after ending a `read` that waits."""
        self._closing = True
        os.write(self._wake_writer, b"\0")
        with self._reading:
            if self._descriptor is not None and self.target != STANDARD_INPUT:
                os.close(self._descriptor)
            self._descriptor = None
            if not self._stopped:
                os.read(self._wake_reader, 1)

    def stop(self) -> None:
        """End a `read` that waits, and every later one."""
        self._stopped = True
        os.write(self._wake_writer, b"\0")

    def _refusal(self, error: OSError) -> SourceError:
        return SourceError(
            f"source syscall: {self.target} can't be read: {error.strerror}",
            hint=f"give a .scap capture, or {STANDARD_INPUT} for standard input",
        )
