"""Files are opened, and working directories change."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from falcocore_syscall.event import Event
from falcocore_syscall.state.fds import (
    LOWER_LAYER,
    O_DIRECTORY,
    O_F_CREATED,
    UPPER_LAYER,
    FdType,
    FileFd,
)
from falcocore_syscall.state.paths import UNKNOWN_DIRECTORY, resolve, with_slash
from falcocore_syscall.state.threads import Entered, Thread
from falcocore_syscall.tables import types_named

if TYPE_CHECKING:
    from falcocore_syscall.state.machine import Machine

Handler: TypeAlias = "Callable[[Machine, Event, Thread], None]"

AT_FDCWD = -100
OPEN_ENTER, CREAT_ENTER, OPENAT_ENTER, OPENAT2_ENTER = 2, 58, 306, 326
OPEN, CREAT, OPENAT, OPENAT2, OPEN_BY_HANDLE = 3, 59, 307, 327, 337
NOT_READABLE = (b"", b"<NA>")
_TAIL = struct.Struct("<IIIQ")
_CREAT_UPPER, _CREAT_LOWER = 1, 2


def directory(thread: Thread, dirfd: int) -> str:
    """The path, with a slash at its end, that names are relative to that come with this descriptor."""
    if dirfd == AT_FDCWD:
        return thread.working_directory
    found = thread.fds.get(dirfd)
    return UNKNOWN_DIRECTORY if found is None else with_slash(found.name)


def open_entered(_machine: Machine, event: Event, thread: Thread) -> None:
    """A file is about to be opened: what the caller has said then can't have been changed since."""
    entered = Entered(event.type)
    at = 0
    if event.type in (OPENAT_ENTER, OPENAT2_ENTER):
        fd = event.integer(0)
        entered.dirfd = AT_FDCWD if fd is None else fd
        at = 1
    else:
        entered.dirfd = AT_FDCWD
    entered.path = event.text_bytes(at)
    entered.flags = 0 if event.type == CREAT_ENTER else event.number(at + 1)
    thread.entered = entered


def _take_entered(event: Event, thread: Thread) -> Entered | None:
    entered = thread.entered
    if entered is None or entered.type != event.type - 1:
        return None
    thread.entered = None
    return None if entered.path in NOT_READABLE else entered


def _opened(_machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of open, openat and openat2: a new descriptor for a path."""
    entered = _take_entered(event, thread) if thread.entered is not None else None
    fd = event.integer(0)
    if fd is None or fd < 0:
        event.fd, event.entry = -1, None
        return
    entry = opened_file(event, thread, entered)
    thread.fds[fd] = entry
    event.fd, event.entry, event.old_name = fd, entry, ""


def opened_file(event: Event, thread: Thread, entered: Entered | None = None) -> FileFd:
    """What the exit of open, openat or openat2 has made."""
    first = 1 if event.type == OPEN else 2
    path = event.text_bytes(first)
    flags = event.number(first + 1)
    dirfd = AT_FDCWD if event.type == OPEN else event.integer(1)
    last = event.count - 1
    if entered is not None:
        path, dirfd = entered.path, entered.dirfd
        if entered.flags:
            flags = entered.flags | flags & ~(O_F_CREATED - 1)
    base = "" if path[:1] == b"/" else directory(thread, AT_FDCWD if dirfd is None else dirfd)
    kind = FdType.DIRECTORY if flags & O_DIRECTORY else FdType.FILE
    return FileFd(kind, path, base, flags, event.number(last - 1), event.number(last))


def _created(_machine: Machine, event: Event, thread: Thread) -> None:
    """The exit of creat."""
    entered = _take_entered(event, thread) if thread.entered is not None else None
    fd = event.integer(0)
    if fd is None or fd < 0:
        event.fd, event.entry = -1, None
        return
    path = event.text_bytes(1) if entered is None else entered.path
    marks = event.number(5)
    flags = (UPPER_LAYER if marks & _CREAT_UPPER else 0) | (LOWER_LAYER if marks & _CREAT_LOWER else 0)
    base = "" if path[:1] == b"/" else thread.working_directory
    entry = FileFd(FdType.FILE, path, base, flags, event.number(3), event.number(4))
    thread.fds[fd] = entry
    event.fd, event.entry, event.old_name = fd, entry, ""


def _opened_by_handle(_machine: Machine, event: Event, thread: Thread) -> None:
    fd = event.integer(0)
    if fd is None or fd < 0:
        event.fd, event.entry = -1, None
        return
    flags = event.number(2)
    kind = FdType.DIRECTORY if flags & O_DIRECTORY else FdType.FILE
    entry = FileFd(kind, event.text_bytes(3), "", flags, event.number(4), event.number(5))
    thread.fds[fd] = entry
    event.fd, event.entry, event.old_name = fd, entry, ""


def _set_cwd(thread: Thread, path: str) -> None:
    for other in thread.group.threads.values() if thread.group is not None else (thread,):
        _ = other.fds  # What was opened before is relative to the old one.
    main = thread.main
    if main is not None:
        main.cwd = with_slash(path) if path else ""


def _directory_changed(_machine: Machine, event: Event, thread: Thread) -> None:
    if event.integer(0) == 0:
        _set_cwd(thread, resolve(thread.working_directory, event.text(1)))


def _directory_changed_to_fd(_machine: Machine, event: Event, thread: Thread) -> None:
    if event.integer(0) == 0:
        entry = event.find_fd()
        if entry is not None:
            _set_cwd(thread, entry.name)


def _directory_told(_machine: Machine, event: Event, thread: Thread) -> None:
    result = event.integer(0)
    if result is not None and result >= 0 and event.is_available(1):
        _set_cwd(thread, event.text(1))


def _root_changed(_machine: Machine, event: Event, thread: Thread) -> None:
    if event.integer(0) == 0:
        thread.root = resolve(thread.working_directory, event.text(1))


HANDLERS: dict[int, Handler] = {
    **dict.fromkeys((OPEN_ENTER, CREAT_ENTER, OPENAT_ENTER, OPENAT2_ENTER), open_entered),
    **dict.fromkeys((OPEN, OPENAT, OPENAT2), _opened),
    CREAT: _created,
    OPEN_BY_HANDLE: _opened_by_handle,
    **dict.fromkeys(types_named("chdir"), _directory_changed),
    **dict.fromkeys(types_named("fchdir"), _directory_changed_to_fd),
    **dict.fromkeys(types_named("getcwd"), _directory_told),
    **dict.fromkeys(types_named("chroot"), _root_changed),
}
