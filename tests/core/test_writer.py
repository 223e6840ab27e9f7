"""The writer: what is handed over is delivered to every output and answered once; its queue is bounded."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from falcocore import writer as writer_module
from falcocore.alerts import Match
from falcocore.api import Alert, Output, OutputError, OutputGone
from falcocore.counters import Counters
from falcocore.stream import Stream
from falcocore.writer import Handover, Writer
from falcocore_outputs.file import FileOutput
from tests.support.small_sources import HIT, Blocked, Kept, Refusing, Word, rule, rule_set
from tests.support.straight_writer import writer_to

RULES = rule_set(HIT + rule("Awkward", "w.word startswith bad", "%w.awkward"))
STREAM = Stream("small", "small", "small", "h")


def matches(*words: str) -> list[Match]:
    """The match of each word."""
    found = []
    for word in words:
        ((matched, values),) = RULES.match(Word(word), STREAM)
        found.append(Match(matched, 0, word, values, "small", {}))
    return found


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")


class Answers:
    """What was answered to each handover, in order."""

    def __init__(self) -> None:
        self.reasons: list[str | None] = []

    def handover(self, *words: str) -> Handover:
        return Handover(matches(*words), self.reasons.append)

    def submit_and_wait(self, writer: Writer, *words: str) -> None:
        """Hand over, so that what comes next is in another group."""
        answered = threading.Event()

        def done(reason: str | None) -> None:
            self.reasons.append(reason)
            answered.set()

        writer.submit(Handover(matches(*words), done))
        answered.wait()


@contextmanager
def running(
    *outputs: Output, counters: Counters | None = None, on_gone: Callable[[str], None] = lambda _r: None
) -> Iterator[Writer]:
    """A writer that has written everything when the block is left."""
    writer = writer_to(outputs, counters, on_gone)
    writer.start()
    yield writer
    assert writer.close(100)


def as_one_group(writer: Writer, blocked: Blocked, handovers: Sequence[Handover]) -> None:
    """Hand over while the writer is held up, so that it takes all of them in one go."""
    writer.submit(Handover(matches("hit-first"), lambda _reason: None))
    blocked.entered.wait()
    for handover in handovers:
        writer.submit(handover)
    blocked.let_go.set()


def test_alerts_reach_every_output_in_order_before_they_are_answered(tmp_path: Path) -> None:
    path, kept = tmp_path / "alerts", Kept()
    seen: list[tuple[str | None, int, int]] = []

    def done(reason: str | None) -> None:
        seen.append((reason, path.read_text("utf-8").count("\n"), len(kept.messages)))

    with running(FileOutput(filename=str(path)), kept) as writer:
        for words in (["hit1", "hit2"], [], ["hit3"]):
            writer.submit(Handover(matches(*words), done))
    assert kept.messages == ["word=hit1", "word=hit2", "word=hit3"]
    assert [line.partition("Warning ")[2] for line in path.read_text("utf-8").splitlines()] == kept.messages
    assert len(seen) == 3
    for (reason, in_file, in_memory), at_least in zip(seen, (2, 2, 3), strict=True):
        assert reason is None
        assert in_file == in_memory >= at_least


def test_outputs_are_closed_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(Kept):
        def close(self) -> None:
            raise OutputError("it is stuck")

    kept = Kept()
    with running(Stuck(), kept):
        pass
    assert kept.calls == ["close"]
    assert "output kept could not be closed: it is stuck" in caplog.text


def test_outputs_end_what_they_have_on_the_event_loop_before_they_are_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class OnLoop(Kept):
        loop: asyncio.AbstractEventLoop | None = None

        async def send(self, alerts: Sequence[Alert]) -> None:
            await super().send(alerts)
            self.loop = asyncio.get_running_loop()

        async def aclose(self) -> None:
            await asyncio.sleep(0)
            self.calls.append(f"aclose {self.loop is asyncio.get_running_loop()} after {len(self.alerts)}")

    class Stuck(Kept):
        async def aclose(self) -> None:
            raise OutputError("it is stuck")

    stuck, on_loop = Stuck(), OnLoop()
    with running(stuck, on_loop) as writer:
        writer.submit(Handover(matches("hit1", "hit2"), lambda _reason: None))
    assert on_loop.calls == ["aclose True after 2", "close"]
    assert stuck.calls == ["close"]
    assert "output kept could not be closed: it is stuck" in caplog.text


def test_alerts_are_counted_when_every_output_has_them() -> None:
    counters, answers = Counters(), Answers()
    with running(Kept(), Refusing(OutputError("no"), "lost"), counters=counters) as writer:
        answers.submit_and_wait(writer, "hit1", "hit2")
        answers.submit_and_wait(writer, "hit-lost")
        answers.submit_and_wait(writer, "hit3")
    assert answers.reasons == [None, "output refusing: no", None]
    assert counters.alerts == {"Hit": 3}
    assert counters.priorities == {"Warning": 3}
    assert counters.output_failures == {"refusing": 1}


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OutputError("no room"), "no room"),
        (ZeroDivisionError("what a plugin raises"), "what a plugin raises"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (asyncio.CancelledError(), "CancelledError"),
    ],
)
def test_output_that_fails_is_named_and_holds_nothing_up(
    error: BaseException, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept, answers = Kept(), Answers()
    with running(Refusing(error, "lost"), kept) as writer:
        writer.submit(answers.handover("hit-lost"))
    assert answers.reasons == [f"output refusing: {cause}"]
    assert kept.messages == ["word=hit-lost"]
    assert f"output refusing: 1 alerts could not be written: {cause}" in caplog.text


def test_batch_without_matches_has_nothing_to_lose() -> None:
    answers, blocked = Answers(), Blocked()
    with running(blocked, Refusing(OutputError("no"), "lost")) as writer:
        as_one_group(writer, blocked, [answers.handover("hit-lost"), answers.handover()])
    assert answers.reasons == ["output refusing: no", None]


def test_alert_that_cannot_be_rendered_costs_its_neighbours_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers, blocked = Answers(), Blocked()
    with running(blocked) as writer:
        handovers = [answers.handover("hit1"), answers.handover("hit2", "bad", "hit3")]
        as_one_group(writer, blocked, [*handovers, answers.handover("hit4")])
    reason = "an alert of rule Awkward could not be rendered: it has no text"
    assert answers.reasons == [None, reason, None]
    assert blocked.messages[1:] == ["word=hit1", "word=hit2", "word=hit3", "word=hit4"]
    assert "an alert of rule Awkward could not be rendered" in caplog.text


def test_output_that_is_gone_for_good_is_not_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    class Gone(Kept):
        sends = 0

        async def send(self, alerts: Sequence[Alert]) -> None:  # noqa: ARG002
            self.sends += 1
            raise OutputGone("the reader has left")

    gone, answers = Gone(), Answers()
    told: list[str] = []
    with running(gone, on_gone=told.append) as writer:
        answers.submit_and_wait(writer, "hit1")
        answers.submit_and_wait(writer, "hit2")
    assert answers.reasons == ["the reader has left"] * 2
    assert told == ["the reader has left"]
    assert gone.sends == 1
    assert "output kept: the reader has left" in caplog.text


def test_outputs_are_reopened_before_the_next_alert(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(Kept):
        def reopen(self) -> None:
            raise OutputError("it is stuck")

    class Watching(Kept):
        def reopen(self) -> None:
            self.calls.append(f"reopen after {len(self.alerts)}")

    watching, answers = Watching(), Answers()
    with running(Stuck(), watching) as writer:
        answers.submit_and_wait(writer, "hit1")
        writer.reopen_outputs()
        answers.submit_and_wait(writer, "hit2")
    assert watching.calls == ["reopen after 1", "close"]
    assert answers.reasons == [None, None]
    assert "output kept could not be reopened: it is stuck" in caplog.text


def test_full_queue_slows_a_source_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_SIZE", 3)
    submitted: list[int] = []
    excess: list[int] = []

    class Slow(Kept):
        async def send(self, alerts: Sequence[Alert]) -> None:
            await super().send(alerts)
            # What was submitted is in the queue, or written, or in this group.
            excess.append(len(submitted) - len(self.alerts) - 3)

    with running(Slow()) as writer:
        for number in range(1000):
            writer.submit(Handover(matches("hit"), lambda _reason: None))
            submitted.append(number)
    assert max(excess) <= 0


def test_full_queue_does_not_block_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_SIZE", 3)
    blocked, answers = Blocked(), Answers()

    async def run(writer: Writer) -> None:
        writer.submit(Handover(matches("hit-first"), lambda _reason: None))
        await asyncio.to_thread(blocked.entered.wait)
        for number in range(3):
            await writer.submit_from_loop(answers.handover(f"hit{number}"))
        waiting = asyncio.create_task(writer.submit_from_loop(answers.handover("hit3")))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        assert answers.reasons == []
        blocked.let_go.set()  # Only a loop that is not blocked comes here.
        await waiting

    with running(blocked) as writer:
        asyncio.run(run(writer))
    assert answers.reasons == [None] * 4
    assert blocked.messages == ["word=hit-first", *(f"word=hit{number}" for number in range(4))]


def test_event_loop_can_end_while_the_queue_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_SIZE", 1)
    blocked, answers = Blocked(), Answers()

    async def run(writer: Writer) -> None:
        await writer.submit_from_loop(answers.handover("hit1"))
        await asyncio.to_thread(blocked.entered.wait)
        await writer.submit_from_loop(answers.handover("hit2"))
        waiting = asyncio.create_task(writer.submit_from_loop(answers.handover("hit3")))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])

    with running(blocked) as writer:
        # It would not return if something that waits for room had to end first.
        asyncio.run(run(writer))
        blocked.let_go.set()
    assert answers.reasons[:2] == [None, None]


@pytest.mark.parametrize("waiting", [0, 1])
def test_close_gives_up_at_its_deadline(monkeypatch: pytest.MonkeyPatch, waiting: int) -> None:
    # With one that waits, the queue has no room for the end mark.
    monkeypatch.setattr(writer_module, "QUEUE_SIZE", 1)
    blocked, answers = Blocked(), Answers()
    with running(blocked) as writer:
        writer.submit(answers.handover("hit1"))
        blocked.entered.wait()
        for _ in range(waiting):
            writer.submit(answers.handover("hit2"))
        assert not writer.close(0.01)
        assert answers.reasons == []
        blocked.let_go.set()
    assert answers.reasons == [None] * (1 + waiting)
    assert blocked.calls == ["close"]
