"""Processes begin, run programs and end, and say who they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls import call as ops
from falcocore_syscall.live.calls.call import Call, Op, Read, call
from falcocore_syscall.live.flags import CLONE_VFORK_AND_VM, clone_flags
from falcocore_syscall.live.items import ItemKind, ProcessItem
from falcocore_syscall.live.reads import (
    NOT_AVAILABLE,
    absent,
    constant,
    memory_number,
    packed,
    result,
    text,
)
from falcocore_syscall.live.record import RecordFlag
from falcocore_syscall.live.threads import LiveThread
from falcocore_syscall.state.threads import CHILD_IN_PIDNS
from falcocore_syscall.tables import EVENTS

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent
    from falcocore_syscall.state.threads import Thread

EXECVE, PROCEXIT = 293, 186
_CLONE_ARGS_BYTES = 8
_LOW_32 = 0xFFFFFFFF
_TID, _PID, _PPID = 4, 5, 6
_UID, _GID, _LOGINUID = 17, 18, 19
_VTID, _VPID, _PGID = 21, 22, 24
_PIDNS_START = 27
_CORE_DUMPED, _SIGNAL = 0x80, 0x7F


def _head(place: int, size: int) -> Read:
    """A number of the head."""
    return lambda event: packed(event.record.head[place], size)


def _of_thread(get: Callable[[Thread], int], size: int) -> Read:
    """A number that is known of the thread."""

    def read(event: LiveEvent) -> bytes:
        thread = event.thread
        return NOT_AVAILABLE if thread is None else packed(get(thread), size)

    return read


def _of_process(name: str, size: int, kept: str) -> Read:
    """A number that the record may have; else what is known of the thread."""
    place = ProcessItem._fields.index(name)

    def read(event: LiveEvent) -> bytes:
        process = event.record.process()
        if process is not None:
            return packed(process[place], size)
        thread = event.thread
        return NOT_AVAILABLE if thread is None else packed(getattr(thread, kept), size)

    return read


def _exe_flags(event: LiveEvent) -> bytes:
    """What is known of the program's file."""
    process = event.record.process()
    if process is not None:
        return packed(process.exe_flags, 4)
    thread = event.thread
    if thread is None:
        return NOT_AVAILABLE
    found = thread.exe_writable | thread.exe_upper_layer << 1
    return packed(found | thread.exe_from_memfd << 2 | thread.exe_lower_layer << 3, 4)


def _exe(arg: int) -> Read:
    """The first argument of the program that is started."""

    def read(event: LiveEvent) -> bytes:
        found = event.record.item(ItemKind.ARGV, arg)
        return NOT_AVAILABLE if found is None else found.partition(b"\0")[0] + b"\0"

    return read


def _args(arg: int) -> Read:
    """The other arguments."""
    return lambda event: (event.record.item(ItemKind.ARGV, arg) or b"").partition(b"\0")[2]


def _env(arg: int) -> Read:
    return lambda event: event.record.item(ItemKind.ENV, arg) or NOT_AVAILABLE


def _comm(event: LiveEvent) -> bytes:
    return event.record.comm + b"\0"


def _thread_exe(event: LiveEvent) -> bytes:
    thread = event.thread
    return NOT_AVAILABLE if thread is None else thread.exe.encode("utf-8", "surrogateescape") + b"\0"


def _thread_args(event: LiveEvent) -> bytes:
    return NOT_AVAILABLE if event.thread is None else event.thread.args


def _cgroups(event: LiveEvent) -> bytes:
    return NOT_AVAILABLE if event.thread is None else event.thread.cgroups


def _exe_path(event: LiveEvent) -> bytes:
    found = event.record.item(ItemKind.EXE)
    if found is not None:
        return found + b"\0"
    thread = event.thread
    return NOT_AVAILABLE if thread is None else thread.exepath.encode("utf-8", "surrogateescape") + b"\0"


