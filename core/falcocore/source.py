"""What an event source is, and what it hands to the core."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from falcocore.diagnosis import Circumstances, Finding
from falcocore.errors import SourceError

if TYPE_CHECKING:
    from falcocore.notice import Notice
    from falcocore.ruleset import RuleSet


class Event(Protocol):
    """What the core itself reads of an event; everything else is read by the source's fields."""

    @property
    def time_ns(self) -> int:
        """When it happened, in nanoseconds since 1970 UTC."""

    @property
    def key(self) -> str:
        """Its identity within the source: the same event, received again, has the same key."""


class Batch:
    """Some events that were received together and are acknowledged together.

    `events` is drawn one at a time, and a source may change its state with each draw. When the core is
    done with the batch, it calls `ack` or `nack` exactly once, on the source's own loop or thread;
    override them (or leave them, where nobody waits for an answer).

    `labels` say where the batch comes from, such as `cluster`; they travel with its alerts. `unseen` counts
    events that the source has left out of `events` because no rule can match them (see `Source.prepare`);
    it is read when the last event was drawn.

    `notices` are alerts about the source itself; they are read when the last event was drawn.

    `acknowledged` is True in a class whose sender waits for the `ack` and sends the batch again where it gets
    none: its alerts are on the disk then when `ack` is called, and a second copy of an event raises nothing.
    """

    __slots__ = ("events", "labels", "notices", "unseen")

    acknowledged: ClassVar[bool] = False

    def __init__(self, events: Iterable[Any], labels: dict[str, str] | None = None) -> None:
        self.events = events
        self.labels = labels or {}
        self.unseen = 0
        self.notices: Sequence[Notice] = ()

    def ack(self) -> None:
        """Every alert of this batch is safe: tell the sender, or commit the offset."""

    def nack(self, reason: str) -> None:
        """The alerts could not be kept: the sender has to send the batch again.

        Where this is not overridden there is nobody to send it again, and the source fails.

        Raises:
            SourceError: to end the source.
        """
        raise SourceError(f"alerts were lost: {reason}")


@dataclass(slots=True)
class Progress:
    """How far a source that has an end has come. Sizes in bytes; `total` is None where unknown."""

    done: int
    total: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some events are not left out: a rule, and what it asks of them, in words."""

    rule: str
    asks: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Some kind of events, how many of them come as far as the rules (in words), and because of which."""

    events: str
    what: str
    reasons: tuple[Reason, ...] = ()


class Source:
    """Base class of event sources.

    The keyword arguments of a subclass's `__init__` are its options: their annotations are the types,
    `Annotated[int, "doc"]` gives the documentation. `target` is the text after `--source NAME=`, None
    for a live source.
    """

    name: ClassVar[str]
    plugin_name: ClassVar[str] = ""
    """What `evt.pluginname` shows, where it differs from `name`."""

    needs_rights: ClassVar[bool] = False
    """True for one that only root or a user with certain capabilities can run: it runs where it is asked for,
    and not because it is installed."""

    rejected: int = 0
    """Items received so far that could not be used; the source reports each once when it meets it."""

    keeps_state: bool = False
    """True in a class, or in an instance from its `__init__` on, that has to remember something beyond the
    end of the process, such as how far a file was read: it gets `state` then."""

    state: Path | None = None
    """A directory for this instance alone, in which it finds again what it left there. The core makes it and
    sets this before `open` where `keeps_state` is true. No other process uses it at the same time; what is
    written must be whole after a crash at any moment, as by writing another file and renaming it."""

    def prepare(self, rules: RuleSet) -> None:
        """Learn which rules the events are matched with, to leave out early what none of them can match.

        Called before `open`, and for another rule set before the first event of a batch is drawn, on the
        source's own loop or thread. `rules.can_match` tells what may be left out, `rules.reads` which
        fields have to be there. A source that does nothing here delivers every event.
        """

    def open(self) -> None:
        """Get ready: bind the address, open the file. Called once, before `batches`.

        Raises:
            SourceError: it can't be opened; the message says why and what to do.
        """

    @property
    def shardable(self) -> bool:
        """True where several processes may share the work of this instance; see `reserve`."""
        return False

    def reserve(self) -> None:
        """Take what only one process can take, such as a free port, for several that are then made.

        Called in place of `open` where a `shardable` source runs in several processes: they are copies of
        this one, and in each of them `open` is called.

        Raises:
            SourceError: it can't be taken.
        """

    def batches(self) -> Iterator[Batch] | AsyncIterator[Batch]:
        """Yield batches until the input ends or `stop` was called.

        An async generator runs on the core's event loop. A plain generator runs in a thread of its own
        and may block; its batches are acknowledged between two draws, so that one that waits long for input
        yields an empty batch now and then where it has to learn of it. An exception ends the source and,
        after the others have drained, the process.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """End `batches` soon: take nothing new, finish what was accepted. May come from any thread."""

    @classmethod
    def events_from(cls, descriptions: Iterable[Any]) -> Iterator[Any]:  # noqa: ARG003 - for those that do
        """Events that tests of rules describe: each a value as JSON has it, for one event or more.

        What a description says is the source's to define: the event's own JSON, or something shorter. Events
        are drawn one at a time, as those of a batch, so that a state may change with each. Without this
        method tests give events in files, which `batches` reads.

        Raises:
            ValueError: a description that makes no event; the message says why.
            SourceError: the source takes no descriptions.
        """
        hint = "name a file of events with `file:`"
        raise SourceError(f"source {cls.name} takes no events that are written into a test", hint=hint)

    @classmethod
    def describe_push_down(cls, rules: RuleSet) -> Sequence[Sent] | None:  # noqa: ARG003 - for those that do
        """What is left out of its events before they are decoded, as `prepare` does for these rules.

        An entry for each kind of events; None for a source that leaves out nothing early. `falcocore describe
        --push-down` shows it, so that authors of rules see what a rule costs.
        """
        return None

    def banner(self) -> str:
        """After `open`: what it does now, for the line at start, such as `listening on http://...`."""
        return f"reading {self.name}"

    def next_step(self) -> str | None:
        """What a user does next to see an alert, for the line at start; None for no advice."""
        return None

    def doubts(self, events: int, rules: RuleSet) -> str | None:  # noqa: ARG002
        """What keeps alerts away, and how to find out; None where nothing does.

        Asked once, a minute after the start. `events` is how many have come, `rules` what they are matched
        with.
        """
        return None

    def diagnose(self, circumstances: Circumstances) -> Iterable[Finding]:  # noqa: ARG002
        """Whether all is there that it needs, for `falcocore doctor`: one finding for each thing looked at.

        Asked in place of `open`, of an instance that never runs, while another process may run with the same
        options. It leaves everything as it was.
        """
        return ()

    def figures(self) -> Mapping[str, int | str]:
        """What it counts, by names for people, for `falcocore status`; may come from any thread."""
        return {}

    def progress(self) -> Progress | None:
        """How far it has come, for a source with an end; None for a live one."""
        return None
