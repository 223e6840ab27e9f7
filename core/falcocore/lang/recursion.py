"""Room for recursion: parsing and compiling go as deep as their own limits allow, whoever calls them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.Lock()


@contextmanager
def recursion_room(frames: int) -> Iterator[None]:
    """Raise the interpreter's recursion limit by `frames` for a while.

    The limit is one for all threads. So each use adds its own and takes it away again, whatever others do
    meanwhile; to set it back to what it was would take the room of another thread.
    """
    _add(frames)
    try:
        yield
    finally:
        _add(-frames)


def _add(frames: int) -> None:
    with _LOCK:
        sys.setrecursionlimit(sys.getrecursionlimit() + frames)
