"""Who a process is and what it may: users, groups, sessions, capabilities, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from falcocore_syscall.event import Event
from falcocore_syscall.state.threads import CLONE_NEWUSER, Thread
from falcocore_syscall.tables import CAPABILITIES, types_named

if TYPE_CHECKING:
    from falcocore_syscall.state.machine import Machine

Handler: TypeAlias = "Callable[[Machine, Event, Thread], None]"

PR_SET_CHILD_SUBREAPER = 36
RLIMIT_NOFILE = 7
ALL_CAPABILITIES = (1 << len(CAPABILITIES)) - 1


def _sets(attribute: str, number: int) -> Handler:
    """A successful call puts a parameter, where it is available, into an attribute of the thread."""

    def handle(_machine: Machine, event: Event, thread: Thread) -> None:
        if event.integer(0) == 0 and event.is_available(number):
            setattr(thread, attribute, event.number(number))

    return handle


def _session_set(_machine: Machine, event: Event, thread: Thread) -> None:
    sid = event.integer(0)
    if sid is not None and sid >= 0:
        thread.sid = sid


def _capabilities_set(_machine: Machine, event: Event, thread: Thread) -> None:
    if event.integer(0) == 0:
        thread.cap_inheritable = event.number(1, thread.cap_inheritable)
        thread.cap_permitted = event.number(2, thread.cap_permitted)
        thread.cap_effective = event.number(3, thread.cap_effective)


def _namespace_entered(flags_param: int) -> Handler:
    """In a user namespace of its own a process may do everything."""

    def handle(_machine: Machine, event: Event, thread: Thread) -> None:
        if event.integer(0) == 0 and event.number(flags_param) & CLONE_NEWUSER:
            thread.cap_permitted = thread.cap_effective = thread.cap_inheritable = ALL_CAPABILITIES

    return handle


def _prctl(_machine: Machine, event: Event, thread: Thread) -> None:
    if event.integer(0) == 0 and event.number(1) == PR_SET_CHILD_SUBREAPER and thread.group is not None:
        thread.group.reaps = bool(event.integer(3))


def _limit_told(_machine: Machine, event: Event, thread: Thread) -> None:
    if event.integer(0) == 0 and event.number(3) == RLIMIT_NOFILE:
        thread.fdlimit = _or(event.integer(1), thread.fdlimit)


def _limit_changed(machine: Machine, event: Event, thread: Thread) -> None:
    if event.integer(0) != 0 or event.number(6) != RLIMIT_NOFILE:
        return
    pid = event.integer(5)
    target = machine.threads.get(pid) if pid else thread
    new = event.integer(1)
    if target is not None and new is not None:
        target.fdlimit = new if new >= 0 else _or(event.integer(3), target.fdlimit)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _all(names: tuple[str, ...], handler: Handler) -> dict[int, Handler]:
    return dict.fromkeys(types_named(*names), handler)


HANDLERS: dict[int, Handler] = {
    **_all(("setuid",), _sets("uid", 1)),
    **_all(("setresuid", "setreuid"), _sets("uid", 2)),
    **_all(("setgid",), _sets("gid", 1)),
    **_all(("setresgid", "setregid"), _sets("gid", 2)),
    **_all(("setsid",), _session_set),
    **_all(("capset",), _capabilities_set),
    **_all(("unshare",), _namespace_entered(1)),
    **_all(("setns",), _namespace_entered(2)),
    **_all(("prctl",), _prctl),
    **_all(("getrlimit", "setrlimit"), _limit_told),
    **_all(("prlimit",), _limit_changed),
}
