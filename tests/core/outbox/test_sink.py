"""The writer's end: each parcel gets an answer, and what can't be kept is not acknowledged."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.api import Alert
from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.outbox import schema
from falcocore.outbox.limits import Limits, WhenFull
from falcocore.outbox.outbox import Outbox
from falcocore.outbox.sink import OutboxSink
from falcocore.testing import sample_alert
from falcocore.writer import Parcel
from tests.support.small_outbox import connection_to, locked, number_of, outbox_of, waiting
from tests.support.small_sources import Kept


def odd(alert: Alert) -> bool:
    return number_of(alert) % 2 == 1


DESTINATIONS = [Destination("a", Kept()), Destination("b", Kept(), odd)]


class Sink:
    """A sink, and what it told others."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.counters = Counters()
        self.woken: list[set[str]] = []
        self.reopened = 0
        self.sink = OutboxSink(outbox, DESTINATIONS, self.counters, self.woken.append, self._reopen)

    def _reopen(self) -> None:
        self.reopened += 1

    def accept(self, *numbers: int, acknowledged: bool = True) -> str | None:
        (answer,) = self.sink.accept([parcel(*numbers, acknowledged=acknowledged)])
        return answer

    def waiting(self, output: str = "a") -> list[int]:
        with connection_to(self.outbox) as connection:
            return waiting(connection.store(), output)


def parcel(*numbers: int, acknowledged: bool = True) -> Parcel:
    return Parcel([sample_alert(number) for number in numbers], acknowledged)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def sink(path: Path, limits: Limits, caplog: pytest.LogCaptureFixture) -> Iterator[Sink]:
    caplog.set_level(logging.INFO, "falcocore")
    with outbox_of(path, limits) as outbox:
        sink = Sink(outbox)
        yield sink
        sink.sink.close()


def test_alerts_are_kept_for_the_outputs_that_want_them(sink: Sink) -> None:
    assert sink.sink.accept([parcel(1, 2), parcel(), parcel(4)]) == [None, None, None]
    assert (sink.waiting("a"), sink.waiting("b")) == ([1, 2, 4], [1])
    assert sink.accept(6) is None
    assert sink.woken == [{"a", "b"}, {"a"}]
    assert sink.counters.alerts.total() == 4


def test_second_copies_are_acknowledged_and_counted(sink: Sink) -> None:
    sink.accept(1, 2)
    assert sink.accept(2, 1, 3) is None
    assert sink.waiting() == [1, 2, 3]
    assert (sink.counters.duplicates, sink.counters.alerts.total()) == (2, 3)


def test_batches_that_nobody_sends_again_are_kept_as_often_as_they_come(sink: Sink) -> None:
    for _ in range(2):
        sink.accept(1, acknowledged=False)
    assert sink.waiting() == [1, 1]
    assert sink.counters.duplicates == 0


def test_nothing_to_keep_needs_no_disk(sink: Sink, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_S", 0.01)
    with locked(path):
        assert sink.sink.accept([parcel(), parcel()]) == [None, None]


def test_reason_goes_to_those_with_alerts_and_is_logged_once(
    sink: Sink, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schema, "BUSY_S", 0.01)
    reason = "outbox: the database is locked by another process"
    with locked(path):
        for _ in range(3):
            assert sink.sink.accept([parcel(1), parcel(), parcel(2)]) == [reason, None, reason]
    assert (sink.waiting(), sink.counters.alerts.total(), sink.woken) == ([], 0, [])
    assert sink.accept(1) is None
    assert sink.waiting() == [1]
    assert [record.getMessage() for record in caplog.records] == [
        f"outbox {path}: alerts can't be kept: the database is locked by another process",
        f"outbox {path}: alerts are kept again",
    ]


@pytest.mark.parametrize("limits", [Limits(max_bytes=1, when_full=WhenFull.REFUSE)])
def test_a_full_outbox_that_refuses_says_so(sink: Sink) -> None:
    # An empty one counts as having room for nothing, but there is nothing to give up for that either.
    assert sink.accept(1) is None
    assert sink.accept(2) == "outbox: the outbox has reached its size of 1 bytes"
    assert sink.waiting() == [1]


def test_alerts_go_into_a_new_file_where_the_old_one_is_damaged(sink: Sink, path: Path) -> None:
    sink.accept(1)
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    path.write_bytes(b"no database" * 10_000)
    assert sink.accept(2) is None
    assert sink.waiting() == [2]


def test_alerts_go_into_a_new_file_where_the_old_one_was_removed(sink: Sink, path: Path) -> None:
    sink.accept(1)
    path.unlink()
    assert sink.accept(2) is None
    assert sink.waiting() == [1, 2]


def test_a_folder_that_is_gone_is_the_reason(sink: Sink, path: Path) -> None:
    sink.accept(1)
    moved = path.parent.rename(path.parent.with_name("moved"))
    assert sink.accept(2) == "outbox: No such file or directory"
    moved.rename(path.parent)
    assert sink.accept(3) is None
    assert sink.waiting() == [1, 3]


def test_outputs_are_reopened_by_others(sink: Sink) -> None:
    sink.sink.reopen()
    assert sink.reopened == 1
