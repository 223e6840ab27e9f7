"""Fields of the event itself."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from operator import attrgetter

from falcocore.api import Argument, ArgumentKind, Field, FieldType
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import Get, absent, flag, has_fd, text
from falcocore_syscall.rendering import errno_name
from falcocore_syscall.state.fds import FILES, IP_SOCKETS, O_F_CREATED, O_TMPFILE, FdType
from falcocore_syscall.tables import EVENT_NAMES, EVENTS, SYSCALL_NAMES, EventFlag

_NS_PER_S = 1_000_000_000
_READS = frozenset(n for n, e in enumerate(EVENTS) if EventFlag.READS_FROM_FD in e.flags)
_WRITES = frozenset(n for n, e in enumerate(EVENTS) if EventFlag.WRITES_TO_FD in e.flags)
_WAITS = frozenset(n for n, e in enumerate(EVENTS) if EventFlag.WAITS in e.flags)
_SYSCALLS = frozenset(n for n, e in enumerate(EVENTS) if e.source == "syscall")
_OPEN, _CREAT, _OPENAT, _OPENAT2, _OPEN_BY_HANDLE = 3, 59, 307, 327, 337
_OPEN_FLAGS = {_OPEN: 2, _OPENAT: 3, _OPENAT2: 3, _OPEN_BY_HANDLE: 2}
"""Types of the open family, and the parameter with their flags."""
_OPEN_MODES = {_OPEN: 3, _OPENAT: 4, _OPENAT2: 4}
_O_READ, _O_WRITE, _O_CREAT = 1, 2, 4
_ANY_EXECUTE = 0o111
_IO_CATEGORIES = frozenset({"io_read", "io_write", "io_other"})
_SHOWN_CATEGORIES = {"ipc": "IPC"}


def result_name(event: Event) -> str | None:
    """`SUCCESS`, or the name of the error; None for what is no exit of a system call."""
    result = event.result
    return None if result is None else "SUCCESS" if result >= 0 else errno_name(result)


def category(event: Event) -> str:
    """The category of the event; for reading and writing that of the descriptor."""
    own = EVENTS[event.type].category
    if own not in _IO_CATEGORIES:
        return _SHOWN_CATEGORIES.get(own, own)
    entry = event.find_fd() if has_fd(event) else None
    if entry is None:
        return "unknown"
    if entry.type in FILES or entry.type is FdType.DIRECTORY:
        return "file"
    if entry.type in IP_SOCKETS:
        return "net"
    return "ipc" if entry.type in _IPC else "unknown"


_IPC = frozenset({FdType.UNIX, FdType.PIPE, FdType.EVENT, FdType.SIGNALFD, FdType.INOTIFY})


def failed(event: Event) -> bool | None:
    """True where the system call has failed."""
    result = event.result
    return None if result is None else result < 0


def _opens(bit: int) -> Get:
    def get(event: Event) -> bool:
        parameter = _OPEN_FLAGS.get(event.type)
        return parameter is not None and event.number(parameter) & bit != 0

    return get


def _opens_executable(event: Event) -> bool:
    if event.type == _CREAT:
        return event.number(2) & _ANY_EXECUTE != 0
    mode = _OPEN_MODES.get(event.type)
    if mode is None or not event.number(_OPEN_FLAGS[event.type]) & (_O_CREAT | O_TMPFILE):
        return False
    return event.number(mode) & _ANY_EXECUTE != 0


def _opens_new(event: Event) -> bool:
    parameter = _OPEN_FLAGS.get(event.type)
    if parameter is None:
        return False
    flags = event.number(parameter)
    return flags & O_F_CREATED != 0 or (flags & O_TMPFILE != 0 and not failed(event))


def _direction_of_io(event: Event) -> str | None:
    return "read" if event.type in _READS else "write" if event.type in _WRITES else None


def buffer_length(event: Event) -> int | None:
    """What a call has returned that reads, writes or controls a descriptor that is known."""
    is_io = event.type % 2 == 1 and EVENTS[event.type].category in _IO_CATEGORIES
    if not is_io or event.thread is None or event.find_fd() is None:
        return None
    result = event.result
    return result if result is not None and result >= 0 else None


def _buffer(event: Event) -> bytes | None:
    for number, param in enumerate(EVENTS[event.type].params):
        if param.name == "data":
            return event.raw(number) or None
    return None


def _is_syslog(event: Event) -> bool:
    entry = event.find_fd() if event.type in _WRITES and event.thread is not None else None
    return entry is not None and entry.name.endswith("/dev/log")


def _is_type(name: str | None) -> Callable[[Event], int]:
    if name not in EVENT_NAMES and name not in SYSCALL_NAMES:
        raise ValueError(f"there is no event type `{name}`")
    return lambda event: int(event.name == name)


class _Distance(int):
    """Milliseconds between two times; equals every number of them that is no less."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and int(self) <= int(other)

    def __hash__(self) -> int:
        return int.__hash__(self)


