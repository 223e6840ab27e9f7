"""System calls of this machine as they happen: records are drawn from the kernel and become events."""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from falcocore.api import Batch, Circumstances, Finding, Progress, SourceError
from falcocore_syscall.host_names import WAIT_S, watch_names
from falcocore_syscall.live.capture import Capture
from falcocore_syscall.live.diagnosis import findings
from falcocore_syscall.live.drops import DropPolicy, DropWatch
from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.observation import Observation
from falcocore_syscall.live.record import RecordKind
from falcocore_syscall.live.runtimes.lookup import Runtimes
from falcocore_syscall.live.runtimes.sockets import DEFAULT_SOCKETS
from falcocore_syscall.live.tables import Tables
from falcocore_syscall.state.names import HostNames

if TYPE_CHECKING:
    from falcocore.toolkit import RuleSet

log = logging.getLogger("falcocore.syscall")

IDLE_S = 1.0
"""How long a wait for records lasts at most: batches that wait to be acknowledged are not held up longer."""
GATHER_S = 0.1
GATHERED_BYTES = 1 << 17
"""Behind each batch it waits so long, unless so much is there already: to wake up costs more than many
records do, as others have had the processor's caches since. An alert comes so much later at the most."""
_SENSITIVE = "/etc/shadow"


class Watching:
    """Watches this machine for one set of rules at a time."""

    def __init__(
        self,
        buffer_bytes: int,
        drops: DropPolicy,
        *,
        container_sockets: Sequence[str] | None,
        resolves_names: bool,
        pushes_down: bool,
    ) -> None:
        self._capture = Capture(buffer_bytes)
        self._drops = DropWatch(drops)
        self._names = HostNames()
        self._resolves_names = resolves_names
        self._tables = Tables.of if pushes_down else Tables.whole
        self._buffer_bytes = buffer_bytes
        self._sockets = DEFAULT_SOCKETS if container_sockets is None else container_sockets
        self._runtimes = Runtimes(self._sockets)
        self._rules: RuleSet | None = None
        self._shown: frozenset[int] = frozenset()
        self._observation: Observation | None = None
        self._sent = ""
        self._stopped = False
        self._wake_reader, self._wake_writer = os.pipe()
        self.gather_s = GATHER_S
        """0 for who waits for each event."""

    @property
    def rejected(self) -> int:
        """Records that contradict themselves."""
        return 0 if self._observation is None else self._observation.rejected

    @property
    def left_out(self) -> tuple[str, ...]:
        """Kernel programs that this kernel has no place for."""
        return self._capture.left_out

    def prepare(self, rules: RuleSet) -> None:
        """Learn the rules; where the capture runs already, the kernel learns them too.

        Raises:
            SourceError: the kernel does not take what was made of them.
        """
        self._rules = rules
        self._shown = _shown(rules)
        if self._resolves_names:
            watch_names(self._names, rules)
        if self._observation is not None:
            self._sent = self._capture.replace(lambda: self._tables(rules)).sent

    def open(self) -> None:
        """Attach first, then take the processes that are there: what begins in between is in the buffer.

        Raises:
            SourceError: this machine can't be watched; the message names what is missing.
        """
        if self._rules is None:
            raise SourceError("source syscall: no rules were given to it")
        tables = self._tables(self._rules)
        self._observation = Observation.start(self._capture, tables, self._runtimes, self._names)
        self._sent = tables.sent

    def batches(self) -> Iterator[Batch]:
        """Yield what there is, at least an empty batch each second.

        Raises:
            SourceError: records were lost, and the configuration ends the source then.
        """
        if not self._names.wait(WAIT_S):
            log.warning("source syscall: not all host names were found yet; fields fd.*.name lack some")
        something, the_end = select.poll(), select.poll()
        something.register(self._capture.fileno(), select.POLLIN)
        for poller in (something, the_end):
            poller.register(self._wake_reader, select.POLLIN)
        try:
            while not self._stopped:
                is_there = self._capture.pending_bytes or something.poll(IDLE_S * 1000)
                yield self._batch()
                if is_there and self._capture.pending_bytes < GATHERED_BYTES:
                    the_end.poll(self.gather_s * 1000)
            # What has happened before the end is told.
            self._capture.detach()
            while self._capture.pending_bytes:
                yield self._batch()
            if self._observation is not None:
                yield Batch(self._observation.rest(self._shown))
        finally:
            self._names.stop()
            if self._observation is not None:
                self._observation.close()

    def _batch(self) -> Batch:
        batch = Batch(())
        batch.events = self._events(batch)
        return batch

    def _events(self, batch: Batch) -> Iterator[LiveEvent]:
        observation = self._observation
        if observation is None:
            return
        observation.catch_up()
        yield from observation.events(self._shown)
        batch.notices = self._drops.look(self._capture.dropped, observation.num, time.monotonic())

    def stop(self) -> None:
        """End after what is being drawn."""
        self._stopped = True
        os.write(self._wake_writer, b"\0")

    def banner(self) -> str:
        """What is watched."""
        return f"watching {os.uname().nodename}, Linux {os.uname().release}"

    def next_step(self) -> str | None:
        """What raises an alert, where the rules are such as the bundled ones."""
        if self._rules is None or not self._rules.can_match({"evt.type": "openat", "fd.name": _SENSITIVE}):
            return None
        return f"To see an alert: sudo cat {_SENSITIVE}"

    def figures(self) -> Mapping[str, int | str]:
        """What it counts."""
        observation = self._observation
        if observation is None:
            return {}
        containers, machine = self._runtimes.statistics(), observation.machine
        return {
            "events drawn": observation.num,
            "records lost": self._capture.dropped(),
            "records cut short": observation.cut,
            "threads": len(machine.threads),
            "threads never told of": machine.unknown,
            "containers asked for": containers.asked,
            "containers answered": containers.answered,
            "containers that no runtime knew": containers.unknown,
            "runtimes without an answer": containers.errors,
            "container fields read too early": machine.containers.missed,
            "system calls the kernel sends": self._sent,
        }

    def diagnose(self, circumstances: Circumstances) -> Iterable[Finding]:
        """Whether this machine can be watched."""
        return findings(self._buffer_bytes, self._sockets, circumstances)

    def progress(self) -> Progress | None:
        """There is no end to it."""
        return None


def _shown(rules: RuleSet) -> frozenset[int]:
    """The kinds of records that rules may match; the others only tell of the state."""
    shown = {RecordKind.CALL}
    if rules.can_match({"evt.type": "execve"}):
        shown.add(RecordKind.EXEC)
    if rules.can_match({"evt.type": "procexit"}):
        shown.add(RecordKind.EXIT)
    return frozenset(shown)
