"""`falcocore run` that follows a log: rotations, SIGTERM and SIGKILL, with the outbox and without it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from tests.support.audit_log import AuditLog
from tests.support.falcocore_process import Running, falcocore
from tests.support.webhook_harness import RULES


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    log = AuditLog(tmp_path / "audit.log")
    yield log
    log.leave()


@pytest.fixture(params=[True, False], ids=["outbox", "straight"])
def arguments(log: AuditLog, tmp_path: Path, request: pytest.FixtureRequest) -> list[str]:
    """A run that follows the log."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    settings = (f"outbox.path={tmp_path / 'state'}", f"outbox.enabled={str(request.param).lower()}")
    options = [argument for setting in settings for argument in ("-o", setting)]
    return ["run", "--source", f"k8s_audit=file://{log.path}", "-r", str(rules), *options]


def ids(lines: list[str]) -> list[str]:
    return [line.rpartition(" ")[2] for line in lines]


def next_ids(running: Running, count: int) -> list[str]:
    return ids([running.alert() for _ in range(count)])


def test_log_is_followed_from_its_end_over_rotations_and_restarts(
    log: AuditLog, arguments: list[str]
) -> None:
    log.write(3)
    with Running(*arguments) as running:
        running.said(f"following {log.path} from its end with 1 rule")
        log.write(2)
        assert next_ids(running, 2) == ["4", "5"]
        log.rotate(packed=True)
        log.write(2)
        assert next_ids(running, 2) == ["6", "7"]
        log.copy_and_truncate()
        log.write(2)
        ended = running.end(SIGTERM)
    assert ended.status == 0
    before = ids(ended.alerts)
    log.write(1)
    log.rotate(packed=True)
    log.write(1)
    with Running(*arguments) as running:
        running.said(f"following {log.path} from where it was left with 1 rule")
        expected = ["8", "9", "10", "11"][len(before) :]
        assert before + next_ids(running, len(expected)) == ["8", "9", "10", "11"]
        assert running.end(SIGTERM).alerts == []


def test_log_that_comes_later_is_read_whole(log: AuditLog, arguments: list[str]) -> None:
    with Running(*arguments) as running:
        running.said(f"following {log.path} as soon as it exists with 1 rule")
        log.write(2)
        assert next_ids(running, 2) == ["1", "2"]
        assert running.end(SIGTERM).status == 0


def test_no_alert_is_lost_by_sigkill(log: AuditLog, arguments: list[str]) -> None:
    log.path.touch()
    with Running(*arguments) as running:
        running.said("following")
        running.end(SIGTERM)
    seen: list[str] = []
    for seen_before_the_end in (0, 1, 60, 200):
        log.write(150)
        log.rotate(packed=bool(seen_before_the_end % 2))
        log.write(150)
        with Running(*arguments) as running:
            running.said("following")
            seen += next_ids(running, seen_before_the_end)
            # A line that was cut by the end of the process was not written.
            seen += ids(running.end(SIGKILL).out.split("\n")[:-1])
    with Running(*arguments) as running:
        running.said("following")
        while set(seen) != set(log.written):
            seen += next_ids(running, 1)
        assert running.end(SIGTERM).status == 0
    assert list(dict.fromkeys(seen)) == log.written


def test_killed_after_all_was_delivered_nothing_comes_twice(log: AuditLog, arguments: list[str]) -> None:
    log.path.touch()
    with Running(*arguments) as running:
        running.said("following")
        log.write(20)
        assert next_ids(running, 20) == log.written
        offset = log.path.parent / "state" / "sources" / "k8s_audit" / "offset.json"
        size = f'"offset":{log.path.stat().st_size},'
        while size not in offset.read_text():
            pass
        running.end(SIGKILL)
    log.write(1)
    with Running(*arguments) as running:
        lines = next_ids(running, 1)
        while lines[-1] != "21":  # What the outbox delivered a moment before the end comes again.
            lines += next_ids(running, 1)
        running.end(SIGTERM)
    if "outbox.enabled=false" in arguments:
        assert lines == ["21"]


def test_events_that_are_read_again_raise_nothing_again_with_the_outbox(
    log: AuditLog, arguments: list[str], tmp_path: Path
) -> None:
    config = tmp_path / "falco.yaml"
    config.write_text("sources: [{name: k8s_audit, options: {follow_from: start}}]")
    log.write(20)
    with Running(*arguments, "-c", str(config)) as running:
        assert next_ids(running, 20) == log.written
        running.end(SIGTERM)
    (tmp_path / "state" / "sources" / "k8s_audit" / "offset.json").unlink()
    log.write(1)
    with Running(*arguments, "-c", str(config)) as running:
        again = next_ids(running, 1 if "outbox.enabled=true" in arguments else 21)
        running.end(SIGTERM)
    assert again == (["21"] if "outbox.enabled=true" in arguments else log.written)


@pytest.mark.parametrize("arguments", [True], ids=["outbox"], indirect=True)
def test_alerts_that_can_not_be_kept_come_once_they_can(log: AuditLog, arguments: list[str]) -> None:
    log.path.touch()
    with Running(*arguments) as running:
        running.said("following")
        log.write(1)
        assert next_ids(running, 1) == ["1"]
        other = sqlite3.connect(log.path.parent / "state" / "outbox.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        log.write(2)
        running.said("alerts could not be kept: outbox: the database is locked by another process")
        log.rotate(packed=True)
        log.write(1)
        other.execute("ROLLBACK")
        other.close()
        # Those that were read just before it could keep them again come first.
        assert sorted(next_ids(running, 3)) == ["2", "3", "4"]
        assert running.end(SIGTERM).alerts == []


def test_second_process_with_the_same_state_is_refused(log: AuditLog, arguments: list[str]) -> None:
    log.path.touch()
    with Running(*arguments) as running:
        running.said("following")
        second = falcocore(*arguments)
        running.end(SIGTERM)
    assert second.status == 1
    assert "is used by another process" in second.err
    assert "a directory of its own with outbox.path" in second.err
