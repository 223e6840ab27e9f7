"""One source in several processes, for more than one core; the writer stays in the first.

Each process is a copy of this one, made before anything runs: it has the rules, opens the source, matches,
and makes alerts. The alerts come here by a pair of sockets, and the batch is acknowledged there when they
are safe here. Whatever ends the first process ends the others, whose sockets are closed then.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from falcocore.counters import Counters
from falcocore.errors import SourceError
from falcocore.ruleset import RuleSet
from falcocore.shard import Shard
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
    receive_message,
)
from falcocore.source import Progress
from falcocore.threads import call_on
from falcocore.writer import Handover, Writer

log = logging.getLogger("falcocore.shards")


@dataclass(slots=True)
class _Process:
    pid: int
    socket: socket.socket
    stream: asyncio.StreamWriter | None = None
    failure: str | None = None

    def send(self, message: Message) -> None:
        """Send a message, from the event loop; one to a process that has ended goes nowhere."""
        if self.stream is not None and not self.stream.is_closing():
            self.stream.write(framed(message))


class ShardedRunner:
    """Runs a source in several processes; to the engine it is a runner, and its own source."""

    def __init__(self, shard: Shard, count: int, writer: Writer, counters: Counters) -> None:
        self._shard = shard
        self.rules = shard.rules
        self._count = count
        self._writer = writer
        self._counters = counters
        self._processes: list[_Process] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    @property
    def name(self) -> str:
        """The instance's name."""
        return self._shard.name

    @property
    def source(self) -> ShardedRunner:
        """What the engine opens and stops."""
        return self

    # --- as a source ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Make the processes; returns when the source is open in each of them.

        Raises:
            SourceError: it could not be opened in one.
        """
        if self._loop is not None:  # A process with threads can't be copied safely.
            raise SourceError(f"source {self.name}: its processes are only made when falcocore starts")
        self._shard.source.reserve()
        for number in range(1, self._count + 1):
            ours, theirs = socket.socketpair()
            pid = os.fork()
            if pid == 0:
                ours.close()
                for other in self._processes:
                    other.socket.close()
                self._shard.run_and_exit(theirs, number)
            theirs.close()
            self._processes.append(_Process(pid, ours))
        for process in self._processes:
            match receive_message(process.socket):
                case Opened():
                    continue
                case Failed(message, hint):
                    self._abandon()
                    raise SourceError(message, hint=hint)
                case _:
                    self._abandon()
                    raise SourceError(f"source {self.name}: a process of it ended before it was open")

    def _abandon(self) -> None:
        for process in self._processes:
            process.socket.close()
        for process in self._processes:
            os.waitpid(process.pid, 0)
        self._processes.clear()

    def banner(self) -> str:
        """What the source does, and in how many processes."""
        return f"{self._shard.source.banner()} in {self._count} processes"

    @property
    def rejected(self) -> int:
        """Items that no process could use."""
        return self._counters.rejected[self.name]

    def doubts(self, events: int, rules: RuleSet) -> str | None:
        """The source's, where nothing came; what came is known to the processes only."""
        return None if events else self._shard.source.doubts(events, rules)

    def figures(self) -> Mapping[str, int | str]:
        """None: each of the processes has its own."""
        return {}

    def next_step(self) -> str | None:
        """The source's."""
        return self._shard.source.next_step()

    def progress(self) -> Progress | None:
        """None: a source with an end is not run in several processes."""
        return None

    def stop(self) -> None:
        """Have every process take nothing new, finish, and end; from any thread."""
        self._stopping = True
        if self._loop is not None:
            call_on(self._loop, self._send_stop)

    def _send_stop(self) -> None:
        for process in self._processes:
            process.send(Stop())

    # --- as a runner ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take alerts from the processes until all have ended.

        Raises:
            SourceError: one ended that was not told to.
        """
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            for number, process in enumerate(self._processes, 1):
                tasks.create_task(self._take(process, number), name=f"{self.name} process {number}")
        failures = [process.failure for process in self._processes if process.failure is not None]
        self._processes.clear()
        if failures:
            raise SourceError(failures[0])

    async def _take(self, process: _Process, number: int) -> None:
        reader, process.stream = await asyncio.open_connection(sock=process.socket)
        if self._stopping:
            process.send(Stop())
        while (message := await read_message(reader)) is not None:
            match message:
                case Accepted():
                    await self._accept(process, message)
                case Counted():
                    self._count_up(message)
                case Failed(said):
                    process.failure = said
        await close_stream(process.stream)
        _, status = await asyncio.to_thread(os.waitpid, process.pid, 0)
        if not self._stopping:
            ended = f"source {self.name}: process {number} of {self._count} ended, status {status}"
            process.failure = process.failure or ended
            self.stop()  # The others too: what fails is the source.

    async def _accept(self, process: _Process, message: Accepted) -> None:
        loop = asyncio.get_running_loop()

        def done(reason: str | None) -> None:
            call_on(loop, process.send, Settled(message.number, reason))

        await self._writer.submit_from_loop(Handover(message.alerts, done, message.acknowledged))

    def _count_up(self, counted: Counted) -> None:
        self._counters.events[self.name] += counted.events
        self._counters.rejected[self.name] += counted.rejected
        self._counters.getter_failures.update(counted.failures)
