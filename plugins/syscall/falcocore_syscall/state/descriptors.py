"""Descriptors are closed, copied, and made for things that have no path."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from falcocore_syscall.event import Event
from falcocore_syscall.state.fds import O_CLOEXEC, Fd, FdType, PlainFd
from falcocore_syscall.state.threads import Thread
from falcocore_syscall.tables import types_named

if TYPE_CHECKING:
    from falcocore_syscall.state.machine import Machine

Handler: TypeAlias = "Callable[[Machine, Event, Thread], None]"

F_DUPFD, F_DUPFD_CLOEXEC, F_SETFD = 1, 26, 3
FD_CLOEXEC = 1
CLOSE_RANGE_CLOEXEC = 4


def put(event: Event, thread: Thread, fd: int, entry: Fd) -> None:
    """A new descriptor, which the event is then about."""
    thread.fds[fd] = entry
    event.fd, event.entry, event.old_name = fd, entry, ""


def _closed(machine: Machine, event: Event, thread: Thread) -> None:
    entry = event.find_fd()
    if event.integer(0) == 0 and entry is not None and event.fd is not None:
        machine.close_fd(thread.fds, event.fd)


def _range_closed(_machine: Machine, event: Event, thread: Thread) -> None:
    if event.integer(0) != 0:
        return
    first, last, flags = event.number(1), event.number(2), event.number(3)
    for fd in [fd for fd in thread.fds if first <= fd <= last]:
        if flags & CLOSE_RANGE_CLOEXEC:
            thread.fds[fd] = thread.fds[fd].with_cloexec(True)
        else:
            del thread.fds[fd]


def _copied(cloexec_param: int | None = None) -> Handler:
    """The exit of a call that copies a descriptor: parameter 0 is the new one, 1 the old one."""

    def handle(_machine: Machine, event: Event, thread: Thread) -> None:
        cloexec = cloexec_param is not None and event.number(cloexec_param) & O_CLOEXEC != 0
        _copy(event, thread, cloexec=cloexec)

    return handle


def _copy(event: Event, thread: Thread, *, cloexec: bool) -> None:
    new, old = event.integer(0), event.integer(1)
    if new is None or new < 0 or old is None:
        return
    entry = thread.fds.get(old)
    event.fd = new
    if entry is None:
        event.entry = None
        return
    copy = entry.with_cloexec(cloexec)
    thread.fds[new] = copy
    event.entry, event.old_name = copy, entry.name


def _controlled(_machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of fcntl: some commands copy the descriptor, one sets close-on-exec."""
    result, command = event.integer(0), event.number(2)
    if result is None or result < 0:
        return
    if command in (F_DUPFD, F_DUPFD_CLOEXEC):
        _copy(event, thread, cloexec=command == F_DUPFD_CLOEXEC)
    elif command == F_SETFD:
        entry = event.find_fd()
        if entry is not None and event.fd is not None:
            event.entry = thread.fds[event.fd] = entry.with_cloexec(event.number(3) & FD_CLOEXEC != 0)


def _made(kind: FdType, flags_param: int | None = None, name_param: int | None = None) -> Handler:
    """The exit of a call that makes a descriptor of this type; parameter 0 is the descriptor."""

    def handle(_machine: Machine, event: Event, thread: Thread) -> None:
        fd = event.integer(0)
        if fd is None or fd < 0:
            event.fd, event.entry = -1, None
            return
        flags = 0 if flags_param is None else event.number(flags_param)
        name = "" if name_param is None else event.text(name_param)
        put(event, thread, fd, PlainFd(kind, name, flags, cloexec=flags & O_CLOEXEC != 0))

    return handle


def _piped(_machine: Machine, event: Event, thread: Thread) -> None:
    if event.integer(0) != 0:
        return
    flags = event.number(4) if event.count > 4 else 0
    for number in (1, 2):
        fd = event.integer(number)
        if fd is not None and fd >= 0:
            entry = PlainFd(FdType.PIPE, "", flags, event.number(3), cloexec=flags & O_CLOEXEC != 0)
            put(event, thread, fd, entry)


def _process_opened(_machine: Machine, event: Event, thread: Thread) -> None:
    fd = event.integer(0)
    if fd is not None and fd >= 0:
        put(event, thread, fd, PlainFd(FdType.PIDFD, f"/proc/{event.integer(1)}", event.number(2)))


def _fd_taken(machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of pidfd_getfd: a descriptor of another process."""
    fd, pidfd, target = event.integer(0), event.integer(1), event.integer(2)
    if fd is None or fd < 0 or pidfd is None or target is None:
        return
    handle = thread.fds.get(pidfd)
    pid = handle.name.removeprefix("/proc/") if handle is not None else ""
    other = machine.threads.get(int(pid)) if pid.isascii() and pid.isdigit() else None
    entry = other.fds.get(target) if other is not None else None
    if entry is not None:
        put(event, thread, fd, entry)


def _named(*names: str) -> frozenset[int]:
    return types_named(*names)


HANDLERS: dict[int, Handler] = {
    **dict.fromkeys(_named("close"), _closed),
    **dict.fromkeys(_named("close_range"), _range_closed),
    **dict.fromkeys(_named("dup", "dup2"), _copied()),
    **dict.fromkeys(_named("dup3"), _copied(3)),
    **dict.fromkeys(_named("fcntl"), _controlled),
    **dict.fromkeys(_named("pipe", "pipe2"), _piped),
    **dict.fromkeys(_named("eventfd"), _made(FdType.EVENT)),
    **dict.fromkeys(_named("eventfd2"), _made(FdType.EVENT, 1)),
    **dict.fromkeys(_named("signalfd"), _made(FdType.SIGNALFD)),
    **dict.fromkeys(_named("signalfd4"), _made(FdType.SIGNALFD, 1)),
    **dict.fromkeys(_named("timerfd_create"), _made(FdType.TIMERFD)),
    **dict.fromkeys(_named("inotify_init"), _made(FdType.INOTIFY)),
    **dict.fromkeys(_named("inotify_init1"), _made(FdType.INOTIFY, 1)),
    **dict.fromkeys(_named("epoll_create"), _made(FdType.EVENTPOLL)),
    **dict.fromkeys(_named("epoll_create1"), _made(FdType.EVENTPOLL, 1)),
    **dict.fromkeys(_named("bpf"), _made(FdType.BPF)),
    **dict.fromkeys(_named("userfaultfd"), _made(FdType.USERFAULTFD, 1)),
    **dict.fromkeys(_named("io_uring_setup"), _made(FdType.IO_URING)),
    **dict.fromkeys(_named("memfd_create"), _made(FdType.MEMFD, name_param=1)),
    **dict.fromkeys(_named("pidfd_open"), _process_opened),
    **dict.fromkeys(_named("pidfd_getfd"), _fd_taken),
}
