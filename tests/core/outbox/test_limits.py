"""The bounds of the outbox: what is given up first, and that all of it is counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from falcocore.api import Priority
from falcocore.outbox import store as store_module
from falcocore.outbox.limits import FullError, Limits, WhenFull
from falcocore.outbox.store import Store
from tests.support.small_outbox import ALL, group, large, store_of, waiting

MAX_BYTES = 1 << 20
DAY_S = 24 * 3600


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def overfilled(store: Store, *priorities: Priority) -> None:
    """Three times as many alerts as there is room for, of these priorities in turn."""
    for number in range(300):
        store.append([large(number, priority=priorities[number % len(priorities)])])


def test_the_oldest_is_given_up_first(path: Path) -> None:
    with store_of(path, Limits(MAX_BYTES)) as store:
        overfilled(store, Priority.NOTICE, Priority.DEBUG)
        left = waiting(store)
        assert left == list(range(300 - len(left), 300))
        assert 60 < len(left) < 120
        assert store.dropped() == {output: {"full": 300 - len(left)} for output in ("a", "b")}
        assert store.size_bytes() <= MAX_BYTES + 20_000
    assert path.stat().st_size < 2 * MAX_BYTES


def test_the_least_severe_is_given_up_first_and_of_those_the_oldest(path: Path) -> None:
    severe = 60
    with store_of(path, Limits(MAX_BYTES, when_full=WhenFull.DROP_LEAST_SEVERE)) as store:
        store.append([large(n, priority=Priority.CRITICAL) for n in range(severe)])
        for number in range(severe, 200):
            store.append([large(number, priority=Priority.DEBUG)])
        left = waiting(store)
        assert left[:severe] == list(range(severe))
        assert left[severe:] == list(range(200 - len(left) + severe, 200))
        assert store.dropped()["a"] == {"full": 200 - len(left)}


def test_nothing_is_given_up_where_that_is_refused(path: Path) -> None:
    with store_of(path, Limits(MAX_BYTES, when_full=WhenFull.REFUSE)) as store:
        with pytest.raises(FullError, match=f"the outbox has reached its size of {MAX_BYTES} bytes"):
            overfilled(store, Priority.NOTICE)
        left = waiting(store)
        assert left == list(range(len(left)))
        assert 60 < len(left) < 120
        assert store.dropped() == {}
        for output in ("a", "b"):
            store.settle(output, store.claim(output, ALL, ALL)[-1].seq)
        store.append([large(1000)])
        assert waiting(store) == [1000]


@pytest.mark.parametrize("when_full", WhenFull)
def test_dead_letters_go_before_anything_that_waits(when_full: WhenFull, path: Path) -> None:
    with store_of(path, Limits(MAX_BYTES, when_full=when_full)) as store:
        store.append([large(*range(40))])
        for queued in store.claim("a", ALL, ALL):
            store.bury("a", queued.seq, "no")
        for number in range(40, 75):
            store.append([large(number)])
        assert (waiting(store, "a"), waiting(store, "b")) == (list(range(40, 75)), list(range(75)))
        dropped = store.dropped()
    assert list(dropped) == ["a"]
    assert 0 < dropped["a"]["full, as dead letter"] < 40


def test_what_no_output_waits_for_goes_before_anything_else(path: Path) -> None:
    with store_of(path, Limits(MAX_BYTES)) as store:
        store.append([large(0)])
        for number in range(1, 200):
            store.append([large(number, to=[])])
        assert waiting(store) == [0]
        assert store.dropped() == {}


def test_a_single_alert_that_is_larger_than_the_limit_is_kept(path: Path) -> None:
    """It is the next one for which there is no room."""
    with store_of(path, Limits(MAX_BYTES)) as store:
        store.append([group(1, message="x" * 2 * MAX_BYTES)])
        assert waiting(store) == [1]
        store.append([group(2)])
        assert waiting(store) == [2]


class TestAge:
    """What has waited for too long."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        clock = SimpleNamespace(now_s=1_700_000_000)
        monkeypatch.setattr(store_module, "time", SimpleNamespace(time=lambda: clock.now_s))
        return clock

    @pytest.fixture
    def store(self, path: Path) -> Iterator[Store]:
        with closing(Store(path, Limits(max_age_s=DAY_S))) as store:
            store.set_outputs(["a", "b"])
            yield store

    def test_it_is_given_up_and_counted_for_each_output(self, store: Store, clock: SimpleNamespace) -> None:
        store.append([group(1, 2)])
        store.settle("b", store.claim("b", 1, ALL)[0].seq)
        clock.now_s += DAY_S
        store.append([group(3)])
        store.tidy()
        assert waiting(store) == [1, 2, 3]
        clock.now_s += 1
        store.tidy()
        assert (waiting(store, "a"), waiting(store, "b")) == ([3], [3])
        assert store.dropped() == {"a": {"too old": 2}, "b": {"too old": 1}}
        clock.now_s += 2 * DAY_S
        store.tidy()
        assert waiting(store) == []
        assert store.dropped() == {"a": {"too old": 3}, "b": {"too old": 2}}

    def test_dead_letters_grow_old_from_when_they_were_refused(
        self, store: Store, clock: SimpleNamespace
    ) -> None:
        store.append([group(1, to=["a"])])
        clock.now_s += DAY_S
        store.bury("a", store.claim("a", 1, ALL)[0].seq, "no")
        clock.now_s += DAY_S
        store.tidy()
        assert store.dropped() == {}
        clock.now_s += 1
        store.tidy()
        assert store.dropped() == {"a": {"too old, as dead letter": 1}}

    def test_a_clock_that_is_set_back_gives_nothing_up(self, store: Store, clock: SimpleNamespace) -> None:
        store.append([group(1)])
        clock.now_s -= 10 * DAY_S
        store.append([group(2)])
        store.tidy()
        assert waiting(store) == [1, 2]
