"""Delivery to several outputs, each by a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from falcocore.api import Alert, OutputError, OutputGone
from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.outbox import delivery as delivery_module
from falcocore.outbox import tidying as tidying_module
from falcocore.outbox import worker as worker_module
from falcocore.outbox.delivery import Delivery
from falcocore.outbox.outbox import Connection, Outbox
from tests.support.scripted_output import Scripted, Step, hang
from tests.support.small_outbox import OUTPUTS, connection_to, group, outbox_of

BUSY = OutputError("busy")
LONG_S = 60.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(worker_module, "LONGEST_PAUSE_S", 0.002)
    monkeypatch.setattr(tidying_module, "TIDY_S", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with outbox_of(path) as outbox:
        yield outbox


@pytest.fixture
def box(outbox: Outbox) -> Iterator[Connection]:
    with connection_to(outbox) as connection:
        yield connection


def delivery_to(outbox: Outbox, *outputs: Scripted, gone: list[str] | None = None) -> Delivery:
    """A running delivery to the outputs `a` and `b`."""
    destinations = [Destination(name, output) for name, output in zip(OUTPUTS, outputs, strict=True)]
    on_gone = (lambda _reason: None) if gone is None else gone.append
    delivery = Delivery(outbox, destinations, Counters(), on_gone)
    delivery.start()
    return delivery


class Blocking(Scripted):
    """Blocks its thread, as no output should, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    async def send(self, alerts: Sequence[Alert]) -> None:
        self.calls.append("send")
        self.let_go.wait()
        await super().send(alerts)


def test_what_waits_from_before_and_what_comes_is_delivered(outbox: Outbox, box: Connection) -> None:
    a, b = Scripted(), Scripted(BUSY, BUSY)
    box.append([group(1, 2), group(3, to=["b"])])
    delivery = delivery_to(outbox, a, b)
    a.wait_for_count(2)
    box.append([group(4)])
    delivery.wake({"a", "b"})
    b.wait_for_count(4)
    assert delivery.close(LONG_S) == {}
    assert (a.delivered, b.delivered) == ([1, 2, 4], [1, 2, 3, 4])
    assert (a.calls[-1], b.calls[-1]) == ("close", "close")
    assert [worker.progress.delivered for worker in delivery.workers] == [3, 4]


def test_an_output_that_blocks_its_thread_delays_no_other(outbox: Outbox, box: Connection) -> None:
    blocking, other = Blocking(), Scripted()
    delivery = delivery_to(outbox, blocking, other)
    for number in range(20):
        box.append([group(number)])
        delivery.wake({"a", "b"})
        other.wait_for_count(number + 1)
    assert blocking.delivered == []
    blocking.let_go.set()
    assert delivery.close(LONG_S) == {}
    assert blocking.delivered == list(range(20))


def test_the_end_does_not_wait_for_an_output_that_blocks(
    outbox: Outbox, box: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_module, "CUT_S", 0.01)
    blocking, other = Blocking(), Scripted()
    box.append([group(1, 2, 3)])
    delivery = delivery_to(outbox, blocking, other)
    assert delivery.close(0.05) == {"a": 3}
    assert other.delivered == [1, 2, 3]
    blocking.let_go.set()


def test_what_an_output_hangs_on_is_left_for_the_next_start(outbox: Outbox, box: Connection) -> None:
    hanging, other = Scripted(None, hang), Scripted()
    box.append([group(*range(6))])
    delivery = delivery_to(outbox, hanging, other)
    hanging.wait_for(lambda output: len(output.sends) == 2)
    assert delivery.close(0.05) == {"a": 4}
    assert hanging.calls[-1] == "close"
    again = Scripted()
    assert delivery_to(outbox, again, Scripted()).close(LONG_S) == {}
    assert again.delivered == [2, 3, 4, 5]


