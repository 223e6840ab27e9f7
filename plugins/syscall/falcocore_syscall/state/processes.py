"""Processes begin, run another program, change who they are, and end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from falcocore_syscall.event import Event, Row
from falcocore_syscall.state.containers import container_id
from falcocore_syscall.state.paths import resolve, with_slash
from falcocore_syscall.state.threads import (
    CHILD_IN_PIDNS,
    CLONE_FILES,
    CLONE_INVERTED,
    CLONE_NEWPID,
    CLONE_PARENT,
    CLONE_THREAD,
    CLONE_VFORK,
    IS_MAIN_THREAD,
    NAME_CHANGED,
    PIPES,
    UNKNOWN_NAME,
    Entered,
    Thread,
)
from falcocore_syscall.tables import types_named

if TYPE_CHECKING:
    from falcocore_syscall.state.machine import Machine

Handler: TypeAlias = "Callable[[Machine, Event, Thread], None]"

CLONES = types_named("clone", "clone3", "fork", "vfork")
VFORK = 227
EXECVE_ENTER, EXECVEAT_ENTER = 292, 330
AT_FDCWD = -100
AT_EMPTY_PATH = 4096
RECENT_NS = 2_000_000_000
"""How long the other side of a clone may come after it, with the same id still meaning the same thread."""


def cloned(machine: Machine, event: Event, caller: Thread | None) -> None:
    """One side of a clone: the caller's, which sees the child's id, or the child's, which sees 0."""
    child = event.integer(0)
    if child is None or child < 0:
        return
    if child:
        _seen_by_parent(machine, event, child, caller)
    else:
        event.thread = _seen_by_child(machine, event)


def _seen_by_parent(machine: Machine, event: Event, tid: int, caller: Thread | None) -> None:
    if caller is None:
        caller = event.thread = Thread.placeholder(event.tid)
        machine.threads.add(caller)
    if not caller.is_valid:
        _complete(machine, event, caller)
    flags = event.number(15)
    if (
        flags & (CHILD_IN_PIDNS | CLONE_NEWPID | CLONE_PARENT | CLONE_VFORK)
        or event.type == VFORK
        or caller.tid != caller.vtid
        or _exited_lately(machine, caller.tid, tid, event.time_ns)
    ):
        return
    known = machine.threads.get(tid)
    if known is not None:
        if known.flags & CLONE_INVERTED:
            return
        remove(machine, known)
    pid, ptid = (caller.pid, caller.ptid) if flags & CLONE_THREAD else (tid, caller.tid)
    _add_child(machine, event, caller, (tid, pid, ptid, tid, pid), flags)


def _seen_by_child(machine: Machine, event: Event) -> Thread:
    tid = event.tid
    known = machine.threads.get(tid)
    if known is not None:
        if known.clone_time_ns and event.time_ns - known.clone_time_ns < RECENT_NS:
            return known
        remove(machine, known)
    flags = event.number(15)
    pid, ptid = event.integer(4) or tid, event.integer(5) or 0
    ids = (tid, pid, ptid, _or(event.integer(18), tid), _or(event.integer(19), pid))
    template = machine.threads.get(pid if flags & CLONE_THREAD else ptid)
    return _add_child(machine, event, template, ids, flags | CLONE_INVERTED)


def _add_child(
    machine: Machine, event: Event, template: Thread | None, ids: tuple[int, int, int, int, int], flags: int
) -> Thread:
    """Make a thread of its template and of what the event says; `ids` are tid, pid, ptid, vtid, vpid."""
    tid, pid, ptid, vtid, vpid = ids
    if template is None:
        child = Thread(tid, pid, ptid)
    else:
        main = template.main or template
        fds = main.fds
        child = template.child(tid, pid, ptid)
        child.cwd, child.env = main.cwd, main.env
        child.fds = fds if flags & CLONE_THREAD else dict(fds)
        if flags & CLONE_THREAD:
            child.exec_time_ns = template.exec_time_ns
    child.vtid, child.vpid = vtid, vpid
    child.exe = event.text(1)
    child.args = event.raw(2) or b""
    child.comm = event.text(13) or child.exe
    _read_numbers(event, child)
    child.uid, child.gid = event.number(16, child.uid), event.number(17, child.gid)
    child.flags = flags | CLONE_FILES if flags & CLONE_THREAD else flags
    child.clone_time_ns = event.time_ns
    cgroups = event.raw(14)
    if cgroups and cgroups != child.cgroups:
        child.cgroups, child.container_id = cgroups, container_id(cgroups)
    boot = machine.boot_time_ns
    child.pidns_start_ns = (event.number(20) + boot) if child.in_pid_namespace else boot
    machine.journal.skip(tid)
    machine.threads.add(child)
    return child


