"""The worker of one output: in order, again and again, until its receiver has what is in its queue."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore.api import Output, OutputError, OutputGone, PermanentRefusal
from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.outbox import schema
from falcocore.outbox import worker as worker_module
from falcocore.outbox.outbox import Connection, Outbox
from falcocore.outbox.store import Store
from falcocore.outbox.worker import Worker
from tests.support.scripted_output import Scripted, hang
from tests.support.small_outbox import connection_to, group, locked, outbox_of, waiting

OUTPUT = "a"
BUSY = OutputError("busy")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(worker_module, "LONGEST_PAUSE_S", 0.002)
    monkeypatch.setattr(worker_module, "TROUBLE_S", 0.01)
    monkeypatch.setattr(schema, "BUSY_S", 0.01)


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with outbox_of(path, outputs=[OUTPUT]) as outbox:
        yield outbox


@pytest.fixture
def box(outbox: Outbox) -> Iterator[Connection]:
    with connection_to(outbox) as connection:
        yield connection


class Work:
    """A worker, and what it told others."""

    def __init__(self, outbox: Outbox, output: Output) -> None:
        self.counters = Counters()
        self.gone: list[str] = []
        self.connection = Connection(outbox)
        self.worker = Worker(Destination(OUTPUT, output), self.connection, self.counters, self.gone.append)

    async def to_the_end(self) -> None:
        """Deliver everything, as long as it takes."""
        running = asyncio.create_task(self.worker.run())
        await self.until_empty(running)
        self.worker.finish()
        await running
        self.connection.close()

    async def until_empty(self, running: asyncio.Task[None]) -> None:
        """Wait until nothing is in the queue, which tells nobody."""
        while not running.done() and waiting(self.connection.store(), OUTPUT):  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    async def finishing(self) -> None:
        """Deliver as at the end of the process."""
        self.worker.finish()
        await self.worker.run()
        self.connection.close()


def deliver(outbox: Outbox, output: Output) -> Work:
    work = Work(outbox, output)
    asyncio.run(work.to_the_end())
    return work


def add(box: Connection, *numbers: int) -> None:
    box.append([group(*numbers, to=[OUTPUT])])


def remove(path: Path) -> None:
    path.unlink()


def dead_letters(path: Path) -> list[tuple[int, str]]:
    with sqlite3.connect(path) as looking:
        rows = looking.execute("SELECT id, reason FROM dead ORDER BY number").fetchall()
    looking.close()
    return [(int(id_, 16), reason) for id_, reason in rows]


@pytest.mark.parametrize("max_batch", [1, 2, 3, 100, 0, -1])
def test_alerts_are_sent_in_order_in_as_many_as_the_output_takes(
    max_batch: int, outbox: Outbox, box: Connection
) -> None:
    add(box, *range(10))
    output = Scripted(max_batch=max_batch)
    deliver(outbox, output)
    assert output.delivered == list(range(10))
    assert {len(numbers) for numbers in output.sends[:-1]} <= {max(1, max_batch)}
    assert waiting(box.store(), OUTPUT) == []


def test_what_is_taken_out_of_the_queue_is_bounded(
    outbox: Outbox, box: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "CLAIM_ALERTS", 3)
    add(box, *range(10))
    output = Scripted(max_batch=100)
    deliver(outbox, output)
    assert output.sends == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


@pytest.mark.parametrize(
    "failure",
    [
        BUSY,
        OSError("broken"),
        ValueError(),
        TimeoutError(),
        asyncio.CancelledError(),
        ExceptionGroup("", [BUSY]),
    ],
)
def test_a_failed_send_is_tried_again_and_nothing_overtakes_it(
    failure: BaseException, outbox: Outbox, box: Connection
) -> None:
    add(box, 1, 2, 3)
    output = Scripted(failure, failure, failure)
    work = deliver(outbox, output)
    assert output.sends == [[1, 2]] * 4 + [[3]]
    assert output.delivered == [1, 2, 3]
    assert (work.worker.progress.failures, work.worker.progress.delivered) == (3, 3)
    assert work.counters.output_failures == {OUTPUT: 3}


def test_pauses_grow_and_are_partly_random(
    outbox: Outbox, box: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 1.0)
    monkeypatch.setattr(worker_module, "LONGEST_PAUSE_S", 8.0)
    pauses = noted_pauses(monkeypatch)
    add(box, 1)
    deliver(outbox, Scripted(*[BUSY] * 40))
    for pause_s, most_s in zip(pauses, [1, 2, 4, *[8] * 37], strict=True):
        assert most_s / 2 <= pause_s <= most_s
    assert len(set(pauses)) > 30


@pytest.mark.parametrize(
    ("asked_s", "pause_s"), [(0.0, 0.5), (0.6, 0.6), (30, 30), (7200, 3600), (float("inf"), 3600)]
)
def test_a_receiver_is_given_the_time_that_it_asks_for(
    asked_s: float, pause_s: float, outbox: Outbox, box: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 0.5)
    monkeypatch.setattr(random, "uniform", lambda _least, most: most)
    pauses = noted_pauses(monkeypatch)
    add(box, 1)
    deliver(outbox, Scripted(OutputError("busy", retry_after_s=asked_s)))
    assert pauses == [pause_s]


def noted_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the worker would have waited; it does not."""
    pauses: list[float] = []

    async def pause(_worker: Worker, seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(Worker, "_pause", pause)
    return pauses


def test_of_several_only_those_that_are_refused_alone_are_put_aside(
    outbox: Outbox, box: Connection, path: Path
) -> None:
    add(box, *range(1, 8))
    output = Scripted(max_batch=3, refuse=[2, 4], refusal=PermanentRefusal("404: no"))
    work = deliver(outbox, output)
    assert output.delivered == [1, 3, 5, 6, 7]
    assert dead_letters(path) == [(2, "404: no"), (4, "404: no")]
    assert work.worker.progress.refused == 2
    assert waiting(box.store(), OUTPUT) == []


def test_a_refused_one_can_fail_otherwise_before(outbox: Outbox, box: Connection, path: Path) -> None:
    add(box, 1, 2)
    output = Scripted(PermanentRefusal("no"), BUSY, refuse=[2], refusal=PermanentRefusal("no"))
    deliver(outbox, output)
    assert output.sends == [[1, 2], [1], [1], [2]]
    assert dead_letters(path) == [(2, "no")]


def test_a_send_that_hangs_is_broken_off_and_tried_again(
    outbox: Outbox, box: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "SEND_S", 0.01)
    add(box, 1)
    output = Scripted(hang)
    work = deliver(outbox, output)
    assert output.delivered == [1]
    assert work.worker.progress.last_error == "it did not answer within 0 s"
    assert "it is tried again until it takes its alerts" in caplog.text


def test_failures_and_their_end_are_told_once(
    outbox: Outbox, box: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    add(box, 1)
    deliver(outbox, Scripted(*[BUSY] * 20))
    assert [record.getMessage() for record in caplog.records] == [
        "output a: busy; it is tried again until it takes its alerts",
        "output a takes alerts again, after 0 s",
    ]


def test_a_receiver_that_is_gone_for_good_ends_the_worker(outbox: Outbox, box: Connection) -> None:
    add(box, 1, 2)
    output = Scripted(OutputGone("closed"))
    work = Work(outbox, output)
    asyncio.run(work.worker.run())
    work.connection.close()
    assert work.gone == ["closed"]
    assert output.sends == [[1, 2]]
    assert waiting(box.store(), OUTPUT) == [1, 2]


def test_a_sleeping_worker_is_woken(outbox: Outbox, box: Connection) -> None:
    output = Scripted()

    async def run() -> None:
        work = Work(outbox, output)
        running = asyncio.create_task(work.worker.run())
        for number in range(5):
            add(box, number)
            work.worker.wake()
            await asyncio.to_thread(output.wait_for_count, number + 1)
        work.worker.finish()
        await running
        work.connection.close()

    asyncio.run(run())
    assert output.delivered == list(range(5))


def test_files_are_reopened_between_two_sends(outbox: Outbox, box: Connection) -> None:
    add(box, 1, 2)
    output = Scripted(max_batch=1)
    work = Work(outbox, output)

    async def ask() -> None:
        work.worker.reopen()

    output = Scripted(ask, max_batch=1)
    work.worker.to = Destination(OUTPUT, output)
    asyncio.run(work.to_the_end())
    assert output.calls == ["send", "reopen", "send"]


class TestFinish:
    """The end of the process."""

    def test_what_waits_is_delivered(self, outbox: Outbox, box: Connection) -> None:
        add(box, *range(7))
        output = Scripted()
        asyncio.run(Work(outbox, output).finishing())
        assert output.delivered == list(range(7))
        assert waiting(box.store(), OUTPUT) == []

    def test_the_first_failure_ends_it_and_what_was_delivered_is_written(
        self, outbox: Outbox, box: Connection
    ) -> None:
        add(box, *range(5))
        output = Scripted(None, BUSY)
        asyncio.run(Work(outbox, output).finishing())
        assert output.sends == [[0, 1], [2, 3]]
        assert waiting(box.store(), OUTPUT) == [2, 3, 4]

    def test_a_pause_is_cut_short_for_one_more_try(
        self, outbox: Outbox, box: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 1000.0)
        monkeypatch.setattr(worker_module, "LONGEST_PAUSE_S", 1000.0)
        add(box, 1)
        output = Scripted(BUSY)

        async def run() -> None:
            work = Work(outbox, output)
            running = asyncio.create_task(work.worker.run())
            await asyncio.to_thread(output.wait_for, lambda output: bool(output.sends))
            work.worker.finish()
            await running
            work.connection.close()

        asyncio.run(run())
        assert output.delivered == [1]

    def test_what_was_delivered_is_written_when_it_is_cut_short(
        self, outbox: Outbox, box: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker_module, "SETTLE_S", 1000.0)
        add(box, *range(6))
        output = Scripted(None, None, hang)

        async def run() -> None:
            work = Work(outbox, output)
            running = asyncio.create_task(work.worker.run())
            await asyncio.to_thread(output.wait_for, lambda output: len(output.sends) == 3)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            work.connection.close()

        asyncio.run(run())
        assert waiting(box.store(), OUTPUT) == [4, 5]


class TestTrouble:
    """The queue can't be used for a while."""

    def test_what_was_delivered_is_not_delivered_again_while_it_can_not_be_written(
        self,
        outbox: Outbox,
        box: Connection,
        path: Path,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        add(box, *range(100))
        output = Scripted()

        async def run() -> None:
            tries, tried = itertools.count(1), asyncio.Event()
            settle = Store.settle

            def counted(store: Store, *arguments: Any) -> None:
                if next(tries) == 3:
                    tried.set()
                settle(store, *arguments)

            monkeypatch.setattr(Store, "settle", counted)
            work = Work(outbox, output)
            with locked(path):
                running = asyncio.create_task(work.worker.run())
                await asyncio.to_thread(output.wait_for_count, 100)
                await tried.wait()
            await work.until_empty(running)
            work.worker.finish()
            await running
            work.connection.close()

        asyncio.run(run())
        assert output.delivered == list(range(100))
        said = "output a: its queue can't be used now: the database is locked by another process"
        assert [record.getMessage() for record in caplog.records].count(said) == 1

    def test_a_queue_that_was_renumbered_is_not_settled_by_numbers_of_before(
        self, outbox: Outbox, box: Connection, path: Path
    ) -> None:
        """The database is replaced while the worker sends: what comes after is not taken for delivered."""
        for number in range(50):
            add(box, number)
        box.store().settle(OUTPUT, box.store().claim(OUTPUT, 40, 1 << 30)[-1].seq)

        async def replace() -> None:
            remove(path)
            add(box, *range(100, 110))

        output = Scripted(replace)
        deliver(outbox, output)
        assert list(dict.fromkeys(output.delivered)) == [*range(40, 50), *range(100, 110)]
        assert waiting(box.store(), OUTPUT) == []

    def test_a_refusal_buries_no_other_alert_of_the_same_number(
        self, outbox: Outbox, box: Connection, path: Path
    ) -> None:
        add(box, 1, 2)
        box.store().settle(OUTPUT, box.store().claim(OUTPUT, 1, 1 << 30)[-1].seq)

        async def replace_and_refuse() -> None:
            remove(path)
            add(box, 3)
            raise PermanentRefusal("no")

        output = Scripted(replace_and_refuse, max_batch=1)
        deliver(outbox, output)
        assert output.delivered == [2, 3]
        assert dead_letters(path) == []
