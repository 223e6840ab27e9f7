"""Sources, rules and outputs that are small enough to read in a test, and real: written as a plugin's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from falcocore.api import Alert, Batch, Field, FieldType, Output, Source
from falcocore.counters import Counters
from falcocore.fields import FieldTable
from falcocore.generic_fields import GENERIC_FIELDS
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore.runner import Runner
from falcocore.stream import Stream
from falcocore.writer import Writer

START_NS = 1_700_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Word:
    """An event that says one word."""

    word: str
    number: int = 0

    @property
    def time_ns(self) -> int:
        return START_NS + self.number

    @property
    def key(self) -> str:
        return f"{self.number}"


def _bad(_event: Any) -> str:
    raise RuntimeError("it is broken")


def fields_of(source: str) -> FieldTable:
    """`w.word`, `w.state` and `w.same` of a `Stateful`, and two fields whose getters raise."""
    table = FieldTable(source, ((field, "core") for field in GENERIC_FIELDS))
    for name, getter in (
        ("w.word", lambda event: event.word),
        ("w.state", lambda event: event.state),
        ("w.same", lambda event: event.state),
        ("w.bad", _bad),
        ("w.native", str.upper),  # It has no `__module__`.
    ):
        table.add(Field(name, FieldType.STRING, "d", getter), "test")
    return table


def _unprintable(_value: str) -> str:
    raise RuntimeError("it has no text")


def rule(name: str, condition: str, output: str, source: str = "small") -> str:
    """The text of one rule."""
    return (
        f"- rule: {name}\n  desc: d\n  condition: {condition}\n  output: '{output}'\n"
        f"  priority: WARNING\n  source: {source}\n"
    )


HIT = rule("Hit", "w.word startswith hit", "word=%w.word")


def rule_set(text: str = HIT, *, source: str = "small", first: bool = True) -> RuleSet:
    """Rules as they come out of a rule file. `w.awkward` can be matched, but not shown in an alert."""
    table = fields_of(source)
    awkward = Field("w.awkward", FieldType.STRING, "d", lambda event: event.word, text=_unprintable)
    table.add(awkward, "test")
    catalogue = Catalogue({source: table}, frozenset({source}))
    loaded = load([SourceFile("rules.yaml", text)], catalogue, LoadSettings(first=first))
    assert not loaded.errors, [str(error) for error in loaded.errors]
    return loaded.rule_sets[source]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch was told, and where. `seen` is what `look` saw at that moment."""

    number: int
    reason: str | None
    thread: int
    seen: Any


class Journal:
    """What became of the batches of one source, in order."""

    def __init__(self, look: Callable[[], Any] = lambda: None) -> None:
        self.outcomes: list[Outcome] = []
        self.thread: int | None = None
        """The thread that ran the generator."""
        self._look = look

    def note(self, number: int, reason: str | None) -> None:
        self.outcomes.append(Outcome(number, reason, threading.get_ident(), self._look()))

    @property
    def told(self) -> list[tuple[int, str | None]]:
        return [(outcome.number, outcome.reason) for outcome in self.outcomes]


class Noted(Batch):
    """A batch that somebody can send again: it only notes what it is told."""

    __slots__ = ("_journal", "number")

    def __init__(self, number: int, events: Iterable[Any], journal: Journal) -> None:
        super().__init__(events)
        self.number = number
        self._journal = journal

    def ack(self) -> None:
        self._journal.note(self.number, None)

    def nack(self, reason: str) -> None:
        self._journal.note(self.number, reason)


class Unrepeatable(Noted):
    """A batch that nobody sends again."""

    __slots__ = ()

    def nack(self, reason: str) -> None:
        super().nack(reason)
        Batch.nack(self, reason)


class Small(Source):
    """Yields what `make` gives, one batch after the other."""

    name: ClassVar[str] = "small"

    def __init__(self, make: Callable[[Journal], Iterable[Batch]], journal: Journal | None = None) -> None:
        self.journal = journal or Journal()
        self.opened = 0
        self.stopped = threading.Event()
        self._make = make

    def open(self) -> None:
        self.opened += 1

    def stop(self) -> None:
        self.stopped.set()


class InThread(Small):
    """A plain generator: it runs in a thread of its own."""

    def batches(self) -> Iterator[Batch]:
        self.journal.thread = threading.get_ident()
        for batch in self._make(self.journal):
            if self.stopped.is_set():
                return
            yield batch


class OnLoop(Small):
    """An async generator: it runs on the event loop, and never waits of itself."""

    async def batches(self) -> AsyncIterator[Batch]:
        self.journal.thread = threading.get_ident()
        for batch in self._make(self.journal):
            if self.stopped.is_set():
                return
            yield batch


class Idle(Source):
    """A live source to which nothing comes; it ends when it is told to."""

    name: ClassVar[str] = "small"

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def batches(self) -> AsyncIterator[Batch]:
        self.began.set()
        await self._stopped.wait()
        no_batches: tuple[Batch, ...] = ()
        for batch in no_batches:
            yield batch


KINDS: tuple[type[InThread] | type[OnLoop], ...] = (InThread, OnLoop)


class Stateful:
    """One event object for all draws: what it says changes when the next event is drawn."""

    def __init__(self, *states: str) -> None:
        self.state = "nothing drawn yet"
        self.number = 0
        self._states = states

    @property
    def time_ns(self) -> int:
        return START_NS + self.number

    @property
    def key(self) -> str:
        return f"{self.number}"

    def draws(self) -> Iterator[Stateful]:
        for self.number, self.state in enumerate(self._states, 1):  # noqa: B020 - the state is the point
            yield self
        self.state = "all drawn"


def batches_of(*batches: Sequence[str], kind: type[Noted] = Noted) -> Callable[[Journal], Iterator[Noted]]:
    """Batches 1, 2, ... of words; events are numbered over all of them."""

    def make(journal: Journal) -> Iterator[Noted]:
        event = 0
        for number, words in enumerate(batches, 1):
            yield kind(number, [Word(word, event + at) for at, word in enumerate(words, 1)], journal)
            event += len(words)

    return make


class Kept(Output):
    """Keeps the alerts in memory."""

    name: ClassVar[str] = "kept"

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.calls: list[str] = []

    def open(self) -> None:
        self.calls.append("open")

    async def send(self, alerts: Sequence[Alert]) -> None:
        self.alerts += alerts

    def reopen(self) -> None:
        self.calls.append("reopen")

    def close(self) -> None:
        self.calls.append("close")

    @property
    def messages(self) -> list[str]:
        return [alert.message for alert in self.alerts]


class Blocked(Kept):
    """Takes nothing, and holds the writer up, until it is let go."""

    name: ClassVar[str] = "blocked"

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.let_go = threading.Event()

    async def send(self, alerts: Sequence[Alert]) -> None:
        self.entered.set()
        self.let_go.wait()  # as a full pipe does
        await super().send(alerts)


class Refusing(Kept):
    """Raises what it is given, for alerts whose message holds `word`."""

    name: ClassVar[str] = "refusing"

    def __init__(self, error: BaseException, word: str = "") -> None:
        super().__init__()
        self._error = error
        self._word = word

    async def send(self, alerts: Sequence[Alert]) -> None:
        if any(self._word in alert.message for alert in alerts):
            raise self._error
        await super().send(alerts)


def runner_of(
    source: Source,
    writer: Writer,
    counters: Counters | None = None,
    *,
    rules: RuleSet | None = None,
    name: str = "small",
) -> Runner:
    """A runner for one source, named `name`."""
    stream = Stream(source.name, name, source.name, "host")
    return Runner(source, stream, rules or rule_set(), writer, counters or Counters())
