"""An engine in a process of its own, for tests of signals: `python -m tests.support.small_process MODE`.

Alerts are on stdout; log lines, and what was acknowledged, on stderr. Modes:

* lines: each line of stdin is a batch; after a signal one more comes, which was accepted before
* stubborn: the same, but the source does not end when it is told to
* failing: the same, and a second source fails; the first ends with the next line
* flood: alerts without end, whether it is told to stop or not
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import ClassVar

from falcocore import engine as engine_module
from falcocore.alerts import AlertFormat
from falcocore.api import Batch, Output, Source, SourceError
from falcocore.engine import Engine
from falcocore.writer import Writer
from falcocore_outputs.file import FileOutput
from falcocore_outputs.stdout import StdoutOutput
from tests.support.small_sources import Word, runner_of
from tests.support.straight_writer import straight


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Told(Batch):
    """Says what became of it."""

    __slots__ = ("number",)

    def __init__(self, number: int, word: str) -> None:
        super().__init__([Word(word, number)])
        self.number = number

    def ack(self) -> None:
        say(f"ack {self.number}")

    def nack(self, reason: str) -> None:
        say(f"nack {self.number}: {reason}")


class Lines(Source):
    """A batch for each line of stdin."""

    name: ClassVar[str] = "small"

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self.began = asyncio.Event()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def batches(self) -> AsyncIterator[Batch]:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        self.began.set()
        say("ready")
        stopped = asyncio.create_task(self._stopped.wait())
        for number in itertools.count(1):
            line = asyncio.create_task(reader.readline())
            waited_for = (line, stopped) if self._mode == "lines" else (line,)
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
            if not line.done():
                line.cancel()
                break
            yield Told(number, line.result().decode().strip())
            if self._mode == "failing":
                break
        if self._mode == "lines":
            yield Told(number, "hit last")


class Failing(Source):
    """Fails as soon as another source has begun."""

    name: ClassVar[str] = "small"

    def __init__(self, other: Lines) -> None:
        self._other = other

    async def batches(self) -> AsyncIterator[Batch]:
        await self._other.began.wait()
        yield Batch([])
        raise SourceError("it is broken")


class Flood(Source):
    """A batch is always there, and it does not stop."""

    name: ClassVar[str] = "small"

    def batches(self) -> Iterator[Batch]:
        say("ready")
        for number in itertools.count(1):
            yield Batch([Word("hit" * 100, number)])


class NotedWriter(Writer):
    """Says when it was asked to reopen."""

    def reopen_outputs(self) -> None:
        super().reopen_outputs()
        say("reopen")


def main(mode: str, file: str | None = None) -> int:
    """Run the engine; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    outputs: list[Output] = [FileOutput(filename=str(Path(file))) if file else StdoutOutput()]
    engines: list[Engine] = []
    delivering = straight(outputs, on_gone=lambda _reason: engines[0].stop(1))
    writer = NotedWriter(delivering.sink, AlertFormat("h"))
    lines = Lines(mode)
    sources: list[Source] = [lines]
    if mode == "failing":
        sources.append(Failing(lines))
    if mode == "flood":
        sources = [Flood()]
        engine_module.DRAIN_S = 0.05
    engines.append(Engine([runner_of(source, writer) for source in sources], writer, delivering))
    engines[0].open()
    return asyncio.run(engines[0].run())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
