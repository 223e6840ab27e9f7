"""Pieces of a capture are unpacked while the ones before are worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator


def ahead(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The same pieces, taken from the iterator by a thread of its own: unpacking needs no lock of Python's.

    One piece waits, and one is being made; the thread starts with the first. Closing the generator ends the
    thread behind the piece that it makes, and does not wait for it. What the iterator raises is raised here.
    """
    made: queue.Queue[bytes | BaseException | None] = queue.Queue(maxsize=1)
    closed = threading.Event()

    def make() -> None:
        end: BaseException | None = None
        try:
            for piece in pieces:
                made.put(piece)
                if closed.is_set():
                    return
        except BaseException as error:  # carried over to whoever takes the pieces
            end = error
        made.put(end)

    threading.Thread(target=make, name="unpacking", daemon=True).start()
    try:
        while (piece := made.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        closed.set()
        if not made.empty():
            made.get()  # Where the thread waits for room it gets some, and then sees that it is to end.
