"""Fields of the descriptor that the event is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from falcocore.api import Argument, ArgumentKind, Field, FieldType
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import FD_TYPES, flag, has_fd, of_fd, text
from falcocore_syscall.rendering import NOT_AVAILABLE
from falcocore_syscall.state.fds import (
    FILES,
    IP_SOCKETS,
    L4,
    LOWER_LAYER,
    SERVERS,
    UPPER_LAYER,
    Fd,
    FdType,
    FileFd,
    Role,
    SocketFd,
)
from falcocore_syscall.state.paths import collapsed, resolve
from falcocore_syscall.tables import types_named

_GUESSED_CHARS: dict[int, str] = {
    **dict.fromkeys(types_named("openat", "openat2", "creat"), "f"),
    **dict.fromkeys(types_named("socket", "accept", "accept4"), "4"),
    **dict.fromkeys(types_named("pipe"), "p"),
    **dict.fromkeys(types_named("eventfd"), "e"),
    **dict.fromkeys(types_named("signalfd"), "s"),
    **dict.fromkeys(types_named("timerfd_create"), "t"),
    **dict.fromkeys(types_named("inotify_init"), "i"),
}
_PATH_PARAMS: dict[int, tuple[int, int | None]] = {
    **dict.fromkeys(types_named("open", "creat"), (1, None)),
    **dict.fromkeys(types_named("openat", "openat2"), (2, 1)),
    **dict.fromkeys(types_named("open_by_handle_at"), (3, None)),
}
"""For the types that open: the parameter with the path, and that with the directory's descriptor."""
_TUPLE_TYPES = types_named("accept", "accept4", "connect")
_AT_FDCWD = -100


def fd_number(event: Event) -> int | None:
    """The number; -1 where there is none."""
    if event.type not in FD_TYPES or event.thread is None:
        return None
    if event.fd is None:
        event.find_fd()
    return event.fd


def _char(event: Event) -> str | None:
    if not has_fd(event):
        return None
    entry = event.find_fd()
    return _GUESSED_CHARS.get(event.type, "o") if entry is None else entry.type.char


def asked_name(event: Event, *, raw: bool = False) -> str:
    """The name that a call was about whose descriptor is not known; empty where it has none."""
    if event.type in _TUPLE_TYPES:
        from falcocore_syscall.rendering import render

        return render(event, 1)[0] if event.is_available(1) else ""
    found = _PATH_PARAMS.get(event.type)
    if found is None or event.thread is None:
        return ""
    path = event.text(found[0])
    if raw or not path:
        return collapsed(path)
    if path[0] == "/":
        return resolve("", path)
    dirfd = _AT_FDCWD if found[1] is None else event.integer(found[1])
    return resolve(event.directory(_AT_FDCWD if dirfd is None else dirfd), path)


def fd_name(event: Event) -> str | None:
    """The name; empty where nothing is known of the descriptor."""
    if event.type not in FD_TYPES or event.thread is None:
        return None
    entry = event.find_fd()
    return asked_name(event) if entry is None else entry.name


def _raw_name(event: Event) -> str | None:
    if not has_fd(event):
        return None
    entry = event.find_fd()
    return asked_name(event, raw=True) if entry is None else entry.raw_name


def _directory(event: Event) -> str | None:
    if not has_fd(event):
        return None
    entry = event.find_fd()
    name = asked_name(event) if entry is None else entry.name
    if entry is not None:
        if entry.type is FdType.DIRECTORY:
            return name
        if entry.type not in FILES:
            return None
    if name.endswith("/"):
        return name
    return name.rpartition("/")[0] or "/"


def _file_name(entry: Fd) -> str | None:
    if entry.type not in FILES:
        return None
    name = entry.name
    if name.endswith("/"):
        return name
    _, slash, last = name.rpartition("/")
    return last if slash else "/"


def l4_name(entry: Fd) -> str:
    """The protocol over IP; not known for an IP socket without a role, unless it is raw."""
    if not isinstance(entry, SocketFd) or (entry.role is Role.NONE and entry.l4 is not L4.RAW):
        return NOT_AVAILABLE
    return entry.l4.name.lower() if entry.l4 not in (L4.UNKNOWN, L4.NA) else NOT_AVAILABLE


def _family(entry: Fd) -> str | None:
    return "ip" if entry.type in IP_SOCKETS else "unix" if entry.type is FdType.UNIX else None


