"""What happens to the disk and database while falcocore runs: a defined answer, recovery, nothing lost."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.disks import failing_disk, fill, small_disk
from tests.support.falcocore_process import falcocore
from tests.support.flaky_receiver import FlakyReceiver
from tests.support.small_outbox import locked
from tests.support.webhook_run import WebhookRun, healthy_receiver, post_numbers

BLOCKED = 1.0
"""The receiver's `trouble` with which it takes nothing for sure."""


@pytest.fixture
def receiver() -> Iterator[FlakyReceiver]:
    with healthy_receiver() as receiver:
        yield receiver


@pytest.fixture
def run(tmp_path: Path, receiver: FlakyReceiver) -> WebhookRun:
    return WebhookRun(tmp_path, receiver)


def post_until(url: str, status: int, first: int, size_bytes: int = 0) -> tuple[list[int], str]:
    """Post events one by one until that is the answer; the numbers before it, and what was said."""
    for number in range(first, first + 10_000):
        answer = post_numbers(url, number, size_bytes=size_bytes)
        if answer.status == status:
            return list(range(first, number)), answer.text
        assert answer.status == http.client.OK, answer
    raise AssertionError(f"no answer {status}")


def test_full_disk_is_answered_with_503_until_there_is_room(run: WebhookRun, receiver: FlakyReceiver) -> None:
    receiver.trouble = BLOCKED
    with small_disk(run.state, 4000), run.start() as running:
        url = running.url()
        assert post_numbers(url, 1).status == 200
        ballast = fill(run.state)
        taken, said = post_until(url, 503, 2)
        assert "outbox: the disk is full" in said
        running.said("alerts can't be kept: the disk is full")
        receiver.trouble = 0.0
        ballast.unlink()
        assert post_numbers(url, 1000).status == 200
        running.said("alerts are kept again")
        run.wait_for(1000)
        assert running.end().status == 0
    # A list that got 503 is sent again by its sender, and may be there already.
    assert [number for number in run.arrived() if number != len(taken) + 2] == [1, *taken, 1000]


def test_an_outbox_that_fills_its_disk_empties_it_by_delivery(
    run: WebhookRun, receiver: FlakyReceiver
) -> None:
    """Nobody has to make room: what was delivered can be removed though the disk is full."""
    receiver.trouble = BLOCKED
    with small_disk(run.state, 40_000), run.start() as running:
        url = running.url()
        taken, said = post_until(url, 503, 1, 200_000)
        assert "outbox: the disk is full" in said
        receiver.trouble = 0.0
        run.wait_for(taken[-1])
        while post_numbers(url, 1000, size_bytes=200_000).status != 200:
            pass
        run.wait_for(1000)
        running.end()
    assert run.arrived() == [*taken, 1000]
    assert len(taken) > 20


def test_locked_database_is_answered_with_503_until_it_is_let_go(
    run: WebhookRun, receiver: FlakyReceiver
) -> None:
    receiver.trouble = BLOCKED
    with run.start() as running:
        url = running.url()
        assert post_numbers(url, 1).status == 200
        with locked(run.database):
            answer = post_numbers(url, 2)
            assert answer.status == 503
            assert "outbox: the database is locked by another process" in answer.text
        receiver.trouble = 0.0
        assert post_numbers(url, 3).status == 200
        run.wait_for(3)
        running.end()
    assert run.arrived() == [1, 3]


def test_locked_database_does_not_hold_the_start_up(run: WebhookRun) -> None:
    with run.start() as running:
        running.url()
        running.end()
    with ExitStack() as lock:
        lock.enter_context(locked(run.database))
        with run.start() as running:
            url = running.url()
            assert post_numbers(url, 1).status == 503
            lock.close()
            assert post_numbers(url, 2).status == 200
            run.wait_for(2)
            running.end()


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(40_000))


NUMBERS = list(range(1, 401))


def post_all(url: str, numbers: list[int]) -> None:
    for at in range(0, len(numbers), 20):
        assert post_numbers(url, *numbers[at : at + 20], size_bytes=1000).status == 200


@pytest.mark.parametrize("damage", [halve, overwrite])
def test_damaged_database_is_put_aside_at_the_start(
    damage: Callable[[Path], None], run: WebhookRun, receiver: FlakyReceiver
) -> None:
    receiver.trouble = BLOCKED
    with run.start() as running:
        post_all(running.url(), NUMBERS)
        running.end()
    damage(run.database)
    receiver.trouble = 0.0
    with run.start() as running:
        running.said("it is made anew, and")
        assert post_numbers(running.url(), 1000).status == 200
        run.wait_for(1000)
        running.end()
    found = run.arrived()
    assert found == sorted(found)
    assert len(found) > len(NUMBERS) / 3
    assert any(file.name.startswith("outbox.db.damaged-") for file in run.state.iterdir())