def _around(time_ns: int | None) -> Callable[[Event], int]:
    return lambda event: _Distance(-(-abs(event.time_ns - (time_ns or 0)) // 1_000_000))


def _since_last(event: Event) -> int:
    return max(0, event.time_ns - (event.machine.previous_time_ns or event.time_ns))


def _since_first(event: Event) -> int:
    return max(0, event.time_ns - (event.machine.first_time_ns or event.time_ns))


def _clock(event: Event) -> str:
    seconds, fraction = divmod(event.time_ns, _NS_PER_S)
    return f"{datetime.datetime.fromtimestamp(seconds):%H:%M:%S}.{fraction:09d}"


def _nine_digits(number: int) -> str:
    return f"{number:09d}"


def _durations(name: str, doc: str, get: Callable[[Event], int], *, padded: bool = False) -> Iterator[Field]:
    """A time, and its parts in seconds and nanoseconds."""
    whole = _nine_digits if padded else None
    kind = FieldType.RELTIME
    yield Field(name, kind, doc, get, text=whole)
    yield Field(f"{name}.s", kind, f"{doc} Whole seconds.", lambda e: get(e) // _NS_PER_S)
    part = f"{doc} Nanoseconds within the second."
    yield Field(f"{name}.ns", kind, part, lambda e: get(e) % _NS_PER_S, text=_nine_digits)


def event_fields() -> Iterator[Field]:
    """Fields `evt.*` and `syscall.*` but for arguments and counts."""
    number = attrgetter("num")
    yield Field("evt.num", FieldType.UINT64, "Number of the event in the capture, from 1.", number)
    since_first = "Nanoseconds since the first event of the capture."
    yield from _durations("evt.reltime", since_first, _since_first, padded=True)
    yield from _durations("evt.deltatime", "Nanoseconds since the event before.", _since_last)
    yield text("evt.plugininfo", "What a plugin says about its event; there is none here.", absent)
    yield flag("evt.is_async", "True for events that no thread and no kernel has made.", _is_metadata)
    name = "Name of an event that no thread and no kernel has made."
    yield text("evt.asynctype", name, lambda e: e.name if _is_metadata(e) else None)
    time = "Time of day with nanoseconds, in the host's zone."
    yield Field("evt.outputtime", FieldType.STRING, time, _clock, filterable=False)
    arrow = "`>` for events before something happens, `<` for those after it."
    yield text("evt.dir", arrow, lambda e: "<" if e.type % 2 else ">", deprecated=True)
    yield text("evt.type", "Name of the event: for most the system call's.", attrgetter("name"))
    yield Field(
        "evt.type.is",
        FieldType.UINT32,
        "1 for events of the type that is named, 0 for others.",
        _is_type,
        argument=Argument(ArgumentKind.KEY, required=True, dotted=True),
    )
    call = "Name of the system call; absent for other events."
    yield text("syscall.type", call, lambda e: e.name if e.type in _SYSCALLS else None)
    kinds = "What the event is about: file, net, IPC, memory, process, sleep, system, signal, user and so on."
    yield text("evt.category", kinds, category)
    yield Field("evt.cpu", FieldType.INT16, "Processor that it happened on.", attrgetter("cpu"))
    sent = "What was read or written, as far as it was recorded."
    yield Field("evt.buffer", FieldType.BUFFER, sent, _buffer)
    yield text("evt.res", "SUCCESS, or the name of the error.", result_name)
    yield Field("evt.rawres", FieldType.INT64, "The result; an error is negative.", attrgetter("result"))
    yield flag("evt.failed", "True where the system call has failed.", failed)
    yield flag("evt.is_io", "True for reading and writing.", lambda e: e.type in _READS or e.type in _WRITES)
    yield flag("evt.is_io_read", "True for reading.", lambda e: e.type in _READS)
    yield flag("evt.is_io_write", "True for writing.", lambda e: e.type in _WRITES)
    yield text("evt.io_dir", "`read` or `write`; absent for others.", _direction_of_io)
    yield flag("evt.is_wait", "True for system calls that wait.", lambda e: e.type in _WAITS)
    yield flag("evt.is_syslog", "True for writing to /dev/log.", _is_syslog)
    yield Field(
        "evt.around",
        FieldType.UINT64,
        "Equals a number of milliseconds for events at most so far from the time in nanoseconds.",
        _around,
        argument=Argument(ArgumentKind.INDEX, required=True),
        transformable=False,
        usable_on_right=False,
        printable=False,
    )
    yield flag("evt.is_open_read", "True where a file is opened for reading.", _opens(_O_READ))
    yield flag("evt.is_open_write", "True where a file is opened for writing.", _opens(_O_WRITE))
    yield flag("evt.is_open_exec", "True where an executable file is made.", _opens_executable)
    yield flag("evt.is_open_create", "True where the file was made by opening it.", _opens_new)
    yield from _obsolete_fields()


def _is_metadata(event: Event) -> bool:
    return EVENTS[event.type].source == "metaevent"


def _zero(_event: Event) -> int:
    return 0


def _obsolete_fields() -> Iterator[Field]:
    """Fields that rules may name and that say nothing any more."""
    for name in ("evt.latency", "evt.latency.s", "evt.latency.ns"):
        yield Field(name, FieldType.RELTIME, "Always 0.", _zero, deprecated=True)
    yield Field("evt.latency.quantized", FieldType.UINT64, "Always 0.", _zero, deprecated=True)
    yield text("evt.latency.human", "Always 0ns.", lambda _event: "0ns", deprecated=True)
    yield Field("evt.wait_latency", FieldType.RELTIME, "Always absent.", absent, deprecated=True)
    for name in ("name", "container.id", "container.name", "container.image"):
        yield text(f"evt.infra.docker.{name}", "Always absent.", absent)
