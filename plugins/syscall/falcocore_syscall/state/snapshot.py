"""Threads and descriptors as they were listed at the start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from falcocore_syscall.scap.records import FdListRecord, FdRecord, ThreadRecord
from falcocore_syscall.state.containers import container_id
from falcocore_syscall.state.fds import (
    BY_NUMBER,
    IP_SOCKETS,
    L4,
    O_CLOEXEC,
    SERVERS,
    Fd,
    FdType,
    FileFd,
    PlainFd,
    Role,
    SocketFd,
    end_text,
    pair_text,
)
from falcocore_syscall.state.paths import with_slash
from falcocore_syscall.state.threads import CLONE_FILES, Thread, ThreadTable

T = TypeVar("T", bound=Thread)


def load_threads(table: ThreadTable, records: Sequence[ThreadRecord]) -> None:
    """Put the listed threads into an empty table; `complete` links them."""
    for record in records:
        thread = table[record.tid] = as_thread(record, Thread)
        thread.journal = table.journal


def load_fds(table: ThreadTable, record: FdListRecord) -> None:
    """Give a listed thread its descriptors."""
    thread = table.get(record.tid)
    if thread is not None:
        thread.fds = {fd.fd: as_fd(fd) for fd in record.fds}


def complete(table: ThreadTable) -> None:
    """Find groups and parents, and which end of each listed socket is the server's."""
    for thread in list(table.values()):
        if thread.ptid not in table:
            thread.ptid = 0
        table.link(thread)
    for thread in table.values():
        main = thread.main
        if main is not thread and main is not None and thread.flags & CLONE_FILES:
            thread.fds = main.fds
    ports = {
        fd.dport
        for thread in table.values()
        for fd in thread.fds.values()
        if isinstance(fd, SocketFd) and fd.type in SERVERS
    }
    for thread in table.values():
        if thread.main is thread:
            for number, fd in thread.fds.items():
                if isinstance(fd, SocketFd) and fd.type is FdType.IPV4:
                    thread.fds[number] = _with_role(fd, ports)


def _with_role(fd: SocketFd, server_ports: set[int]) -> SocketFd:
    is_server = fd.sport in server_ports
    if is_server:
        fd.source, fd.destination = fd.destination, fd.source
        fd.sport, fd.dport = fd.dport, fd.sport
        fd.name = pair_text(fd.l4, fd.source, fd.sport, fd.destination, fd.dport)
    fd.role = Role.SERVER if is_server else Role.CLIENT
    return fd


def as_thread(record: ThreadRecord, kind: type[T]) -> T:
    """A thread that is in no table yet."""
    thread = kind(record.tid, record.pid, record.ptid)
    thread.vtid, thread.vpid = record.vtid, record.vpid
    thread.sid, thread.vpgid, thread.pgid = record.sid, record.vpgid, record.pgid
    thread.comm, thread.exe = _text(record.comm), _text(record.exe)
    thread.exepath, thread.root = _text(record.exepath), _text(record.root)
    thread.args, thread.env, thread.cgroups = record.args, record.env, record.cgroups
    thread.cwd = with_slash(_text(record.cwd)) if record.cwd else ""
    thread.uid, thread.gid, thread.loginuid = record.uid, record.gid, record.loginuid
    thread.tty, thread.flags, thread.fdlimit = record.tty, record.flags, record.fdlimit
    thread.cap_permitted, thread.cap_effective = record.cap_permitted, record.cap_effective
    thread.cap_inheritable = record.cap_inheritable
    thread.exe_ino = record.exe_ino
    thread.exe_ino_ctime_ns, thread.exe_ino_mtime_ns = record.exe_ino_ctime_ns, record.exe_ino_mtime_ns
    thread.exe_writable, thread.exe_from_memfd = bool(record.exe_writable), bool(record.exe_from_memfd)
    thread.exe_upper_layer, thread.exe_lower_layer = (
        bool(record.exe_upper_layer),
        bool(record.exe_lower_layer),
    )
    thread.pidns_start_ns = record.pidns_init_start_ns
    thread.vmsize_kb, thread.vmrss_kb, thread.vmswap_kb = record.vmsize_kb, record.vmrss_kb, record.vmswap_kb
    thread.pfmajor, thread.pfminor = record.pfmajor, record.pfminor
    thread.container_id = container_id(record.cgroups)
    return thread


def as_fd(record: FdRecord) -> Fd:
    """A descriptor as tables hold it."""
    kind = BY_NUMBER.get(record.type, FdType.UNSUPPORTED)
    if kind in IP_SOCKETS:
        l4 = L4(record.l4proto) if record.l4proto <= L4.RAW.value else L4.UNKNOWN
        fd = SocketFd(
            kind,
            "",
            l4,
            record.source,
            record.sport,
            record.destination,
            record.dport,
            Role.SERVER if kind in SERVERS else Role.NONE,
            ino=record.ino,
        )
        fd.name = (
            end_text(fd.destination, fd.dport)
            if kind in SERVERS
            else pair_text(l4, fd.source, fd.sport, fd.destination, fd.dport)
        )
        return fd
    if kind is FdType.FILE:
        return FileFd(kind, record.name, "", record.flags, record.dev, record.ino)
    cloexec = record.flags & O_CLOEXEC != 0
    return PlainFd(kind, _text(record.name), record.flags, record.ino, record.dev, cloexec)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