@pytest.mark.parametrize("damage", [halve, overwrite])
def test_damaged_database_is_put_aside_while_it_is_used(
    damage: Callable[[Path], None], run: WebhookRun, receiver: FlakyReceiver
) -> None:
    receiver.trouble = BLOCKED
    with run.start() as running:
        url = running.url()
        post_all(url, NUMBERS)
        with sqlite3.connect(run.database) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        damage(run.database)
        post_all(url, list(range(1001, 1101)))
        receiver.trouble = 0.0
        run.wait_for(1100)
        running.end()
    found = run.arrived()
    assert found == sorted(found)
    assert found[-100:] == list(range(1001, 1101))
    assert len(found) > 100 + len(NUMBERS) / 3


@pytest.mark.parametrize(
    "take_away",
    [Path.unlink, lambda path: path.rename(path.with_name("moved")), lambda path: shutil.rmtree(path.parent)],
)
def test_nothing_is_lost_with_a_file_that_is_taken_away(
    take_away: Callable[[Path], None], run: WebhookRun, receiver: FlakyReceiver
) -> None:
    receiver.trouble = BLOCKED
    with run.start() as running:
        url = running.url()
        post_all(url, NUMBERS)
        take_away(run.database)
        if not run.state.exists():
            answer = post_numbers(url, 2000)
            assert (answer.status, "outbox: No such file or directory" in answer.text) == (503, True)
            run.state.mkdir()
        post_all(url, [1001])
        running.end(signal.SIGKILL)
    receiver.trouble = 0.0
    with run.start() as running:
        run.wait_for(1001)
        running.end()
    assert run.arrived() == [*NUMBERS, 1001]


def test_disk_that_turns_read_only_is_answered_with_503_and_what_waits_is_delivered(
    run: WebhookRun, receiver: FlakyReceiver
) -> None:
    receiver.trouble = BLOCKED
    with failing_disk(run.state) as disk:
        with run.start() as running:
            url = running.url()
            post_all(url, NUMBERS)
            disk.fail()
            answer = post_numbers(url, 1000)
            assert answer.status == 503
            assert "outbox: " in answer.text
            receiver.trouble = 0.0
            run.wait_for(NUMBERS[-1])
            ended = running.end()
        assert (ended.status, run.arrived()) == (0, NUMBERS)
        refused = falcocore(*run.arguments)
    assert refused.status == 1
    assert f"the state directory {run.state} can't be used: Read-only file system" in refused.err


def test_state_directory_of_a_running_process_is_refused(run: WebhookRun) -> None:
    with run.start() as running:
        running.url()
        ended = falcocore(*run.arguments)
        running.end()
    assert ended.status == 1
    assert f"the state directory {run.state} is used by another process" in ended.err


def test_state_directory_that_can_not_be_written_is_refused(tmp_path: Path, receiver: FlakyReceiver) -> None:
    run = WebhookRun(tmp_path, receiver)
    run.state.write_text("a file")
    ended = falcocore(*run.arguments)
    assert ended.status == 1
    assert f"the state directory {run.state} can't be used: File exists" in ended.err


def test_outbox_that_refuses_when_full_is_answered_with_503(tmp_path: Path, receiver: FlakyReceiver) -> None:
    run = WebhookRun(tmp_path, receiver, max_size_mb=1, when_full="refuse")
    receiver.trouble = BLOCKED
    with run.start() as running:
        url = running.url()
        taken, said = post_until(url, 503, 1, 20_000)
        assert "outbox: the outbox has reached its size of 1048576 bytes" in said
        receiver.trouble = 0.0
        run.wait_for(taken[-1])
        running.end()
    assert run.arrived() == taken


def test_outbox_that_drops_the_oldest_says_so(tmp_path: Path, receiver: FlakyReceiver) -> None:
    run = WebhookRun(tmp_path, receiver, max_size_mb=1, when_full="drop_oldest")
    receiver.trouble = BLOCKED
    with run.start() as running:
        url = running.url()
        for number in range(1, 101):
            assert post_numbers(url, number, size_bytes=20_000).status == 200
        assert "output out: " in running.said("alerts in the outbox were given up: full")
        receiver.trouble = 0.0
        run.wait_for(100)
        running.end()
    # The first was on its way when it was given up.
    found = [number for number in run.arrived() if number > 1]
    assert found == list(range(101 - len(found), 101))
    assert 10 < len(found) < 60


def test_alerts_that_were_running_when_it_was_killed_arrive_after_the_next_start(
    run: WebhookRun, receiver: FlakyReceiver
) -> None:
    receiver.trouble = BLOCKED
    with run.start() as running:
        post_all(running.url(), NUMBERS)
        running.end(signal.SIGKILL)
    receiver.trouble = 0.0
    with run.start() as running:
        run.wait_for(NUMBERS[-1])
        running.end()
    assert run.arrived() == NUMBERS
