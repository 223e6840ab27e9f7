"""Fields of the process that has made the event."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from falcocore.api import Argument, ArgumentKind, Field, FieldType, Value
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import absent, flag, of_thread, text, vector
from falcocore_syscall.state.threads import Thread

_INDEXED = Argument(ArgumentKind.INDEX)


def command_line(thread: Thread) -> str:
    """The short name and the arguments."""
    return " ".join((thread.comm, *vector(thread.args)))


def _args(index: int | None) -> Callable[[Event], Value]:
    if index is None:
        return of_thread(lambda thread: " ".join(vector(thread.args)))

    def get(thread: Thread) -> str:
        args = vector(thread.args)
        return args[index] if index < len(args) else ""

    return of_thread(get)


def environment(thread: Thread) -> list[str]:
    """The environment, which a process's threads share."""
    main = thread.main
    return [] if main is None else vector(main.env)


def variable(thread: Thread, name: str) -> str:
    """The value of a variable; empty where it is not set."""
    start = name + "="
    return next((it[len(start) :].strip() for it in environment(thread) if it.startswith(start)), "")


def _env(name: str | None) -> Callable[[Event], Value]:
    if name is None:
        return of_thread(lambda thread: " ".join(environment(thread)))
    return of_thread(lambda thread: variable(thread, name))


def duration(event: Event, thread: Thread | None) -> int | None:
    """Nanoseconds since the process was made; None where that is not known."""
    if thread is None or not thread.clone_time_ns:
        return None
    return max(0, event.time_ns - thread.clone_time_ns)


def _known(number: int) -> int | None:
    """Numbers below 0 stand for what is not known."""
    return number if number >= 0 else None


def _or_none(number: int) -> int | None:
    return number or None


def _after(later_ns: int, earlier_ns: int) -> int | None:
    return later_ns - earlier_ns if earlier_ns and later_ns > earlier_ns else None


def _number(name: str, kind: FieldType, doc: str, get: Callable[[Thread], Value]) -> Field:
    return Field(name, kind, doc, of_thread(get))


def process_fields() -> Iterator[Field]:
    """Fields `proc.*` of the process itself."""
    yield text("proc.exe", "First argument: usually the name that it was called by.", _exe)
    yield text("proc.exepath", "Path of the program.", of_thread(lambda t: t.exepath))
    yield text("proc.name", "Short name of the program, at most 15 bytes.", of_thread(lambda t: t.comm))
    args = "Arguments without the first, with blanks between; an index picks one."
    yield Field("proc.args", FieldType.STRING, args, _args, argument=_INDEXED)
    yield text("proc.cmdline", "Short name and arguments.", of_thread(command_line))
    line = "First argument and all others."
    yield text("proc.exeline", line, of_thread(lambda t: " ".join((t.exe, *vector(t.args)))))
    count = "Number of arguments without the first."
    yield _number("proc.cmdnargs", FieldType.UINT64, count, lambda t: len(vector(t.args)))
    size = "Bytes of all arguments without the first."
    yield _number("proc.cmdlenargs", FieldType.UINT64, size, _args_length)
    env = "Environment, with blanks between; a name picks the value of a variable."
    yield Field("proc.env", FieldType.STRING, env, _env, argument=Argument(ArgumentKind.KEY))
    yield text("proc.cwd", "Working directory, with a slash at its end.", of_thread(_cwd))
    tty = "Number of the controlling terminal; 0 without one."
    yield _number("proc.tty", FieldType.UINT32, tty, lambda t: t.tty)
    yield _number("proc.pid", FieldType.INT64, "Process id.", lambda t: t.pid)
    vpid = "Process id in its own namespace."
    yield _number("proc.vpid", FieldType.INT64, vpid, lambda t: _known(t.vpid))
    yield _number("proc.sid", FieldType.INT64, "Session id.", lambda t: t.sid)
    yield _number("proc.vpgid", FieldType.INT64, "Process group in its own namespace.", lambda t: t.vpgid)
    yield _number("proc.pgid", FieldType.INT64, "Process group on the host.", lambda t: t.pgid)
    since = "Nanoseconds since it was made."
    yield Field("proc.duration", FieldType.RELTIME, since, lambda e: duration(e, e.thread))
    made = "When it was made, in nanoseconds since 1970."
    yield _number("proc.pid.ts", FieldType.RELTIME, made, lambda t: _or_none(t.clone_time_ns))
    yield from _program_fields()
    leads = "True where it leads its"
    yield flag("proc.is_sid_leader", f"{leads} session.", of_thread(lambda t: t.sid == t.vpid))
    yield flag("proc.is_vpgid_leader", f"{leads} process group.", of_thread(lambda t: t.vpgid == t.vpid))
    yield flag(
        "proc.is_pgid_leader", f"{leads} process group on the host.", of_thread(lambda t: t.pgid == t.pid)
    )
    yield from _resource_fields()
    yield from _standard_fields()
    for name in ("healthcheck", "liveness_probe", "readiness_probe"):
        yield flag(f"proc.is_container_{name}", "Always absent.", absent, deprecated=True)