def _is_server(event: Event) -> bool | None:
    entry = event.find_fd() if has_fd(event) else None
    if entry is None:
        return None
    if not isinstance(entry, SocketFd):
        return False
    return entry.type in SERVERS or event.machine.interfaces.is_local(entry.destination)


def _name_changed(event: Event) -> bool | None:
    entry = event.find_fd() if has_fd(event) else None
    return None if entry is None else entry.name != (event.old_name or "")


def _unique(event: Event) -> str | None:
    number = fd_number(event)
    return None if number is None or number < 0 else f"{event.tid}{number}"


def _in_container(get: Callable[[Event], str | None]) -> Callable[[Event], str | None]:
    def getter(event: Event) -> str | None:
        found = get(event)
        if not found or event.thread is None:
            return None
        return f"{event.thread.container_id}:{found}"

    return getter


def _layer(bit: int) -> Callable[[Fd], bool]:
    return lambda entry: isinstance(entry, FileFd) and entry.flags & bit != 0


def _types(number: int | None) -> Callable[[Event], list[str]]:
    def get(event: Event) -> list[str]:
        if event.thread is None:
            return []
        fds = event.thread.fds
        chosen = sorted(fds) if number is None else [number]
        return [fds[fd].type.label for fd in chosen if fd in fds]

    return get


def _hexadecimal(number: int) -> str:
    return f"{number:X}"


def fd_fields() -> Iterator[Field]:
    """Fields `fd.*` but for addresses."""
    yield Field("fd.num", FieldType.INT64, "Number of the descriptor; -1 where there is none.", fd_number)
    kinds = "Type: file, directory, ipv4, ipv6, unix, pipe, event, signalfd, eventpoll, inotify and others."
    yield text("fd.type", kinds, of_fd(lambda entry: entry.type.label))
    yield text("fd.typechar", "Type as one character: f, d, 4, 6, u, p, e, s, l, i, t, n, o.", _char)
    yield text("fd.name", "Whole path of a file, both ends of a connection.", fd_name)
    yield text("fd.directory", "Directory of a file.", _directory)
    yield text("fd.filename", "Name of a file without its directory.", of_fd(_file_name))
    yield text("fd.l4proto", "Protocol over IP: tcp, udp, icmp, raw; <NA> for what is none.", of_fd(l4_name))
    yield text("fd.sockfamily", "Family of a socket: ip or unix.", of_fd(_family))
    yield flag("fd.is_server", "True where this machine is the server of the connection.", _is_server)
    yield text("fd.uid", "Thread and descriptor as one text.", _unique)
    yield text("fd.containername", "Container and name.", _in_container(fd_name))
    yield text("fd.containerdirectory", "Container and directory.", _in_container(_directory))
    connected = "True for a socket that is connected."
    yield flag("fd.connected", connected, of_fd(lambda it: isinstance(it, SocketFd) and it.connected))
    yield flag("fd.name_changed", "True where the event has changed the name.", _name_changed)
    device = "Device of a file"
    kind = FieldType.INT32
    yield Field("fd.dev", kind, f"{device}.", of_fd(lambda it: it.dev), text=_hexadecimal)
    yield Field("fd.dev.major", kind, f"{device}: major number.", of_fd(lambda it: it.dev >> 8 & 0xFFF))
    minor = of_fd(lambda it: it.dev & 0xFF | it.dev >> 12 & 0xFFF00)
    yield Field("fd.dev.minor", kind, f"{device}: minor number.", minor)
    yield Field("fd.ino", FieldType.INT64, "Inode.", of_fd(lambda it: it.ino))
    yield text("fd.nameraw", "Path of a file as the caller gave it.", _raw_name)
    yield Field(
        "fd.types",
        FieldType.STRING,
        "Types of all descriptors of the process by their numbers; an index picks one.",
        _types,
        is_list=True,
        argument=Argument(ArgumentKind.INDEX),
        usable_on_right=False,
    )
    upper = "True for a file in the upper layer of an overlay."
    yield flag("fd.is_upper_layer", upper, of_fd(_layer(UPPER_LAYER)))
    lower = "True for a file in a lower layer of an overlay."
    yield flag("fd.is_lower_layer", lower, of_fd(_layer(LOWER_LAYER)))
