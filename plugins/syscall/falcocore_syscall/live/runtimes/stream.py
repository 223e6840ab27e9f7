"""A connection to a unix socket that ends by itself when its time is over."""

from __future__ import annotations

import socket
import time
from types import TracebackType

from falcocore_syscall.live.runtimes.errors import UnansweredError

_PIECE_BYTES = 1 << 16
MOST_BYTES = 16 << 20
"""As much as a kubelet takes; runtimes keep their answers below."""


class UnixStream:
    """Bytes to and from a socket, all of them before a point of time on the monotonic clock.

    A limit for each read alone would let a server that sends one byte now and then hold its client for ever.
    """

    def __init__(self, path: str, until_s: float) -> None:
        self._until_s = until_s
        self._taken_bytes = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._limit()
            self._socket.connect(path)
        except OSError as error:
            self.close()
            raise UnansweredError(_reason(error)) from None

    def __enter__(self) -> UnixStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            UnansweredError: it could not be written in time.
        """
        try:
            self._limit()
            self._socket.sendall(data)
        except OSError as error:
            raise UnansweredError(_reason(error)) from None

    def receive(self) -> bytes:
        """What came next; empty at the end.

        Raises:
            UnansweredError: nothing came in time, or too much.
        """
        try:
            self._limit()
            data = self._socket.recv(_PIECE_BYTES)
        except OSError as error:
            raise UnansweredError(_reason(error)) from None
        self._taken_bytes += len(data)
        if self._taken_bytes > MOST_BYTES:
            raise UnansweredError(f"more than {MOST_BYTES} bytes came")
        return data

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _limit(self) -> None:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._socket.settimeout(left_s)


def _reason(error: OSError) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
