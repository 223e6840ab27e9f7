"""System calls of this machine as they happen: records are drawn from the kernel and become events."""

from __future__ import annotations

import logging
import os
import platform
import select
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from falcocore.api import Batch, ConfigError, Progress, SourceError
from falcocore_syscall.host_names import WAIT_S, watch_names
from falcocore_syscall.live.accounts import LiveAccounts
from falcocore_syscall.live.calls.table import Calls
from falcocore_syscall.live.capture import Capture
from falcocore_syscall.live.drops import DropPolicy, DropWatch
from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.items import RecordError
from falcocore_syscall.live.machine import LiveMachine
from falcocore_syscall.live.proc import Proc
from falcocore_syscall.live.record import Record, RecordKind
from falcocore_syscall.live.runtimes.lookup import Runtimes
from falcocore_syscall.live.runtimes.sockets import DEFAULT_SOCKETS
from falcocore_syscall.live.tables import Tables
from falcocore_syscall.state.names import HostNames

if TYPE_CHECKING:
    from falcocore.toolkit import RuleSet
    from falcocore_syscall.live.threads import LiveThread

log = logging.getLogger("falcocore.syscall")

IDLE_S = 1.0
"""How long a wait for records lasts at most: batches that wait to be acknowledged are not held up longer."""
GATHER_S = 0.02
"""After a wake-up, so that what comes in a burst is drawn in one go: waking costs more than many records."""
CLOCK_STEP_NS = 1_000_000
"""A difference of the clocks beyond this is a step of the time of day."""
_RUNTIMES_S = 1.0
"""How long the start waits for what runtimes tell of the containers that are there."""
_LEAST_BUFFER_BYTES = 1 << 16


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
        if buffer_bytes < _LEAST_BUFFER_BYTES or buffer_bytes & (buffer_bytes - 1):
            raise ConfigError(
                f"source syscall: buffer_mb is {buffer_bytes >> 20}",
                hint="give a power of two: 1, 2, 4, 8, ...",
            )
        self._capture = Capture(buffer_bytes)
        self._drops = DropWatch(drops)
        self._names = HostNames()
        self._resolves_names = resolves_names
        self._tables = Tables.of if pushes_down else Tables.whole
        self._runtimes = Runtimes(DEFAULT_SOCKETS if container_sockets is None else container_sockets)
        self._calls = Calls(platform.machine())
        self._rules: RuleSet | None = None
        self._shown: frozenset[int] = frozenset()
        self._machine: LiveMachine | None = None
        self._accounts: LiveAccounts | None = None
        self._num = 0
        self._stopped = False
        self._wake_reader, self._wake_writer = os.pipe()
        self.rejected = 0
        """Records that contradict themselves."""

    def prepare(self, rules: RuleSet) -> None:
        """Learn the rules; where the capture runs already, the kernel learns them too.

        Raises:
            SourceError: the kernel does not take what was made of them.
        """
        self._rules = rules
        self._shown = _shown(rules)
        if self._resolves_names:
            watch_names(self._names, rules)
        if self._machine is not None:
            self._capture.replace(self._tables(rules))

    def open(self) -> None:
        """Attach first, then take the processes that are there: what begins in between is in the buffer.

        Raises:
            SourceError: this machine can't be watched; the message names what is missing.
        """
        if self._rules is None:
            raise SourceError("source syscall: no rules were given to it")
        self._capture.start(self._tables(self._rules))
        proc = Proc()
        self._machine = machine = LiveMachine(proc, _offset_ns(), self._met, self._names)
        self._accounts = machine.accounts = LiveAccounts(proc.host_root or "/", proc.root)
        for record in proc.machine_records():
            machine.load(record)
        machine.start_with(proc.threads())
        self._runtimes.wait(_RUNTIMES_S)

    def _met(self, thread: LiveThread) -> None:
        container = thread.container_id
        if thread.cgroup:
            self._capture.learn_place(thread.cgroup, is_container=bool(container))
        if container:
            self._runtimes.ask(container, thread.cgroups)
            if self._accounts is not None:
                self._accounts.met(container, thread.pid)

    def batches(self) -> Iterator[Batch]:
        """Yield what there is, at least an empty batch each second.

        Raises:
            SourceError: records were lost, and the configuration ends the source then.
        """
        if not self._names.wait(WAIT_S):
            log.warning("source syscall: not all host names were found yet; fields fd.*.name lack some")
        poller = select.poll()
        for descriptor in (self._capture.fileno(), self._wake_reader):
            poller.register(descriptor, select.POLLIN)
        try:
            while not self._stopped:
                if not self._capture.has_more() and poller.poll(IDLE_S * 1000):
                    time.sleep(GATHER_S)
                self._keep_time()
                yield self._batch()
            # What has happened before the end is told.
            self._capture.detach()
            while self._capture.has_more():
                yield self._batch()
        finally:
            self._runtimes.stop()
            self._names.stop()
            self._capture.close()

    def _batch(self) -> Batch:
        batch = Batch(())
        batch.events = self._events(batch)
        return batch

    def _keep_time(self) -> None:
        machine = self._machine
        offset_ns = _offset_ns()
        if machine is not None and abs(offset_ns - machine.offset_ns) > CLOCK_STEP_NS:
            machine.offset_ns = offset_ns

    def _events(self, batch: Batch) -> Iterator[LiveEvent]:
        machine = self._machine
        if machine is None:
            return
        self._runtimes.deliver(machine.containers)
        for data, offset in self._capture.drain():
            try:
                record = Record(data, offset)
                thread = machine.take(record)
            except RecordError as error:
                self.rejected += 1
                if self.rejected == 1:
                    log.warning("source syscall: a record of the kernel program can't be read: %s", error)
                continue
            call = self._calls.of(record) if thread is not None and record.kind in self._shown else None
            if call is not None:
                self._num += 1
                event = LiveEvent(record, call, record.time_ns + machine.offset_ns, self._num)
                event.machine, event.thread = machine, thread
                yield event
        batch.notices = self._drops.look(self._capture.dropped(), self._num, time.monotonic())

    def stop(self) -> None:
        """End after what is being drawn."""
        self._stopped = True
        os.write(self._wake_writer, b"\0")

    def banner(self) -> str:
        """What is watched."""
        return f"watching {os.uname().nodename}, Linux {os.uname().release}"

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


def _offset_ns() -> int:
    """What the clock of records, which counts from boot, is behind the time of day."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