_MEMORY = Row(7, "qQQIII")


def _read_numbers(event: Event, thread: Thread) -> None:
    row = event.row(_MEMORY)
    if row is not None:
        thread.fdlimit, thread.pfmajor, thread.pfminor = row[:3]
        thread.vmsize_kb, thread.vmrss_kb, thread.vmswap_kb = row[3:]
        return
    thread.fdlimit = _or(event.integer(7), thread.fdlimit)
    thread.pfmajor, thread.pfminor = event.number(8), event.number(9)
    thread.vmsize_kb, thread.vmrss_kb, thread.vmswap_kb = event.number(10), event.number(11), event.number(12)


def _complete(machine: Machine, event: Event, thread: Thread) -> None:
    """Give a thread of which only the id was known its place, from a clone that it has made."""
    pid, ptid = event.integer(4), event.integer(5)
    if pid is None or ptid is None or pid < 0 or ptid < 0:
        return
    _ = thread.fds  # What was opened before is relative to an unknown directory.
    thread.pid, thread.ptid = pid, ptid
    thread.vtid, thread.vpid = _or(event.integer(18), thread.tid), _or(event.integer(19), pid)
    machine.threads.link(thread)


def _exited_lately(machine: Machine, parent: int, tid: int, time_ns: int) -> bool:
    when = machine.recent_exits.get((parent, tid))
    return when is not None and time_ns - when < RECENT_NS


def execed(machine: Machine, event: Event, thread: Thread) -> None:
    """A process runs another program, where that has worked."""
    entered, thread.entered = thread.entered, None
    if event.integer(0) != 0:
        return
    thread.exe = event.text(1)
    thread.args = event.raw(2) or b""
    _place(machine, event, thread)
    _read_numbers(event, thread)
    thread.comm = event.text(13) or thread.exe
    if event.is_available(14):
        thread.cgroups = event.raw(14) or b""
    if event.is_available(15):
        thread.env = event.raw(15) or b""
    _read_identity(event, thread)
    thread.pgid = _or(event.integer(28), -1)
    path = event.text(27)
    if not path and entered is not None:
        path = _entered_path(thread, entered)
    thread.exepath = (path or thread.exepath).removesuffix(" (deleted)")
    thread.fds = {fd: entry for fd, entry in thread.fds.items() if not entry.cloexec}
    thread.flags = thread.flags & (IS_MAIN_THREAD | CLONE_INVERTED | PIPES) | NAME_CHANGED
    thread.exec_time_ns = event.time_ns
    thread.container_id = container_id(thread.cgroups)
    if thread.group is not None and len(thread.group.threads) > 1:
        for other in [it for it in thread.group.threads.values() if it is not thread]:
            machine.threads.remove(other)


_IDENTITY = Row(16, "IqIIQQQQQQI")


def _read_identity(event: Event, thread: Thread) -> None:
    """Terminal, process group, user, capabilities and program of a process that was started."""
    row = event.row(_IDENTITY)
    if row is not None:
        thread.tty, thread.vpgid, thread.loginuid, flags = row[:4]
        thread.cap_inheritable, thread.cap_permitted, thread.cap_effective = row[4:7]
        thread.exe_ino, thread.exe_ino_ctime_ns, thread.exe_ino_mtime_ns, thread.uid = row[7:]
    else:
        flags = _read_identity_singly(event, thread)
    thread.gid = event.number(29, thread.gid)
    thread.exe_writable, thread.exe_upper_layer = bool(flags & 1), bool(flags & 2)
    thread.exe_from_memfd, thread.exe_lower_layer = bool(flags & 4), bool(flags & 8)


