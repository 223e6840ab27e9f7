"""The store: what is accepted is there in order, for each output until that has it."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from falcocore.api import Priority
from falcocore.outbox import store as store_module
from falcocore.outbox.limits import Limits
from falcocore.outbox.schema import VERSION, DamagedError, connect
from falcocore.outbox.store import Backlog, Store
from falcocore.testing import sample_alert
from tests.support.small_outbox import ALL, group, large, number_of, store_of, waiting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


class Clock:
    """What stands for the time of day."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_700_000_000.0
        monkeypatch.setattr(store_module, "time", self)

    def time(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_alerts_are_claimed_in_order_by_each_output_that_wants_them(path: Path) -> None:
    with store_of(path) as store:
        accepted = store.append([group(3, 1), group(2, to=["b"]), group(4, to=[]), group(5, to=["a"])])
        assert [number_of(one.alert) for one in accepted] == [3, 1, 2, 4, 5]
        assert waiting(store, "a") == [3, 1, 5]
        assert waiting(store, "b") == [3, 1, 2]
        assert store.claim("a", 1, ALL)[0].alert == sample_alert(3)


def test_what_was_accepted_is_there_after_the_file_was_opened_again(path: Path) -> None:
    with store_of(path) as store:
        store.append([group(1, 2, acknowledged=True)])
    with store_of(path) as store:
        assert waiting(store) == [1, 2]


@pytest.mark.parametrize(
    ("limit", "max_bytes", "claimed"),
    [
        (2, ALL, [1, 2]),
        (ALL, 25_000, [1, 2]),
        (ALL, 1, [1]),
        (ALL, 10_000 * 4, [1, 2, 3]),
        (10, ALL, [1, 2, 3, 4]),
    ],
)
def test_a_claim_is_bounded_but_never_empty(
    limit: int, max_bytes: int, claimed: list[int], path: Path
) -> None:
    with store_of(path) as store:
        store.append([large(1, 2, 3, 4)])
        assert [number_of(one.alert) for one in store.claim("a", limit, max_bytes)] == claimed


def test_a_claim_may_begin_behind_what_was_delivered(path: Path) -> None:
    with store_of(path) as store:
        store.append([group(1, 2, 3)])
        second = store.claim("a", ALL, ALL)[1]
        assert waiting(store, after=second.seq) == [3]


def test_settling_removes_what_was_delivered_to_this_output_only(path: Path) -> None:
    with store_of(path) as store:
        store.append([group(1, 2, 3)])
        store.settle("a", store.claim("a", ALL, ALL)[1].seq)
        assert (waiting(store, "a"), waiting(store, "b")) == ([3], [1, 2, 3])


def test_numbers_are_not_used_again_when_everything_was_delivered(path: Path) -> None:
    """Otherwise an alert could come before one that was claimed earlier."""
    with store_of(path) as store:
        store.append([group(1, to=["a"])])
        first = store.claim("a", ALL, ALL)[0].seq
        store.settle("a", first)
        store.tidy()
    with store_of(path) as store:
        store.append([group(2, to=["a"])])
        assert store.claim("a", ALL, ALL)[0].seq > first


def test_a_buried_alert_waits_no_more_for_this_output(path: Path) -> None:
    with store_of(path) as store:
        store.append([group(1, 2)])
        store.bury("a", store.claim("a", ALL, ALL)[0].seq, "404: no")
        assert (waiting(store, "a"), waiting(store, "b")) == ([2], [1, 2])
    with sqlite3.connect(path) as looking:
        rows = looking.execute("SELECT output, id, reason FROM dead").fetchall()
    looking.close()
    assert rows == [("a", sample_alert(1).id, "404: no")]


def test_an_alert_that_can_not_be_read_back_becomes_a_dead_letter_and_holds_none_up(path: Path) -> None:
    with store_of(path) as store:
        store.append([group(1, 2, 3)])
        with sqlite3.connect(path) as other:
            other.execute("UPDATE alert SET body = x'c1' WHERE seq = 1")
            other.execute("UPDATE alert SET body = replace(body, 'message', x'ff') WHERE seq = 2")
        assert [number_of(one.alert) for one in store.claim("a", 2, ALL)] == [3]
        reasons = other.execute("SELECT output, reason FROM dead").fetchall()
        other.close()
    assert [output for output, _ in reasons] == ["a", "a"]
    assert reasons[0][1].startswith("it can't be read back: ")


class TestOutputs:
    """Which outputs there are."""

    def test_a_new_one_starts_with_the_present(self, path: Path) -> None:
        with store_of(path, outputs=["a"]) as store:
            store.append([group(1, to=["a"])])
        with store_of(path, outputs=["a", "b"]) as store:
            store.append([group(2)])
            assert (waiting(store, "a"), waiting(store, "b")) == ([1, 2], [2])

    def test_the_backlog_of_one_that_was_removed_is_freed(self, path: Path) -> None:
        with store_of(path) as store:
            store.append([group(1, 2), group(3, to=["b"])])
            assert store.set_outputs(["b"]) == {"a": 2}
            assert store.set_outputs(["b"]) == {}
            assert store.set_outputs(["a", "b"]) == {}
            assert (waiting(store, "a"), waiting(store, "b")) == ([], [1, 2, 3])

    def test_one_that_nothing_waited_for_goes_without_a_word(self, path: Path) -> None:
        with store_of(path) as store:
            assert store.set_outputs(["a"]) == {}


class TestDuplicates:
    """The second copy of a batch whose sender waits for an answer raises nothing."""

    def test_an_acknowledged_alert_is_taken_once(self, path: Path) -> None:
        with store_of(path) as store:
            store.append([group(1, 2, acknowledged=True)])
            second = store.append([group(2, 3, 3, acknowledged=True)])
            assert [number_of(one.alert) for one in second] == [3]
            assert waiting(store) == [1, 2, 3]

    def test_alerts_of_other_batches_are_all_taken(self, path: Path) -> None:
        """Nobody sends them again: a second event of the same key is another event."""
        with store_of(path) as store:
            store.append([group(1, 1), group(1, acknowledged=True), group(1)])
            assert waiting(store) == [1, 1, 1, 1]

    def test_it_is_taken_again_after_the_window(self, path: Path, clock: Clock) -> None:
        with store_of(path, Limits(duplicates_s=60)) as store:
            for after_s, taken in ((0, 1), (59, 0), (1, 1), (59, 0)):
                clock.now_s += after_s
                assert len(store.append([group(1, acknowledged=True)])) == taken

    def test_ids_are_forgotten_after_the_window(self, path: Path, clock: Clock) -> None:
        with store_of(path, Limits(duplicates_s=60)) as store:
            store.append([group(*range(100), acknowledged=True)])
            clock.now_s += 60
            store.tidy()
        with sqlite3.connect(path) as looking:
            assert looking.execute("SELECT count(*) FROM seen").fetchone() == (0,)
        looking.close()

    def test_one_that_was_delivered_is_remembered(self, path: Path) -> None:
        with store_of(path) as store:
            store.append([group(1, acknowledged=True)])
            for output in ("a", "b"):
                store.settle(output, ALL)
            store.tidy()
        with store_of(path) as store:
            assert store.append([group(1, acknowledged=True)]) == []


def test_all_groups_are_accepted_or_none(path: Path) -> None:
    with store_of(path) as store:
        with pytest.raises(KeyError):
            store.append([group(1, acknowledged=True), group(2, to=["nobody"])])
        assert waiting(store) == []
        assert len(store.append([group(1, acknowledged=True)])) == 1


def test_what_every_output_has_is_removed_and_its_room_given_back(path: Path) -> None:
    with store_of(path) as store:
        store.append([large(*range(100))])
        full = store.size_bytes()
        store.settle("a", ALL)
        store.tidy()
        assert store.size_bytes() == full
        store.settle("b", ALL)
        store.tidy()
        assert store.size_bytes() < full / 10
    assert path.stat().st_size < full / 2


def test_backlogs_say_how_much_waits_and_since_when(path: Path, clock: Clock) -> None:
    with store_of(path) as store:
        store.append([group(1)])
        clock.now_s += 5
        store.append([group(2, 3)])
        store.settle("a", store.claim("a", ALL, ALL)[0].seq)
        store.settle("b", ALL)
        assert store.backlogs() == {"a": Backlog(2, int(clock.now_s)), "b": Backlog(0, None)}


def test_the_file_is_its_owners_alone(path: Path) -> None:
    with store_of(path) as store:
        store.append([group(1)])
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(("outbox.db", "outbox.db-wal", "outbox.db-shm"), 0o600)


def test_it_is_seen_that_the_file_is_another_one(path: Path) -> None:
    moved = path.with_name("moved")
    with store_of(path) as store:
        seen = [store.is_in_place]
        path.rename(moved)
        seen.append(store.is_in_place)
        path.touch()
        seen.append(store.is_in_place)
        moved.rename(path)
        seen.append(store.is_in_place)
    assert seen == [True, False, False, True]


def test_least_severe_priority_is_kept_with_an_alert(path: Path) -> None:
    with store_of(path) as store:
        store.append([group(1, priority=Priority.DEBUG), group(2, priority=Priority.EMERGENCY)])
        priorities = [queued.alert.priority for queued in store.claim("a", ALL, ALL)]
    assert priorities == [Priority.DEBUG, Priority.EMERGENCY]


def test_the_file_of_another_version_is_not_used(path: Path) -> None:
    connect(path).close()
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version = {VERSION + 1}")
    other.close()
    with pytest.raises(DamagedError, match=f"its version is {VERSION + 1}, this falcocore knows {VERSION}"):
        Store(path, Limits())


_APPENDING = """
import sys
from pathlib import Path
from tests.support.small_outbox import group, store_of
with store_of(Path(sys.argv[1])) as store:
    store.append([group(0)])
    print("begin", file=sys.stderr, flush=True)
    store.append([group(1, acknowledged=sys.argv[2] == "True")])
    print("end", file=sys.stderr, flush=True)
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("acknowledged", [True, False])
def test_an_acknowledged_batch_is_synced_before_append_returns(acknowledged: bool, path: Path) -> None:
    """And no other: that is what takes the time."""
    calls = ["strace", "-f", "-e", "trace=write,fsync,fdatasync"]
    command = [*calls, sys.executable, "-c", _APPENDING, str(path), str(acknowledged)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    meanwhile = done.stderr.partition("begin")[2].partition('"end"')[0]
    assert ("sync(" in meanwhile) == acknowledged
