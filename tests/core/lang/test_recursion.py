"""Room for recursion is there for everyone who asked for it, and gone afterwards."""

from __future__ import annotations

import sys
import threading

import pytest

from falcocore.lang.recursion import recursion_room


def depth_of(frames: int) -> int:
    return 0 if frames == 0 else 1 + depth_of(frames - 1)


def test_room_is_added_and_taken_away_again() -> None:
    limit = sys.getrecursionlimit()
    with recursion_room(500):
        assert depth_of(limit) == limit
        with recursion_room(100):
            assert sys.getrecursionlimit() == limit + 600
        assert sys.getrecursionlimit() == limit + 500
    assert sys.getrecursionlimit() == limit
    with pytest.raises(RecursionError):
        depth_of(limit)


def test_room_is_taken_away_after_an_error() -> None:
    limit = sys.getrecursionlimit()
    with pytest.raises(ValueError, match="x"), recursion_room(50):
        raise ValueError("x")
    assert sys.getrecursionlimit() == limit


def test_leaving_takes_nothing_from_another_thread() -> None:
    limit = sys.getrecursionlimit()
    inside, leave = threading.Event(), threading.Event()
    depths: list[int] = []

    def other() -> None:
        with recursion_room(1000):
            inside.set()
            assert leave.wait(60)
            depths.append(depth_of(limit + 500))

    thread = threading.Thread(target=other)
    with recursion_room(1000):
        thread.start()
        assert inside.wait(60)
    leave.set()
    thread.join()
    assert depths == [limit + 500]
    assert sys.getrecursionlimit() == limit
