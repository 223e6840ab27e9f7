"""One of the processes that share a source: it matches, and sends its alerts to the first process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from falcocore.alerts import AlertFormat
from falcocore.counters import Counters
from falcocore.errors import FalcocoreError
from falcocore.ruleset import RuleSet
from falcocore.runner import Runner
from falcocore.shard_messages import (
    Accepted,
    Counted,
    Failed,
    Message,
    Opened,
    Settled,
    Stop,
    close_stream,
    framed,
    read_message,
)
from falcocore.source import Source
from falcocore.stream import Stream
from falcocore.writer import Handover, rendered

log = logging.getLogger("falcocore.shards")

REPORT_S = 0.5
"""Seconds between two reports of what was counted."""
GONE = "falcocore has ended"
"""What senders are told whose alerts the first process did not take any more."""


@dataclass(frozen=True, slots=True)
class Shard:
    """What a process needs: everything was made before it was."""

    source: Source
    stream: Stream
    rules: RuleSet
    alert_format: AlertFormat

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.stream.instance

    def run_and_exit(self, first: socket.socket, number: int) -> NoReturn:
        """Run in the process that was just made, and end it; `first` leads to the first process."""
        status = 1
        try:
            # The first process says when to stop; a terminal sends its signals to all.
            for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
                signal.signal(ignored, signal.SIG_IGN)
            status = self._opened_and_run(first)
        except BaseException:
            log.exception("%s: process %d ended by an error", self.name, number)
        finally:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(status)

    def _opened_and_run(self, first: socket.socket) -> int:
        try:
            self.source.prepare(self.rules)
            self.source.open()
        except FalcocoreError as error:
            first.sendall(framed(Failed(error.message, error.hint)))
            return 1
        first.sendall(framed(Opened()))
        return asyncio.run(_Running(self).run(first))


class _Running:
    """The process at work."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self._counters = Counters()
        self._reported = Counters()
        self._stopped = False

    async def run(self, first: socket.socket) -> int:
        shard = self._shard
        reader, stream = await asyncio.open_connection(sock=first)
        remote = RemoteWriter(stream, shard.alert_format)
        runner = Runner(shard.source, shard.stream, shard.rules, remote, self._counters)
        listening = asyncio.create_task(self._listen(reader, remote), name="messages")
        reporting = asyncio.create_task(self._report_again(remote), name="reports")
        try:
            await runner.run()
        except Exception as error:
            remote.send(Failed(f"source {shard.name}: {error}"))
            return 1
        finally:
            reporting.cancel()
            self._report(remote)
            await remote.flush()
            listening.cancel()
            await close_stream(stream)
        return 0

    async def _listen(self, reader: asyncio.StreamReader, remote: RemoteWriter) -> None:
        while (message := await read_message(reader)) is not None:
            match message:
                case Settled(number, reason):
                    remote.settle(number, reason)
                case Stop():
                    self._shard.source.stop()
        remote.give_up(GONE)
        self._shard.source.stop()

    async def _report_again(self, remote: RemoteWriter) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            self._report(remote)

    def _report(self, remote: RemoteWriter) -> None:
        now, before = self._counters, self._reported
        failures = now.getter_failures - before.getter_failures
        report = Counted(
            now.events.total() - before.events.total(),
            now.rejected.total() - before.rejected.total(),
            dict(failures),
        )
        if report.events or report.rejected or failures:
            remote.send(report)
        before.events, before.rejected = Counter(now.events), Counter(now.rejected)
        before.getter_failures = Counter(now.getter_failures)


class RemoteWriter:
    """The writer of such a process: it makes the alerts, and the first process keeps them."""

    def __init__(self, stream: asyncio.StreamWriter, alert_format: AlertFormat) -> None:
        self._stream = stream
        self._format = alert_format
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._waiting: dict[int, Callable[[str | None], None]] = {}
        self._gone: str | None = None

    def submit(self, handover: Handover) -> None:
        """Hand matches over, from a source's thread."""
        asyncio.run_coroutine_threadsafe(self.submit_from_loop(handover), self._loop).result()

    async def submit_from_loop(self, handover: Handover) -> None:
        """Hand matches over; waits while the first process does not read."""
        alerts, unrendered = rendered(handover.matches, self._format)
        if self._gone is not None or not alerts:
            handover.done(unrendered or (self._gone if alerts else None))
            return
        self._number += 1
        self._waiting[self._number] = lambda reason: handover.done(unrendered or reason)
        self.send(Accepted(self._number, handover.acknowledged, alerts))
        await self.flush()

    def send(self, message: Message) -> None:
        """Send a message to the first process."""
        if not self._stream.is_closing():
            self._stream.write(framed(message))

    async def flush(self) -> None:
        """Wait until there is room for more."""
        try:
            await self._stream.drain()
        except ConnectionError:
            self.give_up(GONE)

    def settle(self, number: int, reason: str | None) -> None:
        """The first process says what became of a batch's alerts."""
        self._waiting.pop(number)(reason)

    def give_up(self, reason: str) -> None:
        """The first process is gone: nothing is safe that was not told to be."""
        self._gone = reason
        while self._waiting:
            self._waiting.popitem()[1](reason)
