"""This machine as the kernel program tells of it: records bring the state up, and become events."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Collection, Iterable, Iterator

from falcocore.api import SourceError
from falcocore_syscall.live.accounts import LiveAccounts
from falcocore_syscall.live.bpf.support import other_processes
from falcocore_syscall.live.calls.table import Calls
from falcocore_syscall.live.capture import Capture
from falcocore_syscall.live.diagnosis import explained
from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.first_record import await_own_record
from falcocore_syscall.live.items import RecordError
from falcocore_syscall.live.machine import LiveMachine
from falcocore_syscall.live.proc import Proc
from falcocore_syscall.live.procfs.accounts import read_accounts
from falcocore_syscall.live.procfs.machine import boot_time_ns
from falcocore_syscall.live.procfs.processes import FoundThread
from falcocore_syscall.live.pushdown.lookups import MARKS
from falcocore_syscall.live.record import FLAGS, Record, RecordFlag
from falcocore_syscall.live.requests import OF_REQUEST, Requests
from falcocore_syscall.live.runtimes.lookup import Runtimes
from falcocore_syscall.live.tables import Tables
from falcocore_syscall.live.threads import LiveThread, raw_of
from falcocore_syscall.scap import records as lists
from falcocore_syscall.scap.records import FdListRecord, FdRecord, GroupRecord, UserRecord
from falcocore_syscall.state.names import HostNames

log = logging.getLogger("falcocore.syscall")

CLOCK_STEP_NS = 1_000_000
"""A difference of the clocks beyond this is a step of the time of day."""
_RUNTIMES_S = 1.0
"""How long the start waits for what runtimes tell of the containers that are there."""
_STANDARD_FDS = range(3)
_UNUSUAL = OF_REQUEST | RecordFlag.TRUNCATED

Tell = Callable[[lists.Record], None]
"""Takes a list of what was there at the start, as captures begin with them."""


class Observation:
    """A capture that runs, and the machine that it tells of."""

    def __init__(self, capture: Capture, runtimes: Runtimes, names: HostNames) -> None:
        """Of a capture that was started; `begin` has to follow."""
        self.capture = capture
        self.runtimes = runtimes
        self._proc = proc = Proc()
        self.machine = LiveMachine(proc, boot_time_ns(), self._met, capture.forget_program, names)
        self.accounts = LiveAccounts(proc.host_root or "/", proc.root)
        self.machine.accounts = self.accounts
        self._calls = Calls(platform.machine())
        self._early: list[Record] = []
        self._requests = Requests()
        self.num = 0
        """Of the last event."""
        self.rejected = 0
        """Records that contradict themselves."""
        self.cut = 0
        """Records that had no room for all that there was to tell."""

    @classmethod
    def start(
        cls, capture: Capture, tables: Tables, runtimes: Runtimes, names: HostNames, tell: Tell | None = None
    ) -> Observation:
        """Attach first, then take the processes that are there: what begins in between is in the buffer.

        Raises:
            SourceError: this machine can't be watched; the message names what is missing.
        """
        try:
            capture.start(tables)
        except SourceError as error:
            raise explained(error) from error
        degraded = other_processes()
        if degraded.remedy:
            log.warning("source syscall: %s", degraded.detail)
        try:
            observation = cls(capture, runtimes, names)
            observation.begin(tell)
        except OSError as error:
            capture.close()
            raise SourceError(f"source syscall: /proc can't be read: {error}") from None
        except BaseException:
            capture.close()
            raise
        return observation

    def begin(self, tell: Tell | None = None) -> None:
        """See that records arrive, and take what is there; `tell` is told of it, too."""
        self._early = await_own_record(self.capture)
        for record in self._proc.machine_records():
            self.machine.load(record)
            if tell is not None:
                tell(record)
        if tell is not None:
            tell(read_accounts(self._proc.host_root or "/"))
        threads: Iterable[FoundThread] = self._proc.threads()
        if tell is not None:
            threads = list(threads)
            tell([found.record for found in threads])
            for found in threads:
                if found.record.tid == found.record.pid:
                    tell(FdListRecord(found.record.tid, self._fds_of(found.record.pid)))
        self.machine.start_with(threads)
        for thread in self.machine.threads.values():
            if isinstance(thread, LiveThread) and thread.is_main:
                marks = sum(1 << bit for bit, mark in enumerate(MARKS) if getattr(thread, mark))
                self.capture.learn_program(
                    thread.pid, thread.start_ns, raw_of(thread.comm), raw_of(thread.exe), marks
                )
        self.runtimes.wait(_RUNTIMES_S)

    def _fds_of(self, pid: int) -> list[FdRecord]:
        """The descriptors of a process; of this one, whose calls are not told, those that children get."""
        fds = self._proc.read_fds(pid)
        return fds if pid != self.capture.own_pid else [fd for fd in fds if fd.fd in _STANDARD_FDS]

    def _met(self, thread: LiveThread) -> None:
        container = thread.container_id
        if thread.cgroup:
            self.capture.learn_place(thread.cgroup, is_container=bool(container))
        if container:
            self.runtimes.ask(container, thread.cgroups)
            self.accounts.met(container, thread.pid)

    def accounts_of(self, thread: LiveThread) -> list[UserRecord | GroupRecord]:
        """Users and groups as a process sees them, which in a container are the container's."""
        return read_accounts(f"{self._proc.root}/{thread.pid}/root")

    def catch_up(self) -> list[bytes]:
        """Take what has become known beside the records: the time of day, containers.

        Returns:
            what was told of containers, as the JSON that events of captures carry.
        """
        offset_ns = boot_time_ns()
        if abs(offset_ns - self.machine.offset_ns) > CLOCK_STEP_NS:
            self.machine.offset_ns = offset_ns
        return self.runtimes.deliver(self.machine.containers)

    def events(self, shown: Collection[int]) -> Iterator[LiveEvent]:
        """The events of one drain of the buffer, of these kinds of records, each after the state is at it."""
        now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        yield from self._events_of(self._records(), shown)
        if not self.capture.pending_bytes:
            yield from self._events_of(self._requests.late(now_ns), shown)

    def rest(self, shown: Collection[int]) -> Iterator[LiveEvent]:
        """The events that have waited to be complete, when nothing more comes."""
        yield from self._events_of(self._requests.rest(), shown)

    def _events_of(self, records: Iterable[Record], shown: Collection[int]) -> Iterator[LiveEvent]:
        machine = self.machine
        for record in records:
            try:
                thread = machine.take(record)
            except RecordError as error:
                self._reject(error)
                continue
            call = self._calls.of(record) if thread is not None and record.kind in shown else None
            if call is not None:
                self.num += 1
                event = LiveEvent(record, call, record.time_ns + machine.offset_ns, self.num)
                event.machine, event.thread = machine, thread
                yield event

    def _records(self) -> Iterator[Record]:
        early, self._early = self._early, []
        waiting, overdue = self._requests.waiting, self._requests.overdue
        for record in early:
            yield from self._settled(record)
        for data, offset in self.capture.drain():
            try:
                record = Record(data, offset)
            except RecordError as error:
                self._reject(error)
                continue
            if waiting or overdue or record.head[FLAGS] & _UNUSUAL:
                yield from self._settled(record)
            else:
                yield record

    def _settled(self, record: Record) -> list[Record]:
        if record.flags & RecordFlag.TRUNCATED:
            self.cut += 1
        try:
            return self._requests.settle(record)
        except RecordError as error:
            self._reject(error)
            return []

    def _reject(self, error: RecordError) -> None:
        self.rejected += 1
        if self.rejected == 1:
            log.warning("source syscall: a record of the kernel program can't be read: %s", error)

    def close(self) -> None:
        """Ask nobody any more, and take everything out of the kernel."""
        self.runtimes.stop()
        self.capture.close()
