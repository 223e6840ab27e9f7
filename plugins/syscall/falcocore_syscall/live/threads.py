"""Threads of the machine that is watched: kept from what the kernel program tells, read from /proc where it
has told nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from falcocore_syscall.live.items import AncestorItem
from falcocore_syscall.live.procfs.processes import FoundThread
from falcocore_syscall.live.record import Head
from falcocore_syscall.scap.records import FdRecord
from falcocore_syscall.state.containers import container_id
from falcocore_syscall.state.fds import Fd
from falcocore_syscall.state.snapshot import as_fd, as_thread
from falcocore_syscall.state.threads import CLONE_FILES, CLONE_THREAD, Thread

TICK_NS = 10_000_000
"""/proc tells the start of a process in clock ticks."""


class FdReader(Protocol):
    """What reads the descriptors of a process that is running."""

    def read_fds(self, pid: int) -> list[FdRecord]:
        """All of them; none where the process is gone."""

    def read_fd(self, pid: int, fd: int) -> FdRecord | None:
        """One of them; None where it is not open."""


class OpenFds(dict[int, Fd]):
    """The descriptors of a process as they are now, read when one is asked for."""

    def __init__(self, pid: int, reader: FdReader) -> None:
        super().__init__()
        self._pid = pid
        self._reader = reader
        self._is_whole = False

    def get(self, fd: int, default: Fd | None = None) -> Fd | None:  # type: ignore[override]
        """The descriptor of that number, the default where it is not open."""
        if self._is_whole:
            return super().get(fd, default)
        record = self._reader.read_fd(self._pid, fd)
        return default if record is None else as_fd(record)

    def __contains__(self, fd: object) -> bool:
        self._load()
        return super().__contains__(fd)

    def __getitem__(self, fd: int) -> Fd:
        self._load()
        return super().__getitem__(fd)

    def __iter__(self) -> Iterator[int]:
        self._load()
        return super().__iter__()

    def __len__(self) -> int:
        self._load()
        return super().__len__()

    def _load(self) -> None:
        if not self._is_whole:
            self._is_whole = True
            self.update((record.fd, as_fd(record)) for record in self._reader.read_fds(self._pid))


class LiveThread(Thread):
    """A thread of the machine that is watched.

    `start_ns` is when its process was made, since boot: with the number of the process it is its identity.
    `cgroup` is the kernel's number of the control group that `cgroups` tells of; 0 where that isn't known.
    """

    start_ns = 0
    cgroup = 0
    seen = b""
    """What the last record has told of it: where the next one tells the same, it need not be read."""
    seen_cwd = b""
    reaper = 0
    """Who was seen to have got the children, where it has ended and had any; 0 where that was not seen."""
    reader: FdReader | None = None

    @property
    def fds(self) -> dict[int, Fd]:
        """The descriptors as they are now; there is no table of them to be kept."""
        return {} if self.reader is None else OpenFds(self.pid, self.reader)

    @fds.setter
    def fds(self, table: dict[int, Fd]) -> None:
        pass

    def is_of(self, head: Head) -> bool:
        """True where a record is of this thread, and not of a later one with its number."""
        return self.pid == head.pid and self.start_ns // TICK_NS == head.start_ns // TICK_NS

    def refresh(self, head: Head) -> None:
        """Take what each record tells of its thread."""
        self.uid, self.gid, self.loginuid = head.uid, head.gid, head.loginuid
        self.sid, self.pgid = head.sid, head.pgid
        self.cap_effective = head.caps_effective

    def join(self, cgroups: bytes) -> None:
        """Take these for its control groups; they say which container it is in."""
        self.cgroups = cgroups
        self.container_id = container_id(cgroups)


class Maker:
    """Makes threads of what is told of them."""

    def __init__(self, reader: FdReader) -> None:
        self._reader = reader

    def of_found(self, found: FoundThread) -> LiveThread:
        """One that /proc has told of."""
        thread = as_thread(found.record, LiveThread)
        thread.reader = self._reader
        thread.start_ns, thread.clone_time_ns = found.start_ns, found.clone_time_ns
        return thread

    def of_head(self, head: Head, clone_time_ns: int) -> LiveThread:
        """One of which only the head of a record is known."""
        thread = LiveThread(head.tid, head.pid, head.ppid)
        thread.reader = self._reader
        thread.comm = thread.exe = text_of(head.comm.partition(b"\0")[0])
        self._begin(thread, head, clone_time_ns)
        return thread

    def of_ancestor(self, ancestor: AncestorItem, ppid: int, clone_time_ns: int) -> LiveThread:
        """A process of which only its descendant's record has told."""
        thread = LiveThread(ancestor.pid, ancestor.pid, ppid)
        thread.reader = self._reader
        thread.comm = thread.exe = text_of(ancestor.comm.partition(b"\0")[0])
        thread.start_ns, thread.clone_time_ns, thread.uid = ancestor.start_ns, clone_time_ns, ancestor.uid
        thread.vtid = thread.vpid = ancestor.pid
        return thread

    def child_of(self, parent: LiveThread, head: Head, clone_time_ns: int) -> LiveThread:
        """One that was just made, with what it has of its parent."""
        main = parent.main or parent
        child = parent.child(head.tid, head.pid, head.ppid)
        child.cwd, child.env = main.cwd, main.env
        self._begin(child, head, clone_time_ns)
        return child

    @staticmethod
    def _begin(thread: LiveThread, head: Head, clone_time_ns: int) -> None:
        thread.start_ns, thread.clone_time_ns = head.start_ns, clone_time_ns
        thread.seen = thread.seen_cwd = b""
        thread.vtid, thread.vpid = head.vtid, head.vpid
        thread.flags = CLONE_THREAD | CLONE_FILES if head.tid != head.pid else 0
        thread.refresh(head)


def raw_of(text: str) -> bytes:
    """What `text_of` was given."""
    return text.encode("utf-8", "surrogateescape")


def text_of(raw: bytes) -> str:
    """A text of the kernel; bytes that are not UTF-8 are kept as surrogate escapes."""
    return raw.decode("utf-8", "surrogateescape")
