"""Memory is mapped, protected and locked; threads wait for each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls import call as ops
from falcocore_syscall.live.calls.call import Call, Read, call
from falcocore_syscall.live.descriptors import used
from falcocore_syscall.live.flags import (
    SEMAPHORE_COMMANDS,
    protection,
    semaphore_making,
    semaphore_operation,
)
from falcocore_syscall.live.reads import (
    NOT_AVAILABLE,
    flags,
    integer,
    memory_number,
    number,
    packed,
    result,
)

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent

_OPERATION_BYTES = 6
_LOW_32 = 0xFFFFFFFF
_IPC_64 = 0x100
_SETVAL = 16


def _memory_of_thread(attribute: str) -> Read:
    def read(event: LiveEvent) -> bytes:
        thread = event.thread
        return NOT_AVAILABLE if thread is None else packed(getattr(thread, attribute), 4)

    return read


def _map_flags(event: LiveEvent) -> bytes:
    return packed(event.call.numbers.map_flags(event.record.args[3] & _LOW_32), 4)


def _operation(index: int) -> tuple[Read, Read, Read]:
    """Number, operation and flags of one operation on semaphores; zeros where there are fewer."""

    def field(at: int) -> Read:
        def read(event: LiveEvent) -> bytes:
            if index >= event.record.args[2] & _LOW_32:
                return packed(0, 2)
            found = memory_number(event, 1, index * _OPERATION_BYTES + at, 2)
            if found is None:
                return NOT_AVAILABLE
            return packed(semaphore_operation(found) if at == 4 else found, 2)

        return read

    return field(0), field(2), field(4)


def _semaphore_value(event: LiveEvent) -> bytes:
    args = event.record.args
    return packed(args[3] if args[2] & _LOW_32 == _SETVAL else 0, 4)


_usage = (_memory_of_thread("vmsize_kb"), _memory_of_thread("vmrss_kb"), _memory_of_thread("vmswap_kb"))

CALLS: Mapping[str, Call] = dict(
    (
        call("brk", result, *_usage, number(0, 8)),
        call(
            "mmap", result, *_usage, number(0, 8), number(1, 8), flags(2, 4, protection), _map_flags,
            integer(4), number(5, 8), ops=(ops.fd(4),), find=used(4),
        ),
        call("munmap", result, *_usage, number(0, 8), number(1, 8)),
        call("mprotect", result, number(0, 8), number(1, 8), flags(2, 4, protection)),
        call("mlock", result, number(0, 8), number(1, 8)),
        call("munlock", result, number(0, 8), number(1, 8)),
        call("mlock2", result, number(0, 8), number(1, 8), number(2, 4)),
        call("mlockall", result, number(0, 4)),
        call("munlockall", result),
        call("futex", result, number(0, 8), number(1, 2), flags(2, 8, lambda value: value)),
        call(
            "semop", result, number(2, 4), *_operation(0), *_operation(1), number(0, 4),
            ops=(ops.memory(1, 2 * _OPERATION_BYTES),),
        ),
        call(
            "semctl", result, number(0, 4), number(1, 4),
            flags(2, 2, lambda value: SEMAPHORE_COMMANDS.get(value & ~_IPC_64, 0)), _semaphore_value,
        ),
        call("semget", result, number(0, 4), number(1, 4), flags(2, 4, semaphore_making)),
    )
)  # fmt: skip
"""Calls by the kernel's names."""
