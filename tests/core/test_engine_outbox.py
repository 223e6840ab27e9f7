"""The end of an engine whose alerts go by way of the outbox."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from falcocore import engine as engine_module
from falcocore.alerts import AlertFormat
from falcocore.api import Alert, Batch, Output, OutputGone, Source
from falcocore.config.settings import OutboxSettings
from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.engine import Engine
from falcocore.outbox.delivering import ByOutbox
from falcocore.writer import Writer
from tests.support.small_engine import Accepting
from tests.support.small_sources import InThread, Kept, OnLoop, Word, batches_of, runner_of

SEND_S = 0.05
COUNT = 20


class Slow(Kept):
    """Takes one alert at a time, and its time for it."""

    max_batch = 1

    async def send(self, alerts: Sequence[Alert]) -> None:
        await asyncio.sleep(SEND_S)
        await super().send(alerts)


def engine_by_outbox(folder: Path, source: Source, output: Output) -> Engine:
    counters = Counters()
    engines: list[Engine] = []
    delivering = ByOutbox(
        OutboxSettings(path=folder), [Destination("o", output)], counters, lambda _reason: engines[0].stop(1)
    )
    writer = Writer(delivering.sink, AlertFormat("h"))
    engines.append(Engine([runner_of(source, writer, counters)], writer, delivering))
    engines[0].open()
    return engines[0]


def hits(kind: type[InThread] | type[OnLoop]) -> Source:
    return kind(batches_of(*[[f"hit{number}"] for number in range(COUNT)]))


MESSAGES = [f"word=hit{number}" for number in range(COUNT)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")
    # Shorter than all deliveries together, longer than one.
    monkeypatch.setattr(engine_module, "DRAIN_S", SEND_S * COUNT / 3)


@pytest.mark.parametrize("kind", [InThread, OnLoop])
def test_the_natural_end_waits_as_long_as_something_is_delivered(
    kind: type[InThread] | type[OnLoop], tmp_path: Path
) -> None:
    output = Slow()
    assert asyncio.run(engine_by_outbox(tmp_path, hits(kind), output).run()) == 0
    assert output.messages == MESSAGES


def test_an_engine_that_is_told_to_stop_while_it_waits_leaves_the_rest_for_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output, source = Slow(), hits(OnLoop)
    engine = engine_by_outbox(tmp_path, source, output)

    async def run() -> int:
        running = asyncio.create_task(engine.run())
        while not output.messages:  # noqa: ASYNC110 - it is another thread that delivers
            await asyncio.sleep(0.001)
        engine.stop()
        return await running

    assert asyncio.run(run()) == 0
    left = COUNT - len(output.messages)
    assert left > 0
    assert f"output o: {left} alerts wait in the outbox for the next start" in caplog.text
    again = Kept()
    assert asyncio.run(engine_by_outbox(tmp_path, InThread(batches_of()), again).run()) == 0
    assert output.messages + again.messages == MESSAGES


def test_a_receiver_that_is_gone_for_good_ends_the_engine(tmp_path: Path) -> None:
    class Gone(Kept):
        async def send(self, _alerts: Sequence[Alert]) -> None:
            raise OutputGone("closed")

    class Waiting(Accepting):
        """Has an alert at once, and then waits until it is told to stop."""

        async def batches(self) -> AsyncIterator[Batch]:
            yield Batch([Word("hit")])
            async for batch in super().batches():
                yield batch

    assert asyncio.run(engine_by_outbox(tmp_path, Waiting(), Gone()).run()) == 1
