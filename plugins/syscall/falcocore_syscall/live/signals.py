"""Signals that a loop waits for, instead of being interrupted by them."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterable
from types import FrameType
from typing import Any


class Signals:
    """Takes these signals for as long as the `with` statement lasts."""

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._numbers = tuple(numbers)
        self._before: dict[int, Any] = {}
        self.received: deque[int] = deque()
        """Those that have come and were not taken out yet."""

    def __enter__(self) -> Signals:
        self._reader, self._writer = os.pipe()
        for number in self._numbers:
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)
        os.write(self._writer, b"\0")

    def fileno(self) -> int:
        """Readable once one has come."""
        return self._reader
