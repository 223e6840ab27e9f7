"""What the outbox and the workers tell of themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from falcocore.control.report import OutboxReport, OutputReport
from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.outbox import schema
from falcocore.outbox.limits import Limits
from falcocore.outbox.outbox import Connection, Outbox
from falcocore.outbox.status import delivery_report
from falcocore.outbox.worker import Worker
from falcocore.testing import sample_alert
from tests.support.kept_alerts import keep, samples
from tests.support.small_sources import Kept

LIMITS = Limits(max_bytes=5 << 20)


def workers_of(path: Path, names: Sequence[str]) -> list[Worker]:
    outbox = Outbox(path, LIMITS, names)
    return [
        Worker(Destination(name, Kept()), Connection(outbox), Counters(), lambda _reason: None)
        for name in names
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """web has two waiting and a dead letter, pager three; one that is gone has a dead letter."""
    path = tmp_path / "outbox.db"
    keep(path, sample_alert(9), outputs=("gone",), dead={"gone": {1: "no"}})
    keep(path, *samples(3), outputs=("web", "pager"), dead={"web": {2: "no"}})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alert SET accepted_s = 1000 + seq")
        connection.execute("INSERT INTO dropped VALUES ('web', 'full', 7), ('gone', 'too old', 1)")
    return path


def test_outputs_tell_what_waits_and_what_was_given_up(path: Path) -> None:
    workers = workers_of(path, ("web", "pager"))
    progress = workers[0].progress
    progress.delivered, progress.refused, progress.failures = 5, 1, 2
    progress.failing_since_s, progress.next_try_s, progress.last_error = 2000.5, 2002.5, "it is broken"
    workers[1].progress.next_try_s = 1.0  # Left from a failure that is over.
    report = delivery_report(path, LIMITS, workers)
    assert report.outputs == [
        OutputReport(
            name="web",
            backlog=2,
            oldest_s=1003,
            delivered=5,
            refused=1,
            failures=2,
            failing_since_s=2000.5,
            next_try_s=2002.5,
            last_error="it is broken",
            dropped={"full": 7},
            dead_letters=1,
        ),
        OutputReport(name="pager", backlog=3, oldest_s=1002, dead_letters=0),
        OutputReport(name="gone", configured=False, dropped={"too old": 1}, dead_letters=1),
    ]
    assert report.outbox is not None
    assert report.outbox.size_bytes is not None
    assert 0 < report.outbox.size_bytes <= path.stat().st_size
    assert report.outbox == OutboxReport(
        path=str(path), limit_bytes=5 << 20, size_bytes=report.outbox.size_bytes
    )


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (Path.unlink, "it was removed"),
        (lambda path: path.write_bytes(b"x" * 5000), "file is not a database"),
    ],
)
def test_status_is_told_though_the_database_cannot_be_read(path: Path, damage: object, reason: str) -> None:
    assert callable(damage)
    damage(path)
    report = delivery_report(path, LIMITS, workers_of(path, ("web",)))
    assert report.outputs == [OutputReport(name="web")]
    assert report.outbox == OutboxReport(path=str(path), limit_bytes=5 << 20, error=reason)


def test_status_does_not_wait_for_a_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_S", 0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM queue")
        report = delivery_report(path, LIMITS, workers_of(path, ("web",)))
        assert [output.backlog for output in report.outputs] == [2, None]
        other.execute("ROLLBACK")
