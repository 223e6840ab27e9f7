"""Processes and their threads, as captures list them at their start."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

from falcocore_syscall.live.procfs.cgroups import Cgroups
from falcocore_syscall.live.procfs.files import PROC, Directory
from falcocore_syscall.live.procfs.machine import boot_time_ns
from falcocore_syscall.live.procfs.mounts import Layer, Overlays
from falcocore_syscall.live.procfs.programs import read_program
from falcocore_syscall.live.procfs.status import Stat, Status, parse_stat, parse_status
from falcocore_syscall.scap.records import NO_ID, ThreadRecord
from falcocore_syscall.state.threads import CLONE_FILES, CLONE_THREAD

_MOST_TEXT_BYTES = 4096
"""What is read of arguments and environment."""
_FDLIMIT = re.compile(rb"^Max open files +(\S+)", re.MULTILINE)
_REMEMBERED = 4096
"""Pid namespaces whose start is remembered."""
_MOST_ANCESTORS = 64


@dataclass(frozen=True, slots=True)
class FoundThread:
    """A thread, and what captures don't say of it.

    `start_ns` is on the clock that counts from boot, in whole clock ticks (10 ms): with the process's number
    it is the identity of a process. It is the thread's own; the process's is that of its main thread.
    """

    record: ThreadRecord
    clone_time_ns: int
    """When it was made, since the epoch."""
    start_ns: int


class Processes:
    """Reads processes below a /proc; what many of them share is read once.

    `host_root` stands before the host's other paths. What can't be read because the process has ended, or
    isn't ours to read, is left out or has its default.
    """

    def __init__(self, proc_root: str = PROC, host_root: str = "", boot_ns: int | None = None) -> None:
        self._root = proc_root
        self._boot_ns = boot_time_ns() if boot_ns is None else boot_ns
        self._cgroups = Cgroups(f"{host_root}/sys/fs/cgroup")
        self._overlays = Overlays(host_root)
        self._namespaces: dict[bytes, int] = {}

    def threads(self) -> Iterator[FoundThread]:
        """All threads but the kernel's; those of one process follow each other, the main one first.

        Raises:
            OSError: there is no such /proc.
        """
        with Directory(self._root) as directory:
            pids = directory.own_numbers()
        for pid in pids:
            yield from self.process(pid)

    def process(self, pid: int) -> list[FoundThread]:
        """The threads of a process; none where it isn't there, or not a program's."""
        try:
            with Directory(f"{self._root}/{pid}") as directory:
                main, threads = self._main(directory)
                if main is None:
                    return []
                found = [main] if main.record.tid == main.record.pid else []
                if threads > 1:
                    others = (tid for tid in directory.numbers("task") if tid != main.record.pid)
                    found += filter(None, (self._other(directory, main.record, tid) for tid in others))
                return found
        except (OSError, ValueError):
            return []

    def thread(self, pid: int, tid: int) -> FoundThread | None:
        """One thread; None where it isn't there, or not a program's."""
        try:
            with Directory(f"{self._root}/{pid}") as directory:
                main, _ = self._main(directory)
                if main is None or tid == main.record.tid:
                    return main
                return self._other(directory, main.record, tid)
        except (OSError, ValueError):
            return None

    def cgroups(self, pid: int) -> bytes | None:
        """The control groups of a process as captures list them; None where it isn't there."""
        try:
            with Directory(f"{self._root}/{pid}") as directory:
                return self._cgroups.listed(directory.read("cgroup"))
        except OSError:
            return None

    def parent(self, pid: int) -> int:
        """The number of the parent of a process; 0 where it isn't there."""
        try:
            with Directory(f"{self._root}/{pid}") as directory:
                return parse_status(directory.read("status")).ppid
        except (OSError, ValueError):
            return 0

    def _main(self, directory: Directory) -> tuple[FoundThread | None, int]:
        """The main thread, and the number of threads."""
        stat = parse_stat(directory.read("stat"))
        if stat.is_kernel_thread:
            return None, 0
        status = parse_status(directory.read("status"))
        if not stat.is_dead:
            return self._found(self._record(directory, stat, status), stat), stat.threads
        # A main thread may have ended before the others; these still have what it has run.
        for tid in directory.numbers("task"):
            if tid == status.pid:
                continue
            try:
                with directory.directory(f"task/{tid}") as task:
                    record = self._record(task, stat, status)
            except (OSError, ValueError):
                continue
            if record is not None:
                return self._found(record, stat), stat.threads
        return None, 0

    def _found(self, record: ThreadRecord | None, stat: Stat) -> FoundThread | None:
        if record is None:
            return None
        return FoundThread(record, self._boot_ns + stat.start_ns, stat.start_ns)

    def _record(self, process: Directory, stat: Stat, status: Status) -> ThreadRecord | None:
        root = process.link("root")
        program = read_program(process, status, root, self._overlays)
        command = process.read_or_empty("cmdline", _MOST_TEXT_BYTES)
        if program is None and not command:
            return None
        exe, _, args = command.partition(b"\0")
        record = ThreadRecord(status.pid, status.pid, status.ppid)
        _take_own(record, stat, status)
        record.comm = stat.comm
        record.sid, record.pgid, record.tty = stat.sid, stat.pgid, stat.tty
        record.exe, record.args = exe, args
        record.cwd, record.root = process.link("cwd"), root
        record.env = process.read_or_empty("environ", _MOST_TEXT_BYTES)
        record.cgroups = self._cgroups.listed(process.read_or_empty("cgroup"))
        record.loginuid = int(process.read_or_empty("loginuid") or NO_ID)
        record.fdlimit = _fdlimit(process.read_or_empty("limits"))
        record.pidns_init_start_ns = self._namespace_start_ns(process, stat, status)
        if program is not None:
            record.exepath, record.exe_ino = program.path, program.ino
            record.exe_ino_ctime_ns, record.exe_ino_mtime_ns = program.ctime_ns, program.mtime_ns
            record.exe_writable, record.exe_from_memfd = int(program.is_writable), int(program.is_memfd)
            record.exe_upper_layer = int(program.layer is Layer.UPPER)
            record.exe_lower_layer = int(program.layer is Layer.LOWER)
        return record

    def _other(self, process: Directory, main: ThreadRecord, tid: int) -> FoundThread | None:
        """A thread that isn't the main one: what is its own, and the rest as its process has it.

        Its name, too: what a thread calls itself is not the name of the program.
        """
        try:
            with process.directory(f"task/{tid}") as directory:
                stat, status = parse_stat(directory.read("stat")), parse_status(directory.read("status"))
        except (OSError, ValueError):
            return None
        if stat.is_dead or status.pid != main.pid:
            return None
        record = copy.copy(main)
        record.tid = tid
        record.flags = CLONE_THREAD | CLONE_FILES
        _take_own(record, stat, status)
        return self._found(record, stat)

    # --- namespaces of process numbers --------------------------------------------------------------------

    def _namespace_start_ns(self, process: Directory, stat: Stat, status: Status) -> int:
        """When the first process of the namespace was made, since the epoch; boot for the host's."""
        if not status.in_pid_namespace:
            return self._boot_ns
        name = process.link("ns/pid")
        known = self._namespaces.get(name)
        if known is None:
            start_ns = self._init_start_ns(process, name, stat, status)
            known = 0 if start_ns is None else self._boot_ns + start_ns
            if len(self._namespaces) >= _REMEMBERED:
                self._namespaces.clear()
            self._namespaces[name] = known
        return known

    def _init_start_ns(self, process: Directory, name: bytes, stat: Stat, status: Status) -> int | None:
        for _ in range(_MOST_ANCESTORS):
            if status.vpid == 1:
                return stat.start_ns
            try:
                with Directory(f"{self._root}/{status.ppid}") as parent:
                    if parent.link("ns/pid") != name:
                        break
                    stat, status = parse_stat(parent.read("stat")), parse_status(parent.read("status"))
            except (OSError, ValueError):
                break
        # Who has entered a namespace from outside is no descendant of its first process.
        try:
            return parse_stat(process.read("root/proc/1/stat")).start_ns
        except (OSError, ValueError):
            return None


def _take_own(record: ThreadRecord, stat: Stat, status: Status) -> None:
    """What differs between the threads of a process."""
    record.uid, record.gid = status.uid, status.gid
    is_numbered = status.vtid >= 0
    record.vtid = status.vtid if is_numbered else record.tid
    record.vpid = status.vpid if is_numbered else record.pid
    record.vpgid = status.vpgid if is_numbered else stat.pgid
    record.vmsize_kb, record.vmrss_kb, record.vmswap_kb = status.vmsize_kb, status.vmrss_kb, status.vmswap_kb
    record.pfmajor, record.pfminor = stat.pfmajor, stat.pfminor
    record.cap_inheritable = status.cap_inheritable
    record.cap_permitted, record.cap_effective = status.cap_permitted, status.cap_effective


def _fdlimit(limits: bytes) -> int:
    found = _FDLIMIT.search(limits)
    return int(found[1]) if found and found[1].isdigit() else -1
