"""Reads from /proc what records don't tell: processes that were there before, descriptors, accounts."""

from __future__ import annotations

from collections.abc import Iterator

from falcocore_syscall.live.procfs.descriptors import read_fd, read_fds
from falcocore_syscall.live.procfs.files import host_root, proc_root
from falcocore_syscall.live.procfs.interfaces import read_interfaces
from falcocore_syscall.live.procfs.machine import read_machine
from falcocore_syscall.live.procfs.processes import FoundThread, Processes
from falcocore_syscall.scap.records import FdRecord, Record


class Proc:
    """The machine below one /proc; where the host's files are mounted elsewhere, `HOST_ROOT` says where."""

    def __init__(self) -> None:
        self.host_root = host_root()
        self.root = proc_root()
        self._processes = Processes(self.root, self.host_root)

    def threads(self) -> Iterator[FoundThread]:
        """All threads but the kernel's."""
        return self._processes.threads()

    def thread(self, pid: int, tid: int) -> FoundThread | None:
        """One thread; None where it is gone."""
        return self._processes.thread(pid, tid)

    def cgroups(self, pid: int) -> bytes | None:
        """The control groups of a process as captures list them; None where it is gone."""
        return self._processes.cgroups(pid)

    def parent(self, pid: int) -> int:
        """The number of the parent of a process; 0 where it is gone."""
        return self._processes.parent(pid)

    def read_fds(self, pid: int) -> list[FdRecord]:
        """The descriptors of a process; none where it is gone."""
        return read_fds(pid, self.root)

    def read_fd(self, pid: int, fd: int) -> FdRecord | None:
        """One descriptor; None where it is not open."""
        return read_fd(pid, fd, self.root)

    def machine_records(self) -> list[Record]:
        """The machine and its interfaces."""
        return [read_machine(self.root), read_interfaces()]
