"""The state of one machine, brought up to each event before rules see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from falcocore_syscall.event import Event
from falcocore_syscall.scap.records import FdListRecord, MachineRecord, Record, ThreadRecord
from falcocore_syscall.state import credentials, descriptors, files, metadata, processes, snapshot, sockets
from falcocore_syscall.state.accounts import Accounts
from falcocore_syscall.state.containers import Containers
from falcocore_syscall.state.fds import Fd
from falcocore_syscall.state.interfaces import Interfaces
from falcocore_syscall.state.journal import Journal
from falcocore_syscall.state.names import HostNames
from falcocore_syscall.state.threads import Thread, ThreadTable
from falcocore_syscall.tables import METADATA_TYPES, EventFlag, types_named, with_flag

Handler: TypeAlias = "Callable[[Machine, Event, Thread], None]"

HANDLERS: dict[int, Handler] = {
    **processes.HANDLERS,
    **credentials.HANDLERS,
    **files.HANDLERS,
    **descriptors.HANDLERS,
    **sockets.HANDLERS,
}
"""What each type of event changes. The types that are not here change nothing."""

NO_PLACEHOLDER = (
    types_named("clone", "clone3", "fork", "vfork") | {152, 186} | with_flag(EventFlag.SKIPPARSERESET)
)
"""Types for which a thread that is not known stays so: clones, switches, exits, and what no thread makes."""


class Machine:
    """Threads with their descriptors, accounts, containers and interfaces of a machine.

    `apply` takes its events in order. What an exit or a close removes stays until the next event, so that
    rules can read it.
    """

    def __init__(self, hostname: str = "", names: HostNames | None = None) -> None:
        self.hostname = hostname
        self.names = names or HostNames()
        self.reset()

    def reset(self) -> None:
        """Forget everything, as at the start of a section."""
        self.journal = Journal()
        self.threads = ThreadTable(self.journal)
        self.accounts = Accounts()
        self.containers = Containers()
        self.interfaces = Interfaces()
        self.boot_time_ns = 0
        self.first_time_ns: int | None = None
        self.previous_time_ns: int | None = None
        self.recent_exits: dict[tuple[int, int], int] = {}
        self._exited: tuple[Thread, int] | None = None
        self._closed: tuple[dict[int, Fd], int] | None = None

    def load(self, record: Record) -> None:
        """Take what a capture says about the machine at its start."""
        if isinstance(record, MachineRecord):
            self.hostname = record.hostname or self.hostname
            self.boot_time_ns = record.boot_time_ns
        elif isinstance(record, FdListRecord):
            snapshot.load_fds(self.threads, record)
        elif record and isinstance(record[0], ThreadRecord):
            snapshot.load_threads(self.threads, record)  # type: ignore[arg-type]
        elif record and hasattr(record[0], "netmask"):
            self.interfaces = Interfaces(record)  # type: ignore[arg-type]
        else:
            self.accounts = Accounts()
            self.accounts.replace_host(record)  # type: ignore[arg-type]

    def start(self) -> None:
        """All records of a section were loaded; its events follow."""
        snapshot.complete(self.threads)

    def apply(self, event: Event) -> None:
        """Bring the state up to an event."""
        if self._closed is not None or self._exited is not None:
            self.settle()
        event.machine = self
        if event.type in METADATA_TYPES:
            event.thread = None
            metadata.apply(self, event)
            return
        thread = self.threads.get(event.tid)
        if thread is None:
            is_new = not self.journal.has_seen(event.tid)
            if event.tid < 0 or (is_new and event.type in NO_PLACEHOLDER):
                event.thread = None
                if event.type in processes.CLONES:
                    processes.cloned(self, event, None)
                return
            thread = Thread.placeholder(event.tid)
            self.threads.add(thread)
        event.thread = thread
        handler = HANDLERS.get(event.type)
        if handler is not None:
            handler(self, event, thread)

    @staticmethod
    def directory(thread: Thread, dirfd: int) -> str:
        """The path, with a slash at its end, that names are relative to which come with this descriptor."""
        return files.directory(thread, dirfd)

    def catch_up(self) -> None:
        """Apply everything that the journal holds, as at the end of a piece."""
        self.settle()
        for tid in self.journal.threads():
            thread = self.threads.get(tid)
            if thread is None:
                if tid < 0:
                    continue
                thread = Thread.placeholder(tid)
                self.threads.add(thread)
            _ = thread.fds
        self.journal.clear()

    def settle(self) -> None:
        """Remove what the last event has ended."""
        if self._closed is not None:
            table, fd = self._closed
            table.pop(fd, None)
            self._closed = None
        if self._exited is not None:
            thread, place = self._exited
            self._exited = None
            # What the journal has of this thread id from here on was done by another thread.
            now, self.journal.now = self.journal.now, place
            processes.remove(self, thread)
            self.journal.now = now

    def end_thread(self, thread: Thread) -> None:
        """Remove a thread before the next event."""
        self._exited = (thread, self.journal.now)

    def close_fd(self, table: dict[int, Fd], fd: int) -> None:
        """Remove a descriptor before the next event."""
        self._closed = (table, fd)
