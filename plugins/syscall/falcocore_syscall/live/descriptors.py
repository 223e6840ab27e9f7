"""What descriptors stand for, by what the kernel saw of them: for files and what has no addresses."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls.call import Find, Found
from falcocore_syscall.live.flags import device, file_flags
from falcocore_syscall.live.items import FileItem, SocketItem
from falcocore_syscall.live.reads import memory_number, signed_32
from falcocore_syscall.live.sockets import exchanged_entry, socket_entry
from falcocore_syscall.state.fds import O_CLOEXEC, O_DIRECTORY, Fd, FdType, FileFd, PlainFd
from falcocore_syscall.state.files import AT_FDCWD

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcocore_syscall.live.event import LiveEvent

_DIRECTORY, _FILE = FdType.DIRECTORY, FdType.FILE
_MEMFD = 4
_MEMFD_NAME = b"memfd:"
_ANONYMOUS = {
    b"[eventfd]": FdType.EVENT,
    b"[eventpoll]": FdType.EVENTPOLL,
    b"inotify": FdType.INOTIFY,
    b"[signalfd]": FdType.SIGNALFD,
    b"[timerfd]": FdType.TIMERFD,
    b"[io_uring]": FdType.IO_URING,
    b"[userfaultfd]": FdType.USERFAULTFD,
    b"[pidfd]": FdType.PIDFD,
}
_BPF_NAMES = b"bpf"
_PIPE_NAME = b"pipe:["
_NO_PATH = (b"", b"/")


def entry_of(item: FileItem | SocketItem, event: LiveEvent) -> Fd:
    """What a descriptor stands for that was there before the call."""
    if isinstance(item, SocketItem):
        return socket_entry(item, event)
    if item.kind:
        return PlainFd(_anonymous(item.path), ino=item.ino)
    if item.marks & _MEMFD:
        given = item.path.partition(_MEMFD_NAME)[2] or item.path
        return PlainFd(FdType.MEMFD, given.decode("utf-8", "surrogateescape"), ino=item.ino)
    if stat.S_ISFIFO(item.mode) and (item.path in _NO_PATH or item.path.lstrip(b"/").startswith(_PIPE_NAME)):
        return PlainFd(FdType.PIPE, ino=item.ino)
    flags = event.call.numbers.open_flags(item.flags) | file_flags(item.marks)
    kind = _DIRECTORY if stat.S_ISDIR(item.mode) else _FILE
    path = b"" if item.path == b"/" and kind is _FILE else item.path
    return FileFd(kind, path, "", flags, device(item.dev), item.ino, path.decode("utf-8", "surrogateescape"))


def _anonymous(name: bytes) -> FdType:
    known = _ANONYMOUS.get(name)
    if known is not None:
        return known
    return FdType.BPF if name.startswith(_BPF_NAMES) else FdType.UNSUPPORTED


def opened(path_arg: int | None, dirfd_arg: int | None, flags_of: Callable[[LiveEvent], int]) -> Find:
    """A file is opened: it has the name that the kernel knows it by, and that which was given."""

    def find(event: LiveEvent) -> Found:
        record = event.record
        fd = record.ret
        if fd < 0:
            return -1, None, None
        raw = None if path_arg is None else record.text(path_arg)
        flags = flags_of(event)
        kind = _DIRECTORY if flags & O_DIRECTORY else _FILE
        item = event.opened
        if item is None:
            return fd, FileFd(kind, raw or b"", _base(event, raw, dirfd_arg), flags, 0, 0), ""
        _, _, _, dev, ino, marks, _, path = item
        if marks:
            flags |= file_flags(marks)
        if item.is_cut or not item.is_in_directory:
            return fd, FileFd(kind, raw or path, _base(event, raw, dirfd_arg), flags, device(dev), ino), ""
        name = path.decode("utf-8", "surrogateescape")
        return fd, FileFd(kind, path if raw is None else raw, "", flags, device(dev), ino, name), ""

    return find


def _base(event: LiveEvent, raw: bytes | None, dirfd_arg: int | None) -> str:
    """What a path is relative to, where it alone says what was opened."""
    if raw is None or raw[:1] == b"/":
        return ""
    return event.directory(AT_FDCWD if dirfd_arg is None else signed_32(event.record.args[dirfd_arg]))


def used(arg: int) -> Find:
    """A call about a descriptor that is there."""

    def find(event: LiveEvent) -> Found:
        fd = signed_32(event.record.args[arg])
        entry = event.look_up(fd)
        return fd, entry, None if entry is None else entry.name

    return find


def exchanging(arg: int, address_arg: int | None = None) -> Find:
    """A call that reads or writes, of which a datagram's may have an address of its own."""

    def find(event: LiveEvent) -> Found:
        fd = signed_32(event.record.args[arg])
        item = event.record.of_descriptor(fd)
        if isinstance(item, SocketItem):
            return fd, *exchanged_entry(item, event, address_arg)
        entry = event.look_up(fd)
        return fd, entry, None if entry is None else entry.name

    return find


def copied(arg: int, cloexec: Callable[[LiveEvent], bool] = lambda _event: False) -> Find:
    """A descriptor is copied: the event is about the new one."""

    def find(event: LiveEvent) -> Found:
        old = signed_32(event.record.args[arg])
        entry = event.look_up(old)
        if entry is None:
            return (old if event.record.ret < 0 else event.record.ret), None, None
        if event.record.ret < 0:
            return old, entry, entry.name
        return event.record.ret, entry.with_cloexec(cloexec(event)), entry.name

    return find


def made(
    kind: FdType,
    flags_of: Callable[[LiveEvent], int] = lambda _event: 0,
    name_of: Callable[[LiveEvent], str] = lambda _event: "",
) -> Find:
    """A descriptor is made for something that has no path."""

    def find(event: LiveEvent) -> Found:
        fd = event.record.ret
        if fd < 0:
            return -1, None, None
        flags = flags_of(event)
        return fd, PlainFd(kind, name_of(event), flags, cloexec=flags & O_CLOEXEC != 0), ""

    return find


def made_two(kind: FdType, arg: int, flags_of: Callable[[LiveEvent], int] = lambda _event: 0) -> Find:
    """Two descriptors are made, whose numbers are then in memory: the event is about the second."""

    def find(event: LiveEvent) -> Found:
        fds = pair_in_memory(event, arg)
        if event.record.ret != 0 or not fds:
            return -1, None, None
        flags = flags_of(event)
        return fds[1], PlainFd(kind, "", flags, cloexec=flags & O_CLOEXEC != 0), ""

    return find


def pair_in_memory(event: LiveEvent, arg: int) -> tuple[int, ...]:
    """The two descriptors that a call has put into memory; nothing where they could not be read."""
    first, second = (memory_number(event, arg, at, 4) for at in (0, 4))
    return () if first is None or second is None else (signed_32(first), signed_32(second))


def taken(event: LiveEvent) -> Found:
    """A descriptor of another process is copied: it stands for what the record says."""
    fd = event.record.ret
    if fd < 0:
        return -1, None, None
    entry = event.look_up(fd)
    return fd, entry, None if entry is None else ""
