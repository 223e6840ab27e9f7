"""The machine that is watched, brought up to each record of the kernel program."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from falcocore_syscall.live.control_groups import ControlGroups, GroupReader
from falcocore_syscall.live.items import ItemKind, parse_ancestors
from falcocore_syscall.live.procfs.processes import FoundThread
from falcocore_syscall.live.record import Head, Record, RecordFlag, RecordKind
from falcocore_syscall.live.threads import FdReader, LiveThread, Maker, text_of
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.state.names import HostNames
from falcocore_syscall.state.paths import with_slash
from falcocore_syscall.state.processes import reaper_of
from falcocore_syscall.state.threads import IS_MAIN_THREAD, NAME_CHANGED, Thread


class ProcReader(FdReader, GroupReader, Protocol):
    """What tells of processes that no record has told of."""

    def thread(self, pid: int, tid: int) -> FoundThread | None:
        """One thread; None where it is gone."""

    def parent(self, pid: int) -> int:
        """The number of the parent of a process; 0 where it is gone."""


_CALL, _FORK, _EXEC, _EXIT = (
    int(each) for each in (RecordKind.CALL, RecordKind.FORK, RecordKind.EXEC, RecordKind.EXIT)
)
_ARGV, _ENV, _EXE, _ANCESTORS = (
    int(each) for each in (ItemKind.ARGV, ItemKind.ENV, ItemKind.EXE, ItemKind.ANCESTORS)
)
"""As plain numbers: to look a member of an enumeration up takes longer than what is done with it."""
_REAPERS = 1024
Met = Callable[[LiveThread], None]
"""Called with a thread whose control groups were learned: it may be in a container that nobody knows yet."""
Missed = Callable[[int], None]
"""Called with the number of a process that no record has told of: it may have another name than here."""


class LiveMachine(Machine):
    """Threads, accounts and containers of the machine that is watched.

    `offset_ns` is what the clock that counts from boot is behind the time of day.
    """

    def __init__(
        self,
        proc: ProcReader,
        offset_ns: int,
        met: Met,
        missed: Missed,
        names: HostNames | None = None,
    ) -> None:
        super().__init__(names=names)
        self._proc = proc
        self._maker = Maker(proc)
        self._groups = ControlGroups(proc)
        self._met = met
        self._missed = missed
        self.offset_ns = offset_ns
        self.unknown = 0
        """Threads that no record had told of when they were first seen, and that /proc did not have."""
        self._ended: list[LiveThread] = []
        self.reapers: deque[int] = deque(maxlen=_REAPERS)
        """Processes that were found to get the children of others, for who writes a capture to take out."""

    def start_with(self, found: Iterable[FoundThread]) -> None:
        """Take the threads that were there before the first record."""
        for each in found:
            self.threads.add(self._maker.of_found(each))
        for thread in list(self.threads.values()):
            if isinstance(thread, LiveThread):
                self._met(thread)
                parent = self.threads.get(thread.ptid)
                if thread.vpid == 1 and parent is not None and parent.container_id != thread.container_id:
                    # A runtime has made the container and has ended: its monitor has got it.
                    self._takes_children(parent)

    def take(self, record: Record) -> LiveThread | None:
        """Bring the state up to a record. The thread that it is of; None where that is not known.

        Raises:
            RecordError: the record contradicts itself.
        """
        for thread in self._ended:
            self.threads.remove(thread)
        self._ended.clear()
        known = self.threads.get(record.tid)
        if record.kind == _CALL and isinstance(known, LiveThread) and known.seen == record.identity:
            self._place(known, record)
            return known
        head = record.named()
        if record.kind == _FORK:
            self._forked(head)
            return None
        if record.kind == _EXIT:
            return self._left(head)
        thread = self._thread_of(record, head)
        if record.kind == _EXEC:
            self._execed(thread, record, head, head.time_ns + self.offset_ns)
        else:
            self._called(thread, record, head)
        thread.seen = record.identity
        return thread

    def _thread_of(self, record: Record, head: Head) -> LiveThread:
        """The thread that a record is of; made where it is not known, or is another than before."""
        known = self.threads.get(head.tid)
        if isinstance(known, LiveThread):
            if known.is_of(head):
                known.refresh(head)
                self._settle(known, record, head)
                return known
            self.threads.remove(known)
        main = self.threads.get(head.pid)
        if not isinstance(main, LiveThread) or not main.is_of(head):
            main = None
            self._missed(head.pid)
        found = self._proc.thread(head.pid, head.tid)
        if found is not None and found.record.pid == head.pid:
            thread = self._maker.of_found(found)
            thread.start_ns, thread.cgroup = head.start_ns, head.cgroup
            thread.refresh(head)
            if main is not None:
                thread.comm = main.comm
        else:
            thread = self._inherited(head)
        self.threads.add(thread)
        self._settle(thread, record, head)
        return thread

    def _inherited(self, head: Head) -> LiveThread:
        """A thread that is gone already, with what it has of those that are known."""
        made_ns = head.start_ns + self.offset_ns
        for relative in (self.threads.get(head.pid), self.threads.get(head.ppid)):
            if isinstance(relative, LiveThread) and relative.tid != head.tid:
                return self._maker.child_of(relative, head, made_ns)
        self.unknown += 1
        return self._maker.of_head(head, made_ns)

    def _settle(self, thread: LiveThread, record: Record, head: Head) -> None:
        """See whether a thread is in another control group than before, or than its parent was.

        A runtime makes a process, moves it, and then has it run the program of a container.
        """
        if thread.cgroup != head.cgroup:
            cgroups = self._groups.of(record, head)
            if cgroups is not None:
                thread.cgroup = head.cgroup
                thread.join(cgroups)
                self._found_at_start(head.ppid, thread)
            elif thread.cgroup or not thread.cgroups:
                return  # It is gone, and was somewhere else before.
        elif thread.seen:
            return
        self._met(thread)

    def _found_at_start(self, tid: int, child: LiveThread) -> None:
        """Learn the number of a parent's control group: its next children need not be looked up."""
        parent = self.threads.get(tid)
        if isinstance(parent, LiveThread) and not parent.cgroup and parent.cgroups == child.cgroups:
            parent.cgroup = child.cgroup

    def _forked(self, head: Head) -> None:
        known = self.threads.get(head.tid)
        if isinstance(known, LiveThread):
            if known.is_of(head):
                return
            self.threads.remove(known)
        parent = self.threads.get(head.arg0)
        if not isinstance(parent, LiveThread):
            parent = self.threads.get(head.pid if head.tid != head.pid else head.ppid)
        if not isinstance(parent, LiveThread):
            return  # Its first event makes it, from /proc.
        child = self._maker.child_of(parent, head, head.time_ns + self.offset_ns)
        self.threads.add(child)

    def _execed(self, thread: LiveThread, record: Record, head: Head, time_ns: int) -> None:
        argv = record.item(_ARGV) or b""
        exe, _, thread.args = argv.partition(b"\0")
        thread.exe = text_of(exe)
        thread.comm = text_of(record.comm)
        thread.exepath = text_of(record.item(_EXE) or b"").removesuffix(" (deleted)")
        env = record.item(_ENV)
        if env is not None:
            thread.env = env
        self._place(thread, record)
        process = record.process()
        if process is not None:
            thread.cap_inheritable, thread.cap_permitted = process.cap_inheritable, process.cap_permitted
            thread.exe_ino = process.exe_ino
            thread.exe_ino_ctime_ns, thread.exe_ino_mtime_ns = process.exe_ctime_ns, process.exe_mtime_ns
            flags = process.exe_flags
            thread.exe_writable, thread.exe_upper_layer = bool(flags & 1), bool(flags & 2)
            thread.exe_from_memfd, thread.exe_lower_layer = bool(flags & 4), bool(flags & 8)
            thread.tty, thread.vpgid, thread.fdlimit = process.tty, process.vpgid, process.fdlimit
            thread.pfmajor, thread.pfminor = process.pfmajor, process.pfminor
            thread.vmsize_kb = process.vmsize_kb
        thread.flags = thread.flags & IS_MAIN_THREAD | NAME_CHANGED
        thread.exec_time_ns = time_ns
        thread.pidns_start_ns = (head.pidns_start_ns or 0) + self.offset_ns
        self._adopt(thread, head)
        if head.ppid not in self.threads:
            self._take_ancestors(record)
        group = thread.group
        if group is not None and len(group.threads) > 1:
            for other in [it for it in group.threads.values() if it is not thread]:
                self.threads.remove(other)

    def _take_ancestors(self, record: Record) -> None:
        """Make the processes above that are not known, from what the kernel tells of them."""
        above = parse_ancestors(record.item(_ANCESTORS) or b"")
        for place, ancestor in enumerate(above):
            if ancestor.pid in self.threads:
                break
            parent = above[place + 1].pid if place + 1 < len(above) else 0
            self._missed(ancestor.pid)
            found = self._proc.thread(ancestor.pid, ancestor.pid)
            made_ns = ancestor.start_ns + self.offset_ns
            self.threads.add(
                self._maker.of_found(found)
                if found is not None
                else self._maker.of_ancestor(ancestor, parent, made_ns)
            )

    def _called(self, thread: LiveThread, record: Record, head: Head) -> None:
        self._place(thread, record)
        self._adopt(thread, head)

    def _takes_children(self, thread: Thread | None) -> None:
        """It gets the children that others leave, which it may have asked for before it was watched."""
        if thread is not None and thread.group is not None and not thread.group.reaps:
            thread.group.reaps = True
            self.reapers.append(thread.tid)

    @staticmethod
    def _place(thread: LiveThread, record: Record) -> None:
        """The working directory, where the record has it."""
        cwd = record.cwd
        if not cwd:
            return
        main = thread.main or thread
        if not isinstance(main, LiveThread):
            main.cwd = with_slash(text_of(cwd))
        elif cwd != main.seen_cwd:
            main.seen_cwd = cwd
            main.cwd = with_slash(text_of(cwd))

    def _adopt(self, thread: LiveThread, head: Head) -> None:
        """Another process has become the parent."""
        main = thread.main or thread
        if main.ptid != head.ppid and main.tid in self.threads:
            self.threads.move(main, head.ppid)
            self._takes_children(self.threads.get(head.ppid))

    def _left(self, head: Head) -> LiveThread | None:
        thread = self.threads.get(head.tid) or self.threads.get(head.pid)
        if not isinstance(thread, LiveThread) or thread.pid != head.pid:
            return None
        is_last = head.flags & RecordFlag.GROUP_DEAD
        if thread.tid != head.tid and not is_last:
            return thread  # Of one that nobody has told of; its process lives on.
        ended: list[Thread] = [thread]
        if is_last and thread.group is not None:
            ended = list(thread.group.threads.values())
        for each in ended:
            each.dead = True
        for each in ended:
            children = [it for it in self.threads.children_of(each.tid).values() if it is not each]
            if children:
                thread.reaper = self._seen_reaper(each, children)
                reaper = thread.reaper or reaper_of(self, each)
                for child in children:
                    self.threads.move(child, reaper)
        if is_last or not thread.is_main:
            self._ended += [it for it in ended if isinstance(it, LiveThread)]
        return thread

    def _seen_reaper(self, thread: Thread, children: Iterable[Thread]) -> int:
        """Where the kernel has put the children of a process that has ended; 0 where all are gone."""
        if thread.group is None or all(each.dead for each in thread.group.threads.values()):
            for child in children:
                found = self._proc.parent(child.pid)
                if found != thread.pid and found in self.threads:
                    return found
        return 0