def _exe(event: Event) -> str | None:
    return None if event.thread is None else event.thread.exe


def _cwd(thread: Thread) -> str:
    return thread.working_directory


def _args_length(thread: Thread) -> int:
    return sum(len(arg.encode("utf-8", "surrogateescape")) for arg in vector(thread.args))


def _program_fields() -> Iterator[Field]:
    """Of the file that the program is."""
    where = "True where the program's file"
    yield flag("proc.is_exe_writable", f"{where} may be written by it.", of_thread(lambda t: t.exe_writable))
    upper = f"{where} is in the upper layer of an overlay: it was changed in the container."
    yield flag("proc.is_exe_upper_layer", upper, of_thread(lambda t: t.exe_upper_layer))
    lower = f"{where} is in a lower layer of an overlay: it came with the image."
    yield flag("proc.is_exe_lower_layer", lower, of_thread(lambda t: t.exe_lower_layer))
    memory = f"{where} is only in memory."
    yield flag("proc.is_exe_from_memfd", memory, of_thread(lambda t: t.exe_from_memfd))
    inode = "Inode of the program's file."
    yield _number("proc.exe_ino", FieldType.INT64, inode, lambda t: _or_none(t.exe_ino))
    changed = "When the inode of the program's file was changed."
    yield _number("proc.exe_ino.ctime", FieldType.ABSTIME, changed, lambda t: _or_none(t.exe_ino_ctime_ns))
    written = "When the program's file was written."
    yield _number("proc.exe_ino.mtime", FieldType.ABSTIME, written, lambda t: _or_none(t.exe_ino_mtime_ns))
    yield _number(
        "proc.exe_ino.ctime_duration_proc_start",
        FieldType.ABSTIME,
        "Nanoseconds from the change of the inode to the start of the process.",
        lambda t: _after(t.clone_time_ns, t.exe_ino_ctime_ns),
    )
    yield _number(
        "proc.exe_ino.ctime_duration_pidns_start",
        FieldType.ABSTIME,
        "Nanoseconds from the start of the pid namespace to the change of the inode.",
        lambda t: _after(t.exe_ino_ctime_ns, t.pidns_start_ns),
    )
    start = "When the pid namespace was made."
    yield _number("proc.pidns_init_start_ts", FieldType.UINT64, start, lambda t: t.pidns_start_ns)


def _fd_usage(thread: Thread) -> float | None:
    return 100 * len(thread.fds) / thread.fdlimit if thread.fdlimit > 0 else None


def _resource_fields() -> Iterator[Field]:
    opened = "Number of its descriptors."
    yield _number("proc.fdopencount", FieldType.UINT64, opened, lambda t: len(t.fds))
    most = "How many descriptors it may have."
    yield _number("proc.fdlimit", FieldType.INT64, most, lambda t: t.fdlimit)
    share = "Percentage of the descriptors that it may have."
    yield _number("proc.fdusage", FieldType.DOUBLE, share, _fd_usage)
    memory = "memory in kilobytes, as of its last start or clone."
    yield _number("proc.vmsize", FieldType.UINT64, f"Virtual {memory}", lambda t: t.vmsize_kb)
    yield _number("proc.vmrss", FieldType.UINT64, f"Resident {memory}", lambda t: t.vmrss_kb)
    yield _number("proc.vmswap", FieldType.UINT64, f"Swapped {memory}", lambda t: t.vmswap_kb)


def _standard_fields() -> Iterator[Field]:
    """Of the descriptors 0, 1 and 2."""

    def of_entry(number: int, attribute: str) -> Callable[[Event], Value]:
        def get(thread: Thread) -> Value:
            entry = thread.fds.get(number)
            if entry is None:
                return None
            return entry.type.label if attribute == "type" else entry.name

        return of_thread(get)

    for number, name in enumerate(("stdin", "stdout", "stderr")):
        yield text(f"proc.{name}.type", f"Type of descriptor {number}.", of_entry(number, "type"))
        yield text(f"proc.{name}.name", f"Name of descriptor {number}.", of_entry(number, "name"))
