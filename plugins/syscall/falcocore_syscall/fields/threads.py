"""Fields of the thread that has made the event."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from falcocore.api import Argument, ArgumentKind, Field, FieldType, Value
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import absent, flag, of_thread, text
from falcocore_syscall.state.containers import cgroup_paths
from falcocore_syscall.state.threads import Thread
from falcocore_syscall.tables import CAPABILITIES

_BYTES_PER_KB = 1024


def capability_names(bits: int) -> str:
    """The names of capabilities, in the order of their bits."""
    return " ".join(name for bit, name in enumerate(CAPABILITIES) if bits >> bit & 1)


def _cgroup(subsystem: str | None) -> Callable[[Event], Value]:
    def get(thread: Thread) -> Value:
        return next((path for name, path in cgroup_paths(thread.cgroups) if name == subsystem), None)

    return of_thread(get)


def _living(thread: Thread) -> int:
    group = thread.group
    return 0 if group is None else sum(not it.dead for it in group.threads.values())


def _living_children(thread: Thread) -> int:
    group = thread.group
    if group is None:
        return 0
    return sum(not it.dead for it in group.threads.values() if it is not group.leader)


def _cgroups(thread: Thread) -> str:
    return " ".join(f"{name}={path}" for name, path in cgroup_paths(thread.cgroups))


def thread_fields() -> Iterator[Field]:
    """Fields `thread.*`, and `proc.*` that count threads."""
    for kind in ("permitted", "inheritable", "effective"):
        yield text(
            f"thread.cap_{kind}",
            f"The {kind} capabilities, with blanks between.",
            of_thread(lambda t, name=f"cap_{kind}": capability_names(getattr(t, name))),  # type: ignore[misc]
        )
    uint, double = FieldType.UINT64, FieldType.DOUBLE
    faults = "page faults, as of its last start or clone."
    yield Field("thread.pfmajor", uint, f"Major {faults}", of_thread(lambda t: t.pfmajor))
    yield Field("thread.pfminor", uint, f"Minor {faults}", of_thread(lambda t: t.pfminor))
    yield Field("thread.tid", FieldType.INT64, "Thread id.", lambda event: event.tid)
    yield flag("thread.ismain", "True for the main thread of a process.", of_thread(lambda t: t.is_main))
    own = "Thread id in its own namespace."
    yield Field("thread.vtid", FieldType.INT64, own, of_thread(lambda t: t.vtid if t.vtid >= 0 else None))
    yield text("thread.nametid", "Short name and thread id.", of_thread(lambda t: f"{t.comm}{t.tid}"))
    yield text("thread.cgroups", "Control groups: subsystem=path, with blanks between.", of_thread(_cgroups))
    yield Field(
        "thread.cgroup",
        FieldType.STRING,
        "Path of one control group, by its subsystem.",
        _cgroup,
        argument=Argument(ArgumentKind.KEY, required=True, dotted=True),
    )
    yield Field("proc.nthreads", uint, "Living threads of the process.", of_thread(_living))
    others = "Living threads of the process but for the main one."
    yield Field("proc.nchilds", uint, others, of_thread(_living_children))
    for name in ("thread.exectime", "thread.totexectime"):
        yield Field(name, FieldType.RELTIME, "Time on a processor; not recorded.", absent)
    for name in ("thread.cpu", "thread.cpu.user", "thread.cpu.system"):
        yield Field(name, double, "Share of a processor; not recorded.", absent)
    for name, attribute, what in (("vmsize", "vmsize_kb", "Virtual"), ("vmrss", "vmrss_kb", "Resident")):
        yield Field(
            f"thread.{name}",
            uint,
            f"{what} memory in kilobytes of the process.",
            of_thread(lambda t, name=attribute: _of_main(t, name)),  # type: ignore[misc]
        )
        yield Field(
            f"thread.{name}.b",
            uint,
            f"{what} memory in bytes of the process.",
            of_thread(lambda t, name=attribute: _of_main(t, name) * _BYTES_PER_KB),  # type: ignore[misc]
        )


def _of_main(thread: Thread, attribute: str) -> int:
    """Memory is counted for the main thread only."""
    value: int = getattr(thread, attribute) if thread.is_main else 0
    return value
