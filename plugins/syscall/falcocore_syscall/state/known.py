"""What fields read of a machine; whoever keeps the state of one has it."""

from __future__ import annotations

from typing import Protocol

from falcocore_syscall.state.accounts import Accounts
from falcocore_syscall.state.containers import Containers
from falcocore_syscall.state.interfaces import Interfaces
from falcocore_syscall.state.names import HostNames
from falcocore_syscall.state.threads import Thread, ThreadTable


class KnownMachine(Protocol):
    """The state of a machine as an event shows it: as of that event."""

    hostname: str
    names: HostNames
    threads: ThreadTable
    accounts: Accounts
    containers: Containers
    interfaces: Interfaces
    boot_time_ns: int
    first_time_ns: int | None
    previous_time_ns: int | None

    def directory(self, thread: Thread, dirfd: int) -> str:
        """The path, with a slash at its end, that names are relative to which come with this descriptor."""
