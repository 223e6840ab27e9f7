"""Descriptors are closed, copied, controlled, and made for what has no path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls import call as ops
from falcocore_syscall.live.calls.call import Call, Found, Read, call
from falcocore_syscall.live.descriptors import copied, made, made_two, taken, used
from falcocore_syscall.live.flags import (
    FILE_COMMANDS,
    O_CLOEXEC,
    O_NONBLOCK,
    poll_events,
    ring_setup_flags,
)
from falcocore_syscall.live.items import ItemKind
from falcocore_syscall.live.reads import (
    absent,
    choice,
    constant,
    descriptor_flags,
    flags,
    in_memory,
    integer,
    interval,
    memory_number,
    number,
    packed,
    result,
    signed_in_memory,
    text,
    translated_in_memory,
)
from falcocore_syscall.live.record import RETURNED
from falcocore_syscall.state.fds import FdType

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent

_F_DUPFD, _F_SETFD, _F_DUPFD_CLOEXEC = 0, 2, 1030
_MOST_POLLED = 16
_POLLED_BYTES = 8
_RING_BYTES = 40
_SIGNALS_BYTES = 8
_TIME_BYTES = 16
_NO_TIME = (1 << 64) - 1
_LOW_32 = 0xFFFFFFFF


def _flags_at(arg: int) -> Callable[[LiveEvent], int]:
    return lambda event: event.call.numbers.descriptor_flags(event.record.args[arg] & _LOW_32)


def _closes_at_exec(arg: int) -> Callable[[LiveEvent], bool]:
    return lambda event: event.record.args[arg] & O_CLOEXEC != 0


def _named_by(arg: int) -> Callable[[LiveEvent], str]:
    return lambda event: (event.record.text(arg) or b"").decode("utf-8", "surrogateescape")


_copies = copied(0, lambda event: event.record.args[1] & _LOW_32 == _F_DUPFD_CLOEXEC)
_controls = used(0)


def _controlled(event: LiveEvent) -> Found:
    """Some commands of fcntl copy the descriptor."""
    command = event.record.args[1] & _LOW_32
    if command in (_F_DUPFD, _F_DUPFD_CLOEXEC):
        return _copies(event)
    fd, entry, name = _controls(event)
    if entry is not None and command == _F_SETFD and event.record.ret == 0:
        entry = entry.with_cloexec(event.record.args[2] & 1 != 0)
    return fd, entry, name


def _polled(event: LiveEvent) -> bytes:
    """The descriptors with something to tell: number and events."""
    found = event.record.item(ItemKind.BYTES, 0)
    if found is None:
        return b""
    count = min(event.record.args[1] & _LOW_32, _MOST_POLLED, len(found) // _POLLED_BYTES)
    told = []
    for at in range(0, count * _POLLED_BYTES, _POLLED_BYTES):
        events = int.from_bytes(found[at + 6 : at + 8], "little")
        if events:
            fd = int.from_bytes(found[at : at + 4], "little", signed=True)
            told.append(fd.to_bytes(8, "little", signed=True) + packed(poll_events(events), 2))
    return packed(len(told), 2) + b"".join(told)


def _signals(arg: int) -> Read:
    """The lowest signals of a set in memory; none where the caller gives no set."""

    def read(event: LiveEvent) -> bytes:
        found = memory_number(event, arg, 0, 4)
        return packed(found or 0, 4)

    return read


def _pidfd_name(event: LiveEvent) -> str:
    return f"/proc/{event.record.args[0] & _LOW_32}"


_poll = ops.memory(0, _MOST_POLLED * _POLLED_BYTES)
_ring = ops.memory(1, _RING_BYTES)

CALLS: Mapping[str, Call] = dict(
    (
        call("close", result, integer(0), ops=(ops.fd(0),), find=used(0)),
        call("close_range", result, number(0, 4), number(1, 4), number(2, 4)),
        call("dup", result, integer(0), ops=(ops.fd(0),), find=copied(0)),
        call("dup2", result, integer(0), integer(1), ops=(ops.fd(0),), find=copied(0)),
        call(
            "dup3", result, integer(0), integer(1), descriptor_flags(2),
            ops=(ops.fd(0),), find=copied(0, _closes_at_exec(2)),
        ),
        call(
            "fcntl", result, integer(0), choice(1, 1, FILE_COMMANDS), number(2, 8),
            ops=(ops.fd(0),), find=_controlled,
        ),
        call(
            "pipe", result, signed_in_memory(0, 0), signed_in_memory(0, 4), absent,
            ops=(ops.memory(0, 8),), find=made_two(FdType.PIPE, 0), makes_two_at=0,
        ),
        call(
            "pipe2", result, signed_in_memory(0, 0), signed_in_memory(0, 4), absent, descriptor_flags(1),
            ops=(ops.memory(0, 8),), find=made_two(FdType.PIPE, 0, _flags_at(1)), makes_two_at=0,
        ),
        call("eventfd", result, flags(0, 8, lambda value: value), constant(0, 4), find=made(FdType.EVENT)),
        call(
            "eventfd2", result, descriptor_flags(1, 2), flags(0, 8, lambda value: value),
            find=made(FdType.EVENT, _flags_at(1)),
        ),
        call(
            "signalfd", result, integer(0), _signals(1), constant(0, 1),
            ops=(ops.memory(1, _SIGNALS_BYTES),), find=made(FdType.SIGNALFD),
        ),
        call(
            "signalfd4", result, descriptor_flags(3, 2), integer(0), _signals(1),
            ops=(ops.memory(1, _SIGNALS_BYTES),), find=made(FdType.SIGNALFD, _flags_at(3)),
        ),
        call("timerfd_create", result, number(0, 1), number(1, 1), find=made(FdType.TIMERFD, _flags_at(1))),
        call("inotify_init", result, constant(0, 1), find=made(FdType.INOTIFY)),
        call("inotify_init1", result, descriptor_flags(0, 2), find=made(FdType.INOTIFY, _flags_at(0))),
        call("epoll_create", result, number(0, 4), find=made(FdType.EVENTPOLL)),
        call(
            "epoll_create1", result, flags(0, 4, lambda value: int(value & O_CLOEXEC != 0)),
            find=made(FdType.EVENTPOLL, _flags_at(0)),
        ),
        call("epoll_wait", result, integer(2)),
        call("poll", result, _polled, integer(2), ops=(_poll,)),
        call(
            "ppoll", result, _polled, interval(2, _NO_TIME), _signals(3),
            ops=(_poll, ops.memory(2, _TIME_BYTES), ops.memory(3, _SIGNALS_BYTES)),
        ),
        call("select", result),
        call(
            "memfd_create", result, text(0), number(1, 4),
            ops=(ops.text(0),), find=made(FdType.MEMFD, name_of=_named_by(0)),
        ),
        call(
            "pidfd_open", result, integer(0), flags(1, 4, lambda value: int(value & O_NONBLOCK != 0)),
            find=made(FdType.PIDFD, name_of=_pidfd_name),
        ),
        call(
            "pidfd_getfd", result, integer(0), integer(1), number(2, 4),
            ops=(ops.fd(RETURNED),), find=taken,
        ),
        call("userfaultfd", result, descriptor_flags(0), find=made(FdType.USERFAULTFD, _flags_at(0))),
        call("bpf", result, number(0, 4), find=made(FdType.BPF)),
        call(
            "io_uring_setup", result, number(0, 4), in_memory(1, 0, 4), in_memory(1, 4, 4),
            translated_in_memory(1, 8, 4, ring_setup_flags), in_memory(1, 12, 4), in_memory(1, 16, 4),
            in_memory(1, 20, 4), ops=(_ring,), find=made(FdType.IO_URING),
        ),
        call(
            "io_uring_enter", result, integer(0), number(1, 4), number(2, 4), number(3, 4), _signals(4),
            ops=(ops.fd(0), ops.memory(4, _SIGNALS_BYTES)), find=used(0),
        ),
        call(
            "io_uring_register", result, integer(0), number(1, 2), number(2, 8), number(3, 4),
            ops=(ops.fd(0),), find=used(0),
        ),
        call("ioctl", result, integer(0), number(1, 8), number(2, 8), ops=(ops.fd(0),), find=used(0)),
    )
)  # fmt: skip
"""Calls by the kernel's names."""