def _executed(first: Read, argv: int, env: int, *last: Read) -> tuple[Read, ...]:
    """The parameters of execve and execveat; the arguments belong to those of the call, or to none."""
    return (
        first,
        _exe(argv),
        _args(argv),
        _head(_TID, 8),
        _head(_PID, 8),
        _head(_PPID, 8),
        absent,
        _of_process("fdlimit", 8, "fdlimit"),
        _of_process("pfmajor", 8, "pfmajor"),
        _of_process("pfminor", 8, "pfminor"),
        _of_process("vmsize_kb", 4, "vmsize_kb"),
        _of_process("vmrss_kb", 4, "vmrss_kb"),
        _of_process("vmswap_kb", 4, "vmswap_kb"),
        _comm,
        _cgroups,
        _env(env),
        _of_process("tty", 4, "tty"),
        _of_process("vpgid", 8, "vpgid"),
        _head(_LOGINUID, 4),
        _exe_flags,
        _of_process("cap_inheritable", 8, "cap_inheritable"),
        _of_process("cap_permitted", 8, "cap_permitted"),
        _of_process("cap_effective", 8, "cap_effective"),
        _of_process("exe_ino", 8, "exe_ino"),
        _of_process("exe_ctime_ns", 8, "exe_ino_ctime_ns"),
        _of_process("exe_mtime_ns", 8, "exe_ino_mtime_ns"),
        _head(_UID, 4),
        _exe_path,
        _head(_PGID, 8),
        _head(_GID, 4),
        *last,
    )


def _cloned(flags_of: Callable[[LiveEvent], int]) -> tuple[Read, ...]:
    """The parameters of calls that make a thread or process, on both sides: of the thread that returns."""

    def read_flags(event: LiveEvent) -> bytes:
        inside = event.record.flags & RecordFlag.IN_PID_NAMESPACE
        return packed(clone_flags(flags_of(event)) | (CHILD_IN_PIDNS if inside else 0), 4)

    return (
        result,
        _thread_exe,
        _thread_args,
        _head(_TID, 8),
        _head(_PID, 8),
        _head(_PPID, 8),
        absent,
        _of_thread(lambda thread: thread.fdlimit, 8),
        _of_thread(lambda thread: thread.pfmajor, 8),
        _of_thread(lambda thread: thread.pfminor, 8),
        _of_thread(lambda thread: thread.vmsize_kb, 4),
        _of_thread(lambda thread: thread.vmrss_kb, 4),
        _of_thread(lambda thread: thread.vmswap_kb, 4),
        _comm,
        _cgroups,
        read_flags,
        _head(_UID, 4),
        _head(_GID, 4),
        _head(_VTID, 8),
        _head(_VPID, 8),
        _head(_PIDNS_START, 8),
    )


def _status(event: LiveEvent) -> bytes:
    return packed(event.record.args[0], 8)


def _returned_status(event: LiveEvent) -> bytes:
    code = event.record.args[0]
    return packed(code >> 8 & 0xFF if not code & _SIGNAL else 0, 8)


def _signal(event: LiveEvent) -> bytes:
    return packed(event.record.args[0] & _SIGNAL, 1)


def _core(event: LiveEvent) -> bytes:
    return packed(int(event.record.args[0] & _CORE_DUMPED != 0), 1)


def _reaper(event: LiveEvent) -> bytes:
    thread = event.thread
    return packed(thread.reaper if isinstance(thread, LiveThread) else 0, 8)


def _program(path: Op, argv: int) -> dict[str, tuple[Op, ...]]:
    return {"ops": (path, ops.arguments(argv), ops.environment(argv + 1), ops.PROCESS)}


_none = 7
EXECUTED = Call(EVENTS[EXECVE].name, EXECVE, _executed(constant(0, 8), _none, _none, text(0)))
"""Of the record of a program that has started."""
EXITED = Call(EVENTS[PROCEXIT].name, PROCEXIT, (_status, _returned_status, _signal, _core, _reaper))
"""Of the record of a thread that has ended."""

CALLS: Mapping[str, Call] = dict(
    (
        call("execve", *_executed(result, 1, 2, text(0)), **_program(ops.path(0), 1)),
        call("execveat", *_executed(result, 2, 3), **_program(ops.path(1, 0), 2)),
        call("fork", *_cloned(lambda _event: 0)),
        call("vfork", *_cloned(lambda _event: CLONE_VFORK_AND_VM)),
        call("clone", *_cloned(lambda event: event.record.args[0] & _LOW_32)),
        call(
            "clone3", *_cloned(lambda event: memory_number(event, 0, 0, _CLONE_ARGS_BYTES) or 0),
            ops=(ops.memory(0, _CLONE_ARGS_BYTES),),
        ),
    )
)  # fmt: skip
"""Calls by the kernel's names."""
