"""A source run by a tool: each event goes to a function, and nothing is put out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from falcocore.source import Batch, Source
from falcocore.stream import Stream

Take = Callable[[Any, Stream], None]
"""Is given an event and its stream, before the source draws the next event."""


def replay(source: Source, stream: Stream, take: Take) -> None:
    """Open a source and draw its events to the end, one at a time; every batch is acknowledged.

    Raises:
        SourceError: the source can't be opened, or breaks while it is read.
    """
    source.open()
    batches = source.batches()
    if isinstance(batches, AsyncIterator):
        asyncio.run(_replay_on_loop(batches, stream, take))
        return
    for batch in batches:
        _draw(batch, stream, take)


async def _replay_on_loop(batches: AsyncIterator[Batch], stream: Stream, take: Take) -> None:
    async for batch in batches:
        _draw(batch, stream, take)
        await asyncio.sleep(0)  # A server that always has a batch ready has requests to answer as well.


def _draw(batch: Batch, stream: Stream, take: Take) -> None:
    draw(batch.events, stream, take)
    batch.ack()


def draw(events: Iterable[Any], stream: Stream, take: Take) -> None:
    """Draw events one at a time, and count them in their stream."""
    for event in events:
        stream.num += 1
        if stream.first_time_ns is None:
            stream.first_time_ns = event.time_ns
        take(event, stream)


def stream_of(source: type[Source], instance: str, hostname: str) -> Stream:
    """A new stream of a source."""
    return Stream(source.name, instance, source.plugin_name or source.name, hostname)
