"""One source: how its events are drawn and matched, and what its batches are told."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from falcocore.api import Alert, Batch, Output, OutputError, SourceError
from falcocore.counters import Counters
from falcocore.ruleset import RuleSet
from falcocore.runner import Runner
from falcocore.writer import Writer
from falcocore_outputs.file import FileOutput
from tests.support.small_sources import (
    HIT,
    KINDS,
    Blocked,
    InThread,
    Journal,
    Kept,
    Noted,
    OnLoop,
    Refusing,
    Small,
    Stateful,
    Unrepeatable,
    Word,
    batches_of,
    rule,
    rule_set,
    runner_of,
)
from tests.support.straight_writer import writer_to

BOTH_KINDS = pytest.mark.parametrize("kind", KINDS)
Kind = type[InThread] | type[OnLoop]


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")


def run(
    source: Small, *outputs: Output, rules: RuleSet | None = None, counters: Counters | None = None
) -> None:
    """Run a source to its end."""
    counters = counters or Counters()
    writer = writer_to(outputs, counters)
    run_with(runner_of(source, writer, counters, rules=rules), writer)


def run_with(runner: Runner, writer: Writer) -> None:
    writer.start()
    try:
        asyncio.run(runner.run())
    finally:
        assert writer.close(100)


@BOTH_KINDS
@pytest.mark.parametrize(
    ("first", "messages"),
    [
        (True, ["one b b 2", "two c c 3", "one b b 5"]),
        (False, ["one b b 2", "two b b 2", "two c c 3", "one b b 5", "two b b 5"]),
    ],
)
def test_values_are_read_before_the_next_event_is_drawn(kind: Kind, first: bool, messages: list[str]) -> None:
    # All draws give the same object, whose state is another one after the next draw.
    rules = rule_set(
        rule("One", "w.state = b", "one %w.state %w.same %evt.rawtime.ns")
        + rule("Two", "w.state in (b, c)", "two %w.state %w.same %evt.rawtime.ns"),
        first=first,
    )
    events = Stateful("a", "b", "c", "a", "b")

    def make(journal: Journal) -> Iterator[Batch]:
        draws = events.draws()
        yield Noted(1, itertools.islice(draws, 2), journal)
        yield Noted(2, draws, journal)

    kept = Kept()
    run(kind(make), kept, rules=rules)
    assert events.state == "all drawn"
    assert [message.replace("00000000", "") for message in kept.messages] == messages
    # The identity of an alert is that of its event, too.
    assert len({alert.id for alert in kept.alerts}) == len(messages)


@BOTH_KINDS
def test_batches_are_acknowledged_once_in_order_on_the_sources_thread_with_their_alerts_written(
    kind: Kind, tmp_path: Path
) -> None:
    path = tmp_path / "alerts"
    sizes = [1, 0, 2, 0, 0, 3, 1]
    journal = Journal(look=lambda: path.read_text("utf-8").count("\n"))
    source = kind(batches_of(*(["miss", *["hit"] * size] for size in sizes)), journal)
    run(source, FileOutput(filename=str(path)))
    assert journal.told == [(number, None) for number in range(1, 8)]
    assert {outcome.thread for outcome in journal.outcomes} == {journal.thread}
    assert (journal.thread == threading.get_ident()) is (kind is OnLoop)
    for outcome, lines in zip(journal.outcomes, itertools.accumulate(sizes), strict=True):
        assert outcome.seen >= lines


@BOTH_KINDS
def test_batch_without_matches_is_acknowledged_in_its_turn(kind: Kind) -> None:
    blocked = Blocked()

    def events(journal: Journal) -> Iterator[Word]:
        assert journal.told == [(1, None)]  # Nothing was before it.
        yield Word("miss")
        blocked.let_go.set()

    def make(journal: Journal) -> Iterator[Batch]:
        yield Noted(1, [Word("miss")], journal)
        yield Noted(2, [Word("hit")], journal)
        blocked.entered.wait()
        yield Noted(3, [Word("miss")], journal)
        yield Noted(4, events(journal), journal)

    source = kind(make)
    run(source, blocked)
    assert source.journal.told == [(number, None) for number in (1, 2, 3, 4)]


AWKWARD = rule_set(HIT + rule("Awkward", "w.word = awkward", "%w.awkward"))


def _breaks_in_a_batch(journal: Journal) -> Iterator[Batch]:
    def events() -> Iterator[Word]:
        yield Word("hit2")
        yield Word("miss")
        raise ValueError("torn")

    yield Noted(1, [Word("hit1")], journal)
    yield Noted(2, events(), journal)
    raise AssertionError("nothing is drawn after an error")


def _breaks_at_once(journal: Journal) -> Iterator[Batch]:
    yield Noted(1, (1 // len(word) for word in [""]), journal)
    raise AssertionError("nothing is drawn after an error")


def _breaks_between_batches(journal: Journal) -> Iterator[Batch]:
    yield Noted(1, [Word("hit1")], journal)
    yield Noted(2, [Word("miss")], journal)
    raise ValueError("torn")


@BOTH_KINDS
@pytest.mark.parametrize(
    ("make", "told", "messages", "error"),
    [
        (batches_of(["miss", "hit-lost"]), [(1, "output refusing: no room")], [], None),
        (
            batches_of(["awkward", "hit"]),
            [(1, "an alert of rule Awkward could not be rendered: it has no text")],
            ["word=hit"],
            None,
        ),
        (
            _breaks_in_a_batch,
            [(1, None), (2, "source small: torn")],
            ["word=hit1", "word=hit2"],
            "torn",
        ),
        (
            _breaks_at_once,
            [(1, "source small: integer division or modulo by zero")],
            [],
            "integer division or modulo by zero",
        ),
        (_breaks_between_batches, [(1, None), (2, None)], ["word=hit1"], "torn"),
    ],
)
def test_batch_that_was_not_kept_is_told_why(
    kind: Kind,
    make: Callable[[Journal], Iterable[Batch]],
    told: list[tuple[int, str | None]],
    messages: list[str],
    error: str | None,
) -> None:
    source, refusing = kind(make), Refusing(OutputError("no room"), "lost")
    if error is None:
        run(source, refusing, rules=AWKWARD)
    else:
        with pytest.raises((ValueError, ZeroDivisionError), match=error):
            run(source, refusing, rules=AWKWARD)
    assert source.journal.told == told
    assert {outcome.thread for outcome in source.journal.outcomes} == {source.journal.thread}
    assert refusing.messages == messages


@BOTH_KINDS
def test_source_ends_where_nobody_can_send_a_lost_batch_again(kind: Kind) -> None:
    def make(journal: Journal) -> Iterator[Batch]:
        for number in itertools.count(1):
            yield Unrepeatable(number, [Word("hit")], journal)

    source = kind(make)
    with pytest.raises(SourceError, match="alerts were lost: output refusing: no room"):
        run(source, Refusing(OutputError("no room")))
    # Those that were handed over meanwhile are told as well, each once and in order.
    told = [outcome.number for outcome in source.journal.outcomes]
    assert told == list(range(1, len(told) + 1))


@BOTH_KINDS
def test_source_can_run_again_after_it_failed(kind: Kind) -> None:
    class Once(Kept):
        async def send(self, alerts: Sequence[Alert]) -> None:
            await super().send(alerts)
            if len(self.alerts) == 1:
                raise OutputError("no room")

    writer = writer_to([Once()])
    source = kind(batches_of(["hit"], kind=Unrepeatable))
    runner = runner_of(source, writer)

    async def twice() -> None:
        with pytest.raises(SourceError):
            await runner.run()
        await runner.run()

    writer.start()
    asyncio.run(twice())
    assert writer.close(100)
    assert source.journal.told == [(1, "output kept: no room"), (1, None)]


class Offset(Noted):
    """A batch whose offset can't be committed."""

    __slots__ = ()

    def ack(self) -> None:
        super().ack()
        raise (SourceError if self.number == 3 else ValueError)("no broker")