def _read_identity_singly(event: Event, thread: Thread) -> int:
    """The same where something was not recorded; the flags of the program."""
    thread.tty = event.number(16, thread.tty)
    thread.vpgid = _or(event.integer(17), thread.vpgid)
    thread.loginuid = event.number(18, thread.loginuid)
    thread.cap_inheritable = event.number(20, thread.cap_inheritable)
    thread.cap_permitted = event.number(21, thread.cap_permitted)
    thread.cap_effective = event.number(22, thread.cap_effective)
    thread.exe_ino = event.number(23)
    thread.exe_ino_ctime_ns, thread.exe_ino_mtime_ns = event.number(24), event.number(25)
    thread.uid = event.number(26, thread.uid)
    return event.number(19)


def _place(machine: Machine, event: Event, thread: Thread) -> None:
    pid = event.integer(4)
    _ = thread.fds  # What was opened before is relative to the directory of the process as it was.
    if thread.is_valid:
        if pid is not None and pid != thread.pid and pid >= 0:
            machine.threads.remove(thread)
            thread.pid = pid
            machine.threads.add(thread)
        return
    if pid is None or pid < 0:
        return
    thread.pid, thread.ptid = pid, max(_or(event.integer(5), 0), 0)
    if thread.vtid < 0:
        thread.vtid, thread.vpid = thread.tid, pid
    machine.threads.link(thread)


def _entered_path(thread: Thread, entered: Entered) -> str:
    """Where the program is, by the arguments of the call; for captures whose events don't say."""
    path = entered.path.decode("utf-8", "surrogateescape")
    if entered.type == EXECVE_ENTER:
        return UNKNOWN_NAME if path in ("", UNKNOWN_NAME) else resolve(thread.working_directory, path)
    if path == UNKNOWN_NAME:
        return UNKNOWN_NAME
    directory = thread.fds.get(entered.dirfd)
    if entered.flags & AT_EMPTY_PATH:
        return UNKNOWN_NAME if directory is None else directory.name
    if path.startswith("/"):
        return resolve("", path)
    if entered.dirfd == AT_FDCWD:
        return resolve(thread.working_directory, path)
    return UNKNOWN_NAME if directory is None else resolve(with_slash(directory.name), path)


def exec_entered(_machine: Machine, event: Event, thread: Thread) -> None:
    """A program is about to be run."""
    entered = Entered(event.type)
    if event.type == EXECVEAT_ENTER:
        entered.dirfd = _or(event.integer(0), AT_FDCWD)
        entered.path, entered.flags = event.text_bytes(1), event.number(2)
    else:
        entered.path = event.text_bytes(0)
    thread.entered = entered


def exited(machine: Machine, event: Event, thread: Thread) -> None:
    """A thread has ended; its children get another parent."""
    thread.dead = True
    machine.recent_exits[thread.ptid, thread.tid] = event.time_ns
    if len(machine.recent_exits) > 1024:
        machine.recent_exits = {
            key: when for key, when in machine.recent_exits.items() if event.time_ns - when < RECENT_NS
        }
    children = [child for child in machine.threads.children_of(thread.tid).values() if child is not thread]
    if children:
        reaper = reaper_of(machine, thread, event.integer(4) or 0)
        for child in children:
            machine.threads.move(child, reaper)
    machine.end_thread(thread)


def reaper_of(machine: Machine, thread: Thread, told: int = 0) -> int:
    """Who gets the children of a thread that has ended; 0 for nobody."""
    threads = machine.threads
    if told > 0 and told in threads:
        return told
    group = thread.group
    if group is not None:
        for other in group.threads.values():
            if not other.dead:
                return other.tid
    for ancestor in threads.ancestors(thread):
        if ancestor.in_pid_namespace != thread.in_pid_namespace:
            return 0
        if ancestor.group is not None and ancestor.group.reaps and not ancestor.dead:
            return ancestor.tid
    return 0


def remove(machine: Machine, thread: Thread) -> None:
    """Take a thread out of the table; a main thread stays as long as others of its process live."""
    group = thread.group
    if group is None:
        machine.threads.remove(thread)
        return
    living = any(not it.dead for it in group.threads.values() if it is not thread)
    if thread is group.leader and living and thread.dead:
        return
    machine.threads.remove(thread)
    leader = group.leader
    if leader is not None and leader is not thread and leader.dead and not living:
        machine.threads.remove(leader)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


HANDLERS: dict[int, Handler] = {
    **dict.fromkeys(CLONES, cloned),
    **dict.fromkeys(types_named("execve", "execveat"), execed),
    **dict.fromkeys((EXECVE_ENTER, EXECVEAT_ENTER), exec_entered),
    186: exited,
}
