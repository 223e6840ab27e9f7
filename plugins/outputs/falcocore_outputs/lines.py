"""Whole lines into a pipe or file, however little it takes at a time."""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import Protocol

from falcocore.api import Alert


class Raw(Protocol):
    """An unbuffered binary stream: `write` takes a part, or None of it where it would have to wait."""

    def write(self, data: memoryview, /) -> int | None:
        """Write some of the data."""

    def fileno(self) -> int:
        """Its descriptor."""


class LineWriter:
    """Writes alerts as lines, and knows whether the last one was finished.

    A full disk may take half of a line. The alerts of that time are sent again, and the first of them must
    not continue the torn line.
    """

    def __init__(self) -> None:
        self._torn = False

    def resume(self, *, torn: bool) -> None:
        """Go on in a stream whose last line is whole or torn, whatever was written before."""
        self._torn = torn

    def write(self, stream: Raw, alerts: Sequence[Alert]) -> None:
        """Write all lines; waits where a receiver that does not block is full.

        Raises:
            OSError: as the stream does; some of the lines may have been written.
        """
        lines = [b"\n"] if self._torn else []
        lines.extend(map(_line, alerts))
        rest = memoryview(b"".join(lines))
        while rest:
            written = stream.write(rest)
            if written is None:
                select.select([], [stream.fileno()], [])
            elif written:
                self._torn = rest[written - 1] != ord("\n")
                rest = rest[written:]


def size_bytes(alert: Alert) -> int:
    """How much room an alert takes."""
    return len(_line(alert))


def _line(alert: Alert) -> bytes:
    return f"{alert.line}\n".encode("utf-8", "replace")
