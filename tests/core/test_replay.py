"""Sources run by tools: events one at a time, batches acknowledged, on a thread or on a loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from falcocore.errors import SourceError
from falcocore.replay import replay, stream_of
from falcocore.source import Batch, Source
from falcocore.stream import Stream


class Said(Batch):
    def __init__(self, source: _Source, numbers: list[int]) -> None:
        super().__init__(SimpleNamespace(time_ns=100 + n, key=str(n), source=source) for n in numbers)
        self.source = source

    def ack(self) -> None:
        self.source.log.append("ack")


class _Source(Source):
    name = "t"
    plugin_name = "tee"

    def __init__(self) -> None:
        self.log: list[str] = []

    def open(self) -> None:
        self.log.append("open")


class Plain(_Source):
    def batches(self) -> Iterator[Batch]:
        yield Said(self, [1, 2])
        yield Said(self, [3])


class Served(_Source):
    async def batches(self) -> AsyncIterator[Batch]:
        yield Said(self, [1, 2])
        yield Said(self, [3])


@pytest.mark.parametrize("kind", [Plain, Served])
def test_events_are_drawn_in_order_and_batches_acknowledged(kind: type[_Source]) -> None:
    source = kind()
    stream = stream_of(kind, "one", "host")

    def take(event: Any, given: Stream) -> None:
        assert given is stream
        source.log.append(f"{given.num}:{event.key}")

    replay(source, stream, take)
    assert source.log == ["open", "1:1", "2:2", "ack", "3:3", "ack"]
    assert (stream.plugin, stream.instance, stream.first_time_ns) == ("tee", "one", 101)


@pytest.mark.parametrize("kind", [Plain, Served])
def test_what_is_raised_ends_it(kind: type[_Source]) -> None:
    source = kind()

    def take(_event: Any, _stream: Stream) -> None:
        raise SourceError("enough")

    with pytest.raises(SourceError, match="enough"):
        replay(source, stream_of(kind, "one", "host"), take)
    assert source.log == ["open"]
