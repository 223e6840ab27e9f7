"""System calls of this machine as they happen: records are drawn from the kernel and become events."""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from falcocore.api import Batch, SourceError
from falcocore_syscall.live.accounts import LiveAccounts
from falcocore_syscall.live.capture import Capture
from falcocore_syscall.live.machine import LiveMachine
from falcocore_syscall.live.proc import Proc
from falcocore_syscall.live.record import Record, RecordError
from falcocore_syscall.live.tables import Tables
from falcocore_syscall.state.names import HostNames

if TYPE_CHECKING:
    from falcocore.toolkit import RuleSet
    from falcocore_syscall.live.drops import DropWatch
    from falcocore_syscall.live.event import LiveEvent
    from falcocore_syscall.live.threads import LiveThread

log = logging.getLogger("falcocore.syscall")

IDLE_S = 1.0
"""How long a wait for records lasts at most: batches that wait to be acknowledged are not held up longer."""
GATHER_S = 0.004
"""After a wake-up, so that what comes in a burst is drawn in one go."""
CLOCK_STEP_NS = 1_000_000
"""A difference of the clocks beyond this is a step of the time of day."""


class Watching:
    """Watches this machine for one set of rules at a time."""

    def __init__(self, buffer_bytes: int, names: HostNames, drops: DropWatch) -> None:
        self._capture = Capture(buffer_bytes)
        self._names = names
        self._drops = drops
        self._rules: RuleSet | None = None
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
        if self._machine is not None:
            self._capture.replace(Tables.of(rules))

    def open(self) -> None:
        """Attach first, then take the processes that are there: what begins in between is in the buffer.

        Raises:
            SourceError: this machine can't be watched; the message names what is missing.
        """
        if self._rules is None:
            raise SourceError("source syscall: no rules were given to it")
        self._capture.start(Tables.of(self._rules))
        proc = Proc()
        self._machine = machine = LiveMachine(proc, _offset_ns(), self._met, self._names)
        self._accounts = machine.accounts = LiveAccounts(proc.host_root or "/", proc.root)
        for record in proc.machine_records():
            machine.load(record)
        machine.start_with(proc.threads())

    def _met(self, thread: LiveThread) -> None:
        container = thread.container_id
        self._capture.learn_place(thread.cgroup, is_container=bool(container))
        if container and self._accounts is not None:
            self._accounts.met(container, thread.pid)

    def batches(self) -> Iterator[Batch]:
        """Yield what there is, at least an empty batch each second.

        Raises:
            SourceError: records were lost, and the configuration ends the source then.
        """
        poller = select.poll()
        for descriptor in (self._capture.fileno(), self._wake_reader):
            poller.register(descriptor, select.POLLIN)
        try:
            while not self._stopped:
                if not self._capture.has_more() and poller.poll(IDLE_S * 1000):
                    time.sleep(GATHER_S)
                self._keep_time()
                yield Batch(self._events())
                self._drops.look(self._capture.dropped(), self._num)
        finally:
            self._capture.close()

    def _keep_time(self) -> None:
        machine = self._machine
        offset_ns = _offset_ns()
        if machine is not None and abs(offset_ns - machine.offset_ns) > CLOCK_STEP_NS:
            machine.offset_ns = offset_ns

    def _events(self) -> Iterator[LiveEvent]:
        machine = self._machine
        if machine is None:
            return
        for data, offset in self._capture.drain():
            try:
                event = machine.take(Record(data, offset), self._num + 1)
            except RecordError as error:
                self.rejected += 1
                if self.rejected == 1:
                    log.warning("source syscall: a record of the kernel program can't be read: %s", error)
                continue
            if event is not None:
                self._num += 1
                yield event

    def stop(self) -> None:
        """End after what is being drawn."""
        self._stopped = True
        os.write(self._wake_writer, b"\0")


def _offset_ns() -> int:
    """What the clock of records, which counts from boot, is behind the time of day."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
