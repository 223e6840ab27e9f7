"""All system calls of an architecture, and what becomes of a record."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace

from falcocore_syscall.live.calls import (
    descriptors,
    files,
    identities,
    memory,
    processes,
    sockets,
    system,
    transfers,
)
from falcocore_syscall.live.calls.call import Call
from falcocore_syscall.live.flags import NUMBERS
from falcocore_syscall.live.reads import constant
from falcocore_syscall.live.record import UNKNOWN_CALL, Record, RecordKind
from falcocore_syscall.tables import COMPAT, NATIVE, SYSCALL_NAMES

OWN: Mapping[str, Call] = {
    **files.CALLS,
    **transfers.CALLS,
    **descriptors.CALLS,
    **sockets.CALLS,
    **processes.CALLS,
    **identities.CALLS,
    **memory.CALLS,
    **system.CALLS,
}
"""The calls with types of events of their own, by the kernel's names."""
ENTRIES = 1024
"""Of the kernel's table."""
COMPAT_ENTRIES = 512
_GENERIC = 1
_X32_FIRST = 512
_X32_NAMES = (
    "rt_sigaction", "rt_sigreturn", "ioctl", "readv", "writev", "recvfrom", "sendmsg", "recvmsg", "execve",
    "ptrace", "rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo", "sigaltstack", "timer_create",
    "mq_notify", "kexec_load", "waitid", "set_robust_list", "get_robust_list", "vmsplice", "move_pages",
    "preadv", "pwritev", "rt_tgsigqueueinfo", "recvmmsg", "sendmmsg", "process_vm_readv", "process_vm_writev",
    "setsockopt", "getsockopt", "io_setup", "io_submit", "execveat", "preadv2", "pwritev2",
)  # fmt: skip
"""The calls that programs of x32 have numbers of their own for."""


class Calls:
    """The system calls of one architecture.

    Raises:
        KeyError: the architecture is neither x86_64 nor aarch64.
    """

    def __init__(self, architecture: str) -> None:
        self._numbers = NUMBERS[architecture]
        codes = dict(NATIVE[architecture])
        if architecture == "x86_64":
            known = {SYSCALL_NAMES[code]: code for code in codes.values()}
            codes.update({_X32_FIRST + n: known[name] for n, name in enumerate(_X32_NAMES)})
        self._codes = codes
        self._by_number = {number: self._call(number, code) for number, code in codes.items()}
        self.machine = architecture
        self.names = frozenset(SYSCALL_NAMES[code] for code in codes.values()) | {SYSCALL_NAMES[0]}
        """The kernel's names of all calls, and `unknown` for every other number."""

    def _call(self, number: int, code: int) -> Call:
        own = OWN.get(SYSCALL_NAMES[code])
        return _generic(number, code) if own is None else replace(own, numbers=self._numbers)

    def name_of(self, number: int) -> str:
        """The kernel's name of the call with this number."""
        return SYSCALL_NAMES[self._codes.get(number, 0)]

    def by_number(self, number: int) -> Call:
        """The call that the kernel has this number for."""
        found = self._by_number.get(number)
        if found is None:
            found = _generic(number, 0)
            if number < ENTRIES or number == UNKNOWN_CALL:
                self._by_number[number] = found
        return found

    def of(self, record: Record) -> Call | None:
        """What event a record becomes; None for those that are no event by themselves.

        A program that has started is told of by a record of its own, and not by the call's return.
        """
        kind = record.kind
        if kind == RecordKind.CALL:
            found = self.by_number(record.nr)
            return None if found.type in _EXECS and record.ret >= 0 else found
        return processes.EXECUTED if kind == RecordKind.EXEC else _EXITED if kind == RecordKind.EXIT else None


_EXECS = frozenset({OWN["execve"].type, OWN["execveat"].type})
_EXITED = processes.EXITED


def compat_table(architecture: str) -> bytes:
    """For each number of a call of a 32-bit program its number in this architecture's own table."""
    known = COMPAT if architecture == "x86_64" else {}
    return struct.pack(f"<{COMPAT_ENTRIES}H", *(known.get(n, UNKNOWN_CALL) for n in range(COMPAT_ENTRIES)))


def _generic(number: int, code: int) -> Call:
    """A call without a type of event of its own; 0 stands for one that is not known."""
    return Call(SYSCALL_NAMES[code], _GENERIC, (constant(code, 2), constant(number, 2)))