@BOTH_KINDS
def test_ack_that_raises(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    source, kept = kind(batches_of(["hit"], ["miss"], kind=Offset)), Kept()
    run(source, kept)
    assert source.journal.told == [(1, None), (2, None)]
    assert caplog.text.count("source small raised while a batch was acknowledged") == 2
    with pytest.raises(SourceError, match="no broker"):
        run(kind(batches_of(["hit"], ["miss"], ["hit"], kind=Offset)), kept)


@BOTH_KINDS
@pytest.mark.parametrize(
    ("field", "owner", "error"),
    [
        ("w.bad", "tests.support.small_sources", "RuntimeError: it is broken"),
        ("w.native", "a plugin", "TypeError: "),
    ],
)
def test_getter_that_raises_reads_as_absent(
    kind: Kind, field: str, owner: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    rules = rule_set(rule("Hit", f"w.word startswith hit and not {field} exists", f"%w.word %{field}"))
    source, kept, counters = kind(batches_of(["hit1", "miss", "hit2"], ["hit3"])), Kept(), Counters()
    run(source, kept, rules=rules, counters=counters)
    assert kept.messages == ["hit1 <NA>", "hit2 <NA>", "hit3 <NA>"]
    assert kept.alerts[0].output_fields[field] is None
    assert source.journal.told == [(1, None), (2, None)]
    assert counters.getter_failures == {field: 3}
    assert counters.events == {"small": 4}
    (record,) = caplog.records
    assert record.getMessage().startswith(f"field {field} ({owner}) raised {error}")


@BOTH_KINDS
def test_events_and_rejected_items_are_counted_when_the_source_breaks(kind: Kind) -> None:
    source, counters = kind(_breaks_in_a_batch), Counters()
    source.rejected = 7
    with pytest.raises(ValueError, match="torn"):
        run(source, Kept(), counters=counters)
    assert (counters.events, counters.rejected) == ({"small": 3}, {"small": 7})


@BOTH_KINDS
def test_rules_are_replaced_between_batches(kind: Kind) -> None:
    kept, counters = Kept(), Counters()
    writer = writer_to([kept], counters)

    def events() -> Iterator[Word]:
        yield Word("hit")
        runner.rules = rule_set(rule("Hit", "w.word startswith hit", "new %evt.num"))
        yield Word("hit")

    def make(journal: Journal) -> Iterator[Batch]:
        yield Noted(1, events(), journal)
        yield Noted(2, [Word("hit")], journal)

    old = rule_set(rule("Hit", "w.word startswith hit", "old %evt.num"))
    runner = runner_of(kind(make), writer, counters, rules=old)
    run_with(runner, writer)
    assert kept.messages == ["old 1", "old 2", "new 3"]


class Selective(InThread):
    """Leaves out what it was told that no rule can match."""

    def __init__(self, *words: str) -> None:
        super().__init__(lambda _journal: ())
        self.words = words
        self.prepared: list[RuleSet] = []
        self.opened_after = 0

    def prepare(self, rules: RuleSet) -> None:
        self.prepared.append(rules)

    def open(self) -> None:
        self.opened_after = len(self.prepared)

    def batches(self) -> Iterator[Batch]:
        for word in self.words:
            batch = Batch([])
            batch.events = self._draw(batch, word)
            yield batch

    def _draw(self, batch: Batch, word: str) -> Iterator[Word]:
        if word == HIT:
            yield Word(word)
        else:
            batch.unseen = 1


def test_a_source_is_told_its_rules_before_it_is_opened_and_when_they_change() -> None:
    source = Selective(HIT, HIT)
    counters = Counters()
    kept = Kept()
    writer = writer_to([kept], counters)
    runner = runner_of(source, writer, counters)
    first = runner.rules
    runner.open()
    assert (source.prepared, source.opened_after) == ([first], 1)
    changed = rule_set()
    runner.rules = changed
    run_with(runner, writer)
    assert source.prepared == [first, changed]


def test_events_that_a_source_leaves_out_are_counted() -> None:
    source, counters = Selective("a", HIT, "b"), Counters()
    runner_writer = writer_to([Kept()], counters)
    runner = runner_of(source, runner_writer, counters)
    runner.open()
    run_with(runner, runner_writer)
    assert counters.events[runner.name] == 3
    assert runner.stream.num == 3
