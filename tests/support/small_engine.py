"""Engines of small sources."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from falcocore.alerts import AlertFormat
from falcocore.api import Batch, Output, Source
from falcocore.control.server import ControlServer
from falcocore.counters import Counters
from falcocore.engine import Engine
from falcocore.ruleset import RuleSet
from falcocore.runner import Runner
from falcocore.writer import Writer
from tests.support.small_sources import Idle, Journal, Noted, Word, runner_of
from tests.support.straight_writer import straight


def engine_of(
    sources: dict[str, Source],
    *outputs: Output,
    restart: Sequence[str] = (),
    rules: dict[str, RuleSet] | None = None,
    writers: list[Writer] | None = None,
    control: ControlServer | None = None,
) -> Engine:
    """An open engine of sources by instance name; its writer is added to `writers`."""
    engines: list[Engine] = []
    counters = Counters()
    delivering = straight(outputs, counters, lambda _reason: engines[0].stop(1))
    made = Writer(delivering.sink, AlertFormat("h"))
    runners: list[Runner] = [
        runner_of(source, made, counters, name=name, rules=(rules or {}).get(name))
        for name, source in sources.items()
    ]
    engines.append(Engine(runners, made, delivering, frozenset(restart), control))
    engines[0].open()
    if writers is not None:
        writers.append(made)
    return engines[0]


class Accepting(Idle):
    """When it is told to stop, there is still a batch that was accepted before."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal()

    async def batches(self) -> AsyncIterator[Batch]:
        async for batch in super().batches():
            yield batch
        yield Noted(1, [Word("hit accepted")], self.journal)
