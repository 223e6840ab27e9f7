"""The table of threads: who they are, what they run, whose children they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from falcocore_syscall.state.fds import Fd

if TYPE_CHECKING:
    from falcocore_syscall.state.journal import Journal

NO_ID = 0xFFFFFFFF
UNKNOWN_NAME = "<NA>"
"""What a process is called of which only the thread id is known."""
UNKNOWN_CWD = "./"

CLONE_FILES = 1
CLONE_NEWPID = 64
CLONE_PARENT = 256
CLONE_THREAD = 8192
CLONE_INVERTED = 65536
NAME_CHANGED = 131072
CLONE_NEWUSER = 1 << 20
CLONE_VFORK = 1 << 27
CHILD_IN_PIDNS = 1 << 29
IS_MAIN_THREAD = 1 << 30
PIPES = 3 << 31


class Group:
    """The threads of a process."""

    __slots__ = ("leader", "pid", "reaps", "threads")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.leader: Thread | None = None
        self.threads: dict[int, Thread] = {}
        self.reaps = False


class Thread:
    """One thread. Vectors of texts stay the bytes that were recorded, divided by NUL, until one is read.

    It has no slots: so a child is a copy of its parent in one step.
    """

    def __init__(self, tid: int, pid: int, ptid: int) -> None:
        self.tid = tid
        self.pid = pid
        self.ptid = ptid
        self.vtid = self.vpid = self.sid = self.vpgid = self.pgid = -1
        self.comm = self.exe = self.exepath = self.root = ""
        self.args = self.env = self.cgroups = b""
        self.cwd = ""
        self.uid = self.gid = self.loginuid = NO_ID
        self.tty = self.flags = 0
        self.fdlimit = -1
        self.cap_permitted = self.cap_effective = self.cap_inheritable = 0
        self.exe_ino = self.exe_ino_ctime_ns = self.exe_ino_mtime_ns = 0
        self.exe_writable = self.exe_upper_layer = self.exe_lower_layer = self.exe_from_memfd = False
        self.clone_time_ns = self.exec_time_ns = self.pidns_start_ns = 0
        self.vmsize_kb = self.vmrss_kb = self.vmswap_kb = self.pfmajor = self.pfminor = 0
        self._fds: dict[int, Fd] = {}
        self.journal: Journal | None = None
        self.container_id = ""
        self.group: Group | None = None
        self.dead = False
        self.entered: Entered | None = None

    def child(self, tid: int, pid: int, ptid: int) -> Self:
        """A new thread that has what children inherit; it is in no table and no group."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.tid, made.pid, made.ptid = tid, pid, ptid
        made.group = made.entered = None
        made.dead = False
        made.exec_time_ns = 0
        return made

    @classmethod
    def placeholder(cls, tid: int) -> Thread:
        """A thread of which nothing is known but its id."""
        thread = cls(tid, -1, -1)
        thread.comm = thread.exe = UNKNOWN_NAME
        return thread

    @property
    def fds(self) -> dict[int, Fd]:
        """The descriptors, as of the event that is being applied. Threads of a process may share them."""
        if self.journal is not None and self.journal.waiting:
            self.journal.catch_up(self)
        return self._fds

    @fds.setter
    def fds(self, table: dict[int, Fd]) -> None:
        self._fds = table

    def shares_fds_with(self, other: Thread) -> bool:
        """True where both have the same table."""
        return self._fds is other._fds

    @property
    def is_valid(self) -> bool:
        """False for a thread whose process or parent is not known."""
        return self.pid >= 0 and self.ptid >= 0

    @property
    def is_main(self) -> bool:
        """True for the thread that stands for its process."""
        return self.tid == self.pid or bool(self.flags & IS_MAIN_THREAD)

    @property
    def in_pid_namespace(self) -> bool:
        """True where the process sees other numbers than the host."""
        return self.tid != self.vtid or self.pid != self.vpid

    @property
    def main(self) -> Thread | None:
        """The main thread of its process; None where it is not known."""
        if self.tid == self.pid:
            return self
        return self.group.leader if self.group is not None else (self if self.is_main else None)

    @property
    def working_directory(self) -> str:
        """The process's working directory, with a slash at its end."""
        main = self.main
        return UNKNOWN_CWD if main is None else main.cwd


class Entered:
    """What an enter event has told, until the exit event comes."""

    __slots__ = ("dirfd", "flags", "path", "peer", "type")

    def __init__(self, kind: int) -> None:
        self.type = kind
        self.path = b""
        self.dirfd = 0
        self.flags = 0
        self.peer = b""


MOST_THREADS = 1 << 17
"""Threads in a table; where there are more, later ones are known for one event only."""


class ThreadTable(dict[int, Thread]):
    """Threads by id, with their groups and children."""

    def __init__(self, journal: Journal | None = None) -> None:
        super().__init__()
        self.journal = journal
        self.groups: dict[int, Group] = {}
        self._children: dict[int, dict[int, Thread]] = {}

    def add(self, thread: Thread) -> None:
        """Put a thread into the table, its group and under its parent, as far as these are known.

        A table that is full takes no more threads.
        """
        if len(self) >= MOST_THREADS and thread.tid not in self:
            return
        self[thread.tid] = thread
        thread.journal = self.journal
        if thread.is_valid:
            self.link(thread)

    def link(self, thread: Thread) -> None:
        """Put a thread of the table into its group and under its parent."""
        group = self.groups.get(thread.pid)
        if group is None:
            group = self.groups[thread.pid] = Group(thread.pid)
            group.reaps = thread.pid == 1 or thread.vpid == 1
        thread.group = group
        group.threads[thread.tid] = thread
        if thread.is_main:
            group.leader = thread
        self._children.setdefault(thread.ptid, {})[thread.tid] = thread

    def parent_of(self, thread: Thread) -> Thread | None:
        """The main thread of the process that the thread's process is a child of."""
        main = thread.main
        if main is None or main.ptid <= 0:
            return None
        parent = self.get(main.ptid)
        return parent.main if parent is not None else None

    def ancestors(self, thread: Thread) -> Iterator[Thread]:
        """The main threads of the processes above, the nearest first."""
        seen = {thread.tid}
        found = self.parent_of(thread)
        while found is not None and found.tid not in seen:
            yield found
            seen.add(found.tid)
            found = self.parent_of(found)

    def children_of(self, tid: int) -> dict[int, Thread]:
        """The threads whose parent has this id."""
        return self._children.get(tid, {})

    def move(self, thread: Thread, ptid: int) -> None:
        """Give a thread another parent."""
        siblings = self._children.get(thread.ptid)
        if siblings is not None:
            siblings.pop(thread.tid, None)
            if not siblings:
                del self._children[thread.ptid]
        thread.ptid = ptid
        self._children.setdefault(ptid, {})[thread.tid] = thread

    def remove(self, thread: Thread) -> None:
        """Take a thread out of the table and its group; its children keep its id as their parent's."""
        group = thread.group
        if group is not None and len(group.threads) > 1:
            _ = thread.fds  # What it has done to a table that others share stays.
        elif self.journal is not None:
            self.journal.skip(thread.tid)
        if self.get(thread.tid) is thread:
            del self[thread.tid]
        if group is not None:
            group.threads.pop(thread.tid, None)
            if not group.threads:
                self.groups.pop(group.pid, None)
        siblings = self._children.get(thread.ptid)
        if siblings is not None and siblings.get(thread.tid) is thread:
            del siblings[thread.tid]
            if not siblings:
                del self._children[thread.ptid]
