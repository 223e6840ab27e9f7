"""A thread makes pieces ahead: in order, few, with what was raised, and it ends when nobody wants more."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from falcocore_syscall.scap.ahead import ahead

WITHIN_S = 10.0


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "unpacking"]


def has_ended() -> bool:
    for thread in threads():
        thread.join(WITHIN_S)
    return not threads()


def test_all_pieces_come_in_order() -> None:
    pieces = [bytes([number]) for number in range(50)]
    assert list(ahead(iter(pieces))) == pieces
    assert has_ended()


def test_what_is_raised_comes_behind_the_pieces_before_it() -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise ValueError("damaged")

    pieces = ahead(broken())
    assert next(pieces) == b"a"
    with pytest.raises(ValueError, match="damaged"):
        next(pieces)
    assert has_ended()


def test_few_are_made_before_they_are_wanted_and_none_after_closing() -> None:
    taken = 0
    early: list[int] = []

    def endless() -> Iterator[bytes]:
        made = 0
        while True:
            made += 1
            early.append(made - taken)
            yield b"x"

    pieces = ahead(endless())
    for _ in range(200):
        next(pieces)
        taken += 1
    pieces.close()
    assert has_ended()
    assert max(early) <= 4  # one is made, one waits for room, one waits, one was taken just now


def test_nothing_is_started_before_the_first_is_wanted() -> None:
    pieces = ahead(iter([b"x"]))
    assert not threads()
    pieces.close()
