"""Live events as they stand in a capture: what replay works out from paths and tables, the kernel has told.

Replay puts a name together from a directory that it knows and the path of the call. Where the kernel has
found another file behind it, as with symbolic links, the capture has to have the kernel's path. What else
replay could not know is told by events that are hidden: they change its state and are not shown.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.items import FileItem, ItemKind, SocketItem
from falcocore_syscall.live.record import RecordFlag
from falcocore_syscall.scap.records import GroupRecord, UserRecord
from falcocore_syscall.scap.writer import MOST_PARAM_BYTES
from falcocore_syscall.state.credentials import PR_SET_CHILD_SUBREAPER
from falcocore_syscall.state.fds import FileFd
from falcocore_syscall.state.machine import HANDLERS
from falcocore_syscall.state.metadata import CONTAINER, GROUP_ADDED, USER_ADDED
from falcocore_syscall.state.paths import resolve
from falcocore_syscall.state.sockets import IO_TYPES
from falcocore_syscall.tables import EVENTS, LARGE, types_named

_PATH_PARAMS = {
    kind: next(n for n, param in enumerate(EVENTS[kind].params) if param.name == "name")
    for kind in types_named("open", "openat", "openat2", "creat")
}
_DIRFD_PARAMS = dict.fromkeys(types_named("openat", "openat2"), 1)
_AT_FDCWD = -100
_MOVES = types_named("chdir", "fchdir")
_BECOMES = types_named("setuid", "setreuid", "setresuid")
(_BIND,) = types_named("bind")
(_CAPSET,) = types_named("capset")
(_CLOSE,) = types_named("close")
(_DUP2,) = types_named("dup2")
(_GETCWD,) = types_named("getcwd")
(_PRCTL,) = types_named("prctl")
(_SETSID,) = types_named("setsid")
WITH_OTHERS = frozenset(_PATH_PARAMS) | _MOVES | _BECOMES | {_BIND, _SETSID}
"""The types that hidden events may come before or after."""
_AF_INET, _AF_INET6 = 2, 10
_WITHOUT_DESCRIPTOR = RecordFlag.RING | RecordFlag.DIRECT
_SPARE_FD = 1 << 30
"""A descriptor that no process has."""
_signed = struct.Struct("<q").pack
_unsigned_16 = struct.Struct("<H").pack
_unsigned = struct.Struct("<Q").pack
_unsigned_32 = struct.Struct("<I").pack


class Written(NamedTuple):
    """A type of event and its parameters."""

    kind: int
    params: Sequence[bytes]


def is_needed(event: LiveEvent) -> bool:
    """Whether a replay's state changes with an event, so that it is written where nobody asks for it, too."""
    kind = event.type
    if kind in IO_TYPES:
        # The only thing to be learned from it is that a socket is connected.
        fd_param = EVENTS[kind].fd_param
        fd = None if fd_param is None else event.integer(fd_param)
        return fd is not None and not isinstance(event.record.of_descriptor(fd), FileItem)
    return kind in HANDLERS


def params_of(event: LiveEvent) -> list[bytes]:
    """The parameters of an event."""
    params = event.params()
    place = _PATH_PARAMS.get(event.type)
    if place is not None:
        found = _other_path(event, place)
        if found is not None:
            params[place] = found + b"\0"
    if event.record.size_bytes > MOST_PARAM_BYTES and event.type not in LARGE:
        for number, param in enumerate(params):
            if len(param) > MOST_PARAM_BYTES:
                params[number] = param[:MOST_PARAM_BYTES]
    return params


def _other_path(event: LiveEvent, place: int) -> bytes | None:
    """The path of an opened file, where replay would come to another one."""
    entry = event.find_fd()
    if not isinstance(entry, FileFd):
        return None
    dirfd_param = _DIRFD_PARAMS.get(event.type)
    dirfd = _AT_FDCWD if dirfd_param is None else event.integer(dirfd_param)
    path = event.text(place)
    base = "" if path[:1] == "/" else event.directory(_AT_FDCWD if dirfd is None else dirfd)
    return None if resolve(base, path) == entry.name else entry.name.encode("utf-8", "surrogateescape")


def before(event: LiveEvent) -> Iterator[Written]:
    """Hidden events that come before an event.

    Who becomes another user may lose capabilities. A file that is opened through io_uring may have no
    descriptor that could be told: the one whose number stands for it is put aside.
    """
    if event.type in _BECOMES and event.record.ret == 0:
        thread = event.thread
        if thread is not None:
            held = (thread.cap_inheritable, thread.cap_permitted, thread.cap_effective)
            yield Written(_CAPSET, (_signed(0), *map(_unsigned, held)))
    elif _has_no_descriptor(event):
        number = _signed(event.record.ret)
        yield Written(_DUP2, (_signed(_SPARE_FD), number, _signed(_SPARE_FD)))


def after(event: LiveEvent) -> Iterator[Written]:
    """Hidden events that come after an event.

    They tell where a process has gone, which port it was given, which number its session has outside of its
    namespace, and put back what was put aside.
    """
    if event.type in _MOVES:
        cwd = event.record.item(ItemKind.CWD) if event.record.ret == 0 else None
        if cwd:
            yield Written(_GETCWD, (_signed(len(cwd) + 1), cwd + b"\0"))
    elif event.type == _SETSID:
        if event.record.flags & RecordFlag.IN_PID_NAMESPACE and event.record.ret > 0:
            yield Written(_SETSID, (_signed(event.record.named().sid),))
    elif event.type == _BIND:
        address = _given_address(event)
        if address is not None:
            yield Written(_BIND, (_signed(0), address, _signed(event.integer(2) or 0)))
    elif _has_no_descriptor(event):
        number = _signed(event.record.ret)
        yield Written(_CLOSE, (_signed(0), number))
        yield Written(_DUP2, (number, _signed(_SPARE_FD), number))
        yield Written(_CLOSE, (_signed(0), _signed(_SPARE_FD)))


def _given_address(event: LiveEvent) -> bytes | None:
    """The address of a socket whose port the kernel has chosen; None where nothing was chosen."""
    asked = event.raw(1)
    item = event.record.of_descriptor(event.integer(2) or 0)
    if event.record.ret != 0 or not asked or asked[0] not in (_AF_INET, _AF_INET6) or asked[-2:] != bytes(2):
        return None
    return asked[:-2] + _unsigned_16(item.lport) if isinstance(item, SocketItem) and item.lport else None


def _has_no_descriptor(event: LiveEvent) -> bool:
    record = event.record
    return event.type in _PATH_PARAMS and record.ret >= 0 and record.flags & _WITHOUT_DESCRIPTOR != 0


def reaper_told() -> Written:
    """A process gets the children that others leave behind."""
    return Written(_PRCTL, (_signed(0), _unsigned_32(PR_SET_CHILD_SUBREAPER), b"\0", _signed(1)))


def container_told(text: bytes) -> Written:
    """What a runtime has said of a container, as JSON."""
    return Written(CONTAINER, (text + b"\0",))


def account_told(record: UserRecord | GroupRecord, container: str) -> Written:
    """A user or group of a container."""
    if isinstance(record, UserRecord):
        texts = (record.name, record.home, record.shell, container)
        ids: tuple[bytes, ...] = (_unsigned_32(record.uid), _unsigned_32(record.gid))
        return Written(USER_ADDED, (*ids, *map(_text, texts)))
    return Written(GROUP_ADDED, (_unsigned_32(record.gid), _text(record.name), _text(container)))


def _text(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape") + b"\0"
