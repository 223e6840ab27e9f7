"""Several sources side by side: how they end, fail, are restarted and left behind."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from falcocore import engine as engine_module
from falcocore.api import Batch, OutputError, OutputGone, SourceError
from falcocore.control.server import ControlServer
from falcocore.state import StateDirectory
from tests.support.small_engine import Accepting, engine_of
from tests.support.small_sources import (
    KINDS,
    Idle,
    InThread,
    Journal,
    Kept,
    Noted,
    OnLoop,
    Refusing,
    Unrepeatable,
    Word,
    batches_of,
    rule,
    rule_set,
)

BOTH_KINDS = pytest.mark.parametrize("kind", KINDS)
Kind = type[InThread] | type[OnLoop]


@pytest.fixture(autouse=True)
def _no_waiting(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO, "falcocore")
    monkeypatch.setattr(engine_module, "RESTART_S", (0.0, 0.0))


def broken(journal: Journal) -> Iterator[Batch]:
    yield Noted(1, [Word("hit")], journal)
    raise SourceError("it is broken")


def test_each_source_is_matched_by_its_own_rules() -> None:
    class Other(InThread):
        name: ClassVar[str] = "other"

    kept = Kept()
    engine = engine_of(
        {
            "a": InThread(batches_of(["hit", "x"])),
            "b": OnLoop(batches_of(["x"])),
            "c": Other(batches_of(["x"])),
        },
        kept,
        rules={"c": rule_set(rule("Mine", "w.word = x", "%evt.source", "other"), source="other")},
    )
    assert asyncio.run(engine.run()) == 0
    assert sorted((alert.rule, alert.source, alert.message) for alert in kept.alerts) == [
        ("Hit", "small", "word=hit"),
        ("Mine", "other", "other"),
    ]
    assert kept.calls == ["open", "close"]


@BOTH_KINDS
def test_end_of_one_source_leaves_the_others_running(kind: Kind) -> None:
    ended = threading.Event()

    class Last(InThread):
        def batches(self) -> Iterator[Batch]:
            ended.wait()
            yield from super().batches()

    class First(kind):  # type: ignore[valid-type, misc]
        pass

    def make(journal: Journal) -> Iterator[Batch]:
        yield Noted(1, [Word("hit first")], journal)
        ended.set()

    kept = Kept()
    assert asyncio.run(engine_of({"a": kind(make), "b": Last(batches_of(["hit last"]))}, kept).run()) == 0
    assert kept.messages == ["word=hit first", "word=hit last"]


@BOTH_KINDS
def test_error_of_one_source_ends_the_process_when_the_others_have_drained(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    other, kept = Accepting(), Kept()
    assert asyncio.run(engine_of({"bad": kind(broken), "good": other}, kept).run()) == 1
    assert kept.messages == ["word=hit", "word=hit accepted"]
    assert other.journal.told == [(1, None)]
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.getMessage() == "source bad failed: it is broken"
    assert record.exc_info is None


def test_error_that_is_no_message_is_shown_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def make(_journal: Journal) -> Iterator[Batch]:
        raise ZeroDivisionError("a defect")

    assert asyncio.run(engine_of({"bad": InThread(make)}, Kept()).run()) == 1
    assert "source bad failed: a defect" in caplog.text
    assert "Traceback" in caplog.text


@BOTH_KINDS
def test_lost_batch_that_nobody_sends_again_ends_the_process(kind: Kind) -> None:
    source = kind(batches_of(["hit"], kind=Unrepeatable))
    assert asyncio.run(engine_of({"a": source}, Refusing(OutputError("no room"))).run()) == 1
    assert source.journal.told == [(1, "output refusing: no room")]


@BOTH_KINDS
def test_failed_source_is_started_again(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    class Flaky(kind):  # type: ignore[valid-type, misc]
        def open(self) -> None:
            super().open()
            if self.opened == 2:
                raise SourceError("it is not there yet")

    def make(journal: Journal) -> Iterator[Batch]:
        yield Noted(source.opened, [Word("hit", source.opened)], journal)
        if source.opened < 4:
            raise SourceError("it is broken")

    source, other, kept = Flaky(make), Kept(), Kept()
    engine = engine_of({"a": source}, other, kept, restart=["a"])
    assert asyncio.run(engine.run()) == 0
    assert source.journal.told == [(1, None), (3, None), (4, None)]
    assert kept.messages == ["word=hit"] * 3
    assert [record.getMessage() for record in caplog.records] == [
        "source a failed: it is broken; it is started again in 0 s",
        "source a failed: it is not there yet; it is started again in 0 s",
        "source a failed: it is broken; it is started again in 0 s",
    ]


def test_stop_ends_the_wait_for_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "RESTART_S", (1e6, 1e6))

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "started again in 1000000 s" in record.getMessage():
                engine.stop()

    source = InThread(broken)
    engine = engine_of({"a": source}, Kept(), restart=["a"])
    log, handler = logging.getLogger("falcocore.engine"), Noting()
    log.addHandler(handler)
    try:
        assert asyncio.run(engine.run()) == 0
    finally:
        log.removeHandler(handler)
    assert source.opened == 1


def test_source_that_raises_when_it_is_told_to_stop_keeps_nothing_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Rude(OnLoop):
        def stop(self) -> None:
            raise RuntimeError("no")

    other, kept = Accepting(), Kept()
    assert asyncio.run(engine_of({"rude": Rude(broken), "good": other}, kept).run()) == 1
    assert "source rude raised when it was told to stop" in caplog.text
    assert other.journal.told == [(1, None)]


def test_source_that_always_has_a_batch_leaves_the_others_their_turn() -> None:
    def make(journal: Journal) -> Iterator[Batch]:
        for number in range(100_000):
            yield Noted(number, [Word("miss")], journal)

    endless = OnLoop(make)
    engine = engine_of({"endless": endless, "bad": OnLoop(broken)}, Kept())
    assert asyncio.run(engine.run()) == 1
    assert len(endless.journal.told) < 100_000


def test_output_that_is_gone_for_good_ends_the_process() -> None:
    live, source = Idle(), InThread(batches_of(["hit"]))
    engine = engine_of({"live": live, "a": source}, Refusing(OutputGone("the reader has left")))
    assert asyncio.run(engine.run()) == 1
    assert source.journal.told == [(1, "the reader has left")]


@pytest.mark.parametrize("fails", [False, True])
def test_display_ends_with_the_sources_and_does_no_harm(
    fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[bool] = []

    async def watch() -> None:
        if fails:
            raise RuntimeError("no terminal")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    kept = Kept()
    assert (
        asyncio.run(engine_of({"a": OnLoop(batches_of(["hit"], ["hit"]))}, kept).run({"display": watch})) == 0
    )
    assert kept.messages == ["word=hit"] * 2
    assert ended == ([] if fails else [True])
    assert ("the display failed" in caplog.text) is fails


def test_control_socket_that_fails_does_no_harm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(ControlServer):
        async def serve(self) -> None:
            raise RuntimeError("no more descriptors")

    kept = Kept()
    control = Broken(StateDirectory(tmp_path), {})
    engine = engine_of({"a": OnLoop(batches_of(["hit"], ["hit"]))}, kept, control=control)
    assert asyncio.run(engine.run()) == 0
    assert kept.messages == ["word=hit"] * 2
    assert "the control socket failed; everything else goes on" in caplog.text


def test_outputs_are_closed_where_a_source_cannot_be_opened() -> None:
    class Missing(InThread):
        def open(self) -> None:
            raise SourceError("it is not there")

    class Late(Kept):
        def open(self) -> None:
            raise OutputError("it is not there")

    kept, source = Kept(), InThread(batches_of())
    with pytest.raises(SourceError, match="it is not there"):
        engine_of({"a": source, "b": Missing(batches_of())}, kept)
    assert (kept.calls, source.opened) == (["open", "close"], 1)
    with pytest.raises(OutputError, match="it is not there"):
        engine_of({"a": source}, kept, Late())
    assert (kept.calls, source.opened) == (["open", "close"] * 2, 1)
