"""A thread makes pieces ahead: in order, few, with what was raised, and it ends when nobody wants more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from falcocore_syscall.scap.ahead import ahead

WITHIN_S = 10.0


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "unpacking"]


def ended() -> bool:
    deadline = time.monotonic() + WITHIN_S
    while threads() and time.monotonic() < deadline:
        time.sleep(0.001)
    return not threads()


def test_all_pieces_come_in_order() -> None:
    pieces = [bytes([number]) for number in range(50)]
    assert list(ahead(iter(pieces))) == pieces
    assert ended()


def test_what_is_raised_comes_behind_the_pieces_before_it() -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise ValueError("damaged")

    pieces = ahead(broken())
    assert next(pieces) == b"a"
    with pytest.raises(ValueError, match="damaged"):
        next(pieces)
    assert ended()


def test_few_are_made_before_they_are_wanted_and_none_after_closing() -> None:
    made = 0

    def endless() -> Iterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"x"

    pieces = ahead(endless())
    next(pieces)
    deadline = time.monotonic() + WITHIN_S
    while made < 3 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert made == 3  # the one that was taken, one that waits, one that waits for room
    pieces.close()
    assert ended()


def test_nothing_is_started_before_the_first_is_wanted() -> None:
    pieces = ahead(iter([b"x"]))
    assert not threads()
    pieces.close()
