"""This machine, watched in the test's own process and drained by hand up to an event that ends an action."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore.stream import Stream
from falcocore_syscall.live import watching
from falcocore_syscall.live.drops import DropPolicy
from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.tables import Tables
from falcocore_syscall.live.watching import Watching
from tests.support.live_actor import Actor
from tests.support.syscall_events import TABLE, shown

SAFETY_S = float(os.environ.get("FALCOCORE_LIVE_SAFETY_S", "30"))
"""No wait takes that long but in a test that fails; on a machine that is emulated more is needed."""
BUFFER_BYTES = 64 << 20

SENTINELS = """
- rule: Sentinels
  desc: Opened by an actor when it has done what it was told.
  condition: evt.type in (open, openat) and fd.filename startswith sentinel-
  output: "%fd.name"
  priority: DEBUG
"""

Alert = tuple[str, str]
"""(name of the rule, its output)."""


def rule_set(*texts: str, first: bool = False) -> RuleSet:
    """The rules of texts of rule files, and one by which the kernel sends what an actor opens after its acts.

    Each rule that matches raises an alert, or the first one only.
    """
    files = [SourceFile(f"rules{number}.yaml", text) for number, text in enumerate((*texts, SENTINELS))]
    loaded = load(files, Catalogue({"syscall": TABLE}, frozenset({"syscall"})), LoadSettings(first=first))
    assert not loaded.errors, "\n".join(map(str, loaded.errors))
    return loaded.rule_sets["syscall"]


def bundled_rules() -> list[str]:
    """The texts of both packs."""
    host = PluginHost()
    return [file.read_text() for pack in ("syscall", "syscall-incubating") for file in host.pack(pack).files]


class Watch:
    """Watches with a set of rules from the moment it is made; `tables` makes of them what the kernel is told.

    Other arguments are the options of the source by these names.
    """

    def __init__(
        self,
        rules: RuleSet,
        tables: Callable[[RuleSet], Tables] | None = None,
        *,
        buffer_bytes: int = BUFFER_BYTES,
        container_sockets: Sequence[str] = (),
        resolves_names: bool = False,
    ) -> None:
        self.rules = rules
        self.drawn = 0
        """How many events `alerts_of` has looked at."""
        self._stream = Stream("syscall", "syscall", "syscall", "box")
        with pytest.MonkeyPatch.context() as patch:
            if tables is not None:
                patch.setattr(watching, "Tables", SimpleNamespace(of=tables))
            self._watching = Watching(
                buffer_bytes,
                DropPolicy(),
                container_sockets=container_sockets,
                resolves_names=resolves_names,
                pushes_down=True,
            )
        self._watching.gather_s = 0
        self._watching.prepare(rules)
        self._watching.open()
        self._batches = self._watching.batches()

    def replace(self, rules: RuleSet) -> None:
        """Have other rules from now on."""
        self.rules = rules
        self._watching.prepare(rules)

    def until(self, sentinel: str, between: Callable[[], None] = lambda: None) -> Iterator[LiveEvent]:
        """The events up to that in which a file of this name is opened, which is not among them.

        What else was drawn with it is lost. `between` is called between two batches.
        """
        end = time.monotonic() + SAFETY_S
        for batch in self._batches:
            for event in batch.events:
                if _asked_for(event) == sentinel:
                    for _ in batch.events:
                        pass
                    return
                yield event
            between()
            assert time.monotonic() < end, f"{sentinel} was not seen; the log tells whether events were lost"

    def alerts(self, event: LiveEvent) -> list[Alert]:
        """What the rules raise for an event."""
        self.drawn += 1
        found = self.rules.match(event, self._stream)
        return [(rule.name, rule.rendered(values)[0]) for rule, values in found]

    def more(self) -> Iterator[LiveEvent]:
        """Events as they come, for whoever waits for one; the test fails where it waits for too long."""
        end = time.monotonic() + SAFETY_S
        for batch in self._batches:
            yield from batch.events
            assert time.monotonic() < end, "what was waited for was not seen"

    def rest(self) -> Iterator[LiveEvent]:
        """Stop watching: the events up to then."""
        self._watching.stop()
        for batch in self._batches:
            yield from batch.events

    def figure(self, name: str) -> int | str:
        """One of those that the source counts."""
        return self._watching.figures()[name]

    def leaves_out(self, program: str) -> bool:
        """True for a program that this kernel has no place for."""
        return program in self._watching.left_out

    def close(self) -> None:
        """Take everything out of the kernel."""
        for _ in self.rest():
            pass


def _asked_for(event: LiveEvent) -> str | None:
    """The path that an opening call gives, as it stands there."""
    if event.name not in ("open", "openat"):
        return None
    raw = event.record.text(0 if event.name == "open" else 1)
    return None if raw is None else raw.decode("utf-8", "replace")


def is_of(event: LiveEvent, pid: int) -> bool:
    """True for an event of a process, or of one that it has made."""
    thread: Any = event.thread
    seen = set()
    while thread is not None and thread.tid not in seen:
        if thread.pid == pid:
            return True
        seen.add(thread.tid)
        thread = event.machine.threads.get(thread.ptid)
    return event.record.ppid == pid


Row = dict[str, str]


def row_of(event: LiveEvent, fields: Iterable[str]) -> Row:
    """What alerts would show of an event's type and of these fields."""
    return {name: shown(event, name) for name in ("evt.type", *fields)}


def seen(watch: Watch, actor: Actor, code: str, fields: Iterable[str]) -> tuple[list[Row], Any]:
    """(what alerts would show of these fields, for each event of an action; the action's result)."""
    sentinel = actor.begin(code)
    wanted = tuple(fields)
    rows = [row_of(event, wanted) for event in watch.until(sentinel) if is_of(event, actor.pid)]
    return rows, actor.answer()


def alerts_of(
    watches: Sequence[Watch], actor: Actor, code: str, names: Container[str] | None = None
) -> list[list[Alert]]:
    """The alerts that each of several watches raises for one action; `names` are the events that count."""
    sentinel = actor.begin(code)
    found = [
        [
            alert
            for event in watch.until(sentinel)
            if (names is None or event.name in names) and is_of(event, actor.pid)
            for alert in watch.alerts(event)
        ]
        for watch in watches
    ]
    actor.answer()
    return found
