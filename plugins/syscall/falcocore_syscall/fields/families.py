"""Fields of the processes above: parents, ancestors, leaders of sessions and groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from falcocore.api import Argument, ArgumentKind, Field, FieldType, Several, Value
from falcocore_syscall.event import Event
from falcocore_syscall.fields.processes import command_line, duration, environment, variable
from falcocore_syscall.fields.reading import text, vector
from falcocore_syscall.state.threads import Thread

Read = Callable[[Thread], str]


def parent(event: Event) -> Thread | None:
    """The main thread of the parent process."""
    return None if event.thread is None else event.machine.threads.parent_of(event.thread)


def ancestor(event: Event, number: int) -> Thread | None:
    """The main thread of the process so far up; 0 is the process itself."""
    thread = event.thread
    if thread is None:
        return None
    if number == 0:
        return thread.main
    if number == 1:
        return event.machine.threads.parent_of(thread)
    return next(islice(event.machine.threads.ancestors(thread), number - 1, None), None)


def _of_parent(read: Callable[[Thread], Value]) -> Callable[[Event], Value]:
    def get(event: Event) -> Value:
        found = parent(event)
        return None if found is None else read(found)

    return get


def _ancestral(name: str, what: str, read: Read) -> Field:
    """A field of one ancestor by index; without one a check holds if it holds for any of them."""
    doc = f"{what} of an ancestor: 1 is the parent. Without index, that of any ancestor."

    def values(event: Event) -> list[str]:
        if event.thread is None:
            return []
        return [read(it) for it in event.machine.threads.ancestors(event.thread)]

    def shown(event: Event) -> str | None:
        return " ".join(values(event)) or None

    any_of_them = Field(
        name, FieldType.STRING, doc, values, several=Several.ANY, captured=shown, usable_on_right=False
    )

    def bind(index: int | None) -> Field | Callable[[Event], Value]:
        if index is None:
            return any_of_them

        def get(event: Event) -> Value:
            found = ancestor(event, index)
            return None if found is None else read(found)

        return get

    return Field(
        name,
        FieldType.STRING,
        doc,
        bind,
        argument=Argument(ArgumentKind.INDEX),
        transformable=False,
        usable_on_right=False,
    )


def _ancestral_env() -> Field:
    """By index the environment of one ancestor, by name the variable of the nearest that has it."""
    plain = _ancestral("proc.aenv", "Environment", lambda thread: " ".join(environment(thread)))

    def bind(key: str | None) -> Field | Callable[[Event], Value]:
        if key is None or (key.isascii() and key.isdigit()):
            made: Field | Callable[[Event], Value] = plain.getter(None if key is None else int(key))
            return made

        def get(event: Event) -> Value:
            if event.thread is None:
                return None
            above = event.machine.threads.ancestors(event.thread)
            return next((value for it in above if (value := variable(it, key))), "")

        return get

    doc = "Environment of an ancestor by index, or a variable of the nearest ancestor that has it by name."
    return Field(
        "proc.aenv",
        FieldType.STRING,
        doc,
        bind,
        argument=Argument(ArgumentKind.KEY),
        transformable=False,
        usable_on_right=False,
    )


def _ancestral_pid() -> Field:
    doc = "Process id of an ancestor: 1 is the parent. Without index, that of any ancestor."

    def values(event: Event) -> list[int]:
        if event.thread is None:
            return []
        return [it.pid for it in event.machine.threads.ancestors(event.thread)]

    def shown(event: Event) -> int | None:
        return next(iter(values(event)), None)

    any_of_them = Field(
        "proc.apid", FieldType.INT64, doc, values, several=Several.ANY, captured=shown, usable_on_right=False
    )

    def bind(index: int | None) -> Field | Callable[[Event], Value]:
        if index is None:
            return any_of_them

        def get(event: Event) -> Value:
            found = ancestor(event, index)
            return None if found is None else found.pid

        return get

    return Field(
        "proc.apid",
        FieldType.INT64,
        doc,
        bind,
        argument=Argument(ArgumentKind.INDEX),
        transformable=False,
        usable_on_right=False,
    )


def _leader(event: Event, attribute: str) -> Thread | None:
    """The process that leads the session or group: by its id, else the highest ancestor that shares it."""
    thread = event.thread
    if thread is None:
        return None
    wanted: int = getattr(thread, attribute)
    if wanted < 0:
        return None
    if not thread.in_pid_namespace and (found := event.machine.threads.get(wanted)) is not None:
        return found
    last = None
    for above in event.machine.threads.ancestors(thread):
        if getattr(above, attribute) != wanted:
            break
        last = above
    return last


def _of_leader(attribute: str, read: Read) -> Callable[[Event], Value]:
    def get(event: Event) -> Value:
        if event.thread is None:
            return None
        found = _leader(event, attribute)
        return "" if found is None else read(found)

    return get


def _login_shell(event: Event) -> int | None:
    if event.thread is None or event.thread.main is None:
        return None
    line = [event.thread.main, *event.machine.threads.ancestors(event.thread)]
    shells = [thread.pid for thread in line if thread.comm.endswith("sh")]
    return shells[-1] if shells else None


def family_fields() -> Iterator[Field]:
    """Fields of parents, ancestors and leaders."""
    yield text("proc.pexe", "First argument of the parent.", _of_parent(lambda t: t.exe))
    yield _ancestral("proc.aexe", "First argument", lambda t: t.exe)
    yield text("proc.pexepath", "Path of the parent's program.", _of_parent(lambda t: t.exepath))
    yield _ancestral("proc.aexepath", "Path of the program", lambda t: t.exepath)
    yield text("proc.pname", "Short name of the parent.", _of_parent(lambda t: t.comm))
    yield _ancestral("proc.aname", "Short name", lambda t: t.comm)
    yield _ancestral("proc.aargs", "Arguments", lambda t: " ".join(vector(t.args)))
    yield text("proc.pcmdline", "Short name and arguments of the parent.", _of_parent(command_line))
    yield _ancestral("proc.acmdline", "Short name and arguments", command_line)
    yield _ancestral_env()
    shell = "Process id of the highest ancestor, or itself, that is a shell."
    yield Field("proc.loginshellid", FieldType.INT64, shell, _login_shell)
    yield Field("proc.ppid", FieldType.INT64, "Process id of the parent.", _of_parent(lambda t: t.pid))
    yield _ancestral_pid()
    own = "Process id of the parent in its own namespace."
    yield Field("proc.pvpid", FieldType.INT64, own, _of_parent(lambda t: t.vpid if t.vpid >= 0 else None))
    since = "Nanoseconds since the parent was made."
    yield Field("proc.ppid.duration", FieldType.RELTIME, since, lambda e: duration(e, parent(e)))
    made = "When the parent was made, in nanoseconds since 1970."
    yield Field("proc.ppid.ts", FieldType.RELTIME, made, _of_parent(lambda t: t.clone_time_ns or None))
    for name, attribute, who in (
        ("proc.sname", "sid", "leader of the session"),
        ("proc.vpgid.name", "vpgid", "leader of the process group"),
        ("proc.pgid.name", "pgid", "leader of the process group on the host"),
    ):
        base = f"proc.{attribute}"
        yield text(name, f"Short name of the {who}.", _of_leader(attribute, lambda t: t.comm))
        yield text(f"{base}.exe", f"First argument of the {who}.", _of_leader(attribute, lambda t: t.exe))
        path = f"Path of the program of the {who}."
        yield text(f"{base}.exepath", path, _of_leader(attribute, lambda t: t.exepath))