def test_an_output_that_fails_at_the_end_is_not_tried_again(outbox: Outbox, box: Connection) -> None:
    box.append([group(1, 2)])
    failing = Scripted(*[BUSY] * 1000)
    delivery = delivery_to(outbox, failing, Scripted())
    failing.wait_for(lambda output: bool(output.sends))
    begun = time.monotonic()
    assert delivery.close(LONG_S) == {"a": 2}
    assert time.monotonic() - begun < LONG_S / 2


def slow() -> list[Step]:
    """Steps that take their time."""

    async def wait() -> None:
        await asyncio.sleep(0.05)

    return [wait] * 40


@pytest.mark.parametrize(("patient", "all_delivered"), [(True, True), (False, False)])
def test_patience_lasts_as_long_as_something_is_delivered(
    patient: bool, all_delivered: bool, outbox: Outbox, box: Connection
) -> None:
    """All of it takes 1 s, one `send` 0.05 s."""
    box.append([group(*range(40))])
    output = Scripted(*slow())
    delivery = delivery_to(outbox, output, Scripted())
    left = delivery.close(0.4, lambda: patient)
    assert (left == {}) == all_delivered
    assert (len(output.delivered) == 40) == all_delivered
    assert len(output.delivered) + left.get("a", 0) == 40


def test_patience_may_end_while_it_waits(outbox: Outbox, box: Connection) -> None:
    box.append([group(*range(40))])
    output = Scripted(*slow())
    delivery = delivery_to(outbox, output, Scripted())
    left = delivery.close(0.3, lambda: len(output.delivered) < 4)
    assert 0 < left["a"] <= 36


def test_patience_ends_where_nothing_is_delivered(outbox: Outbox, box: Connection) -> None:
    box.append([group(1)])
    assert delivery_to(outbox, Scripted(hang), Scripted()).close(0.05, lambda: True) == {"a": 1}


def test_a_failing_output_is_tried_at_once_when_asked(
    outbox: Outbox, box: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 1000.0)
    monkeypatch.setattr(worker_module, "LONGEST_PAUSE_S", 1000.0)
    box.append([group(1)])
    output = Scripted(BUSY)
    delivery = delivery_to(outbox, output, Scripted())
    while delivery.workers[0].progress.next_try_s is None:
        output.wait_for(lambda output: bool(output.sends))
    delivery.retry_now()
    output.wait_for_count(1)
    assert delivery.close(LONG_S) == {}


def test_outputs_open_their_files_again_when_asked(outbox: Outbox) -> None:
    outputs = Scripted(), Scripted()
    delivery = delivery_to(outbox, *outputs)
    delivery.reopen()
    delivery.close(LONG_S)
    assert [output.calls for output in outputs] == [["reopen", "close"]] * 2


def test_a_receiver_that_is_gone_for_good_is_told_of_and_the_others_go_on(
    outbox: Outbox, box: Connection
) -> None:
    gone: list[str] = []
    other = Scripted()
    box.append([group(1)])
    delivery = delivery_to(outbox, Scripted(OutputGone("closed")), other, gone=gone)
    delivery_thread_ends(delivery)
    box.append([group(2)])
    delivery.wake({"a", "b"})
    other.wait_for_count(2)
    assert delivery.close(LONG_S) == {"a": 2}
    assert gone == ["closed"]


def delivery_thread_ends(_delivery: Delivery) -> None:
    for thread in threading.enumerate():
        if thread.name == "output a":
            thread.join(LONG_S)


def test_delivered_alerts_are_removed_while_it_runs(outbox: Outbox, box: Connection, path: Path) -> None:
    a, b = Scripted(), Scripted()
    delivery = delivery_to(outbox, a, b)
    box.append([group(*range(10))])
    delivery.wake({"a", "b"})
    with sqlite3.connect(path) as looking:
        while looking.execute("SELECT count(*) FROM alert").fetchone() != (0,):
            time.sleep(0.001)
    looking.close()
    assert (len(a.delivered), len(b.delivered)) == (10, 10)
    delivery.close(LONG_S)
