"""An event that is made of a record: its parameters are encoded one by one, when they are first read."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from falcocore_syscall.event import Event, lengths_of
from falcocore_syscall.live.calls.call import NO_ARGUMENT, Call, OpKind
from falcocore_syscall.live.descriptors import entry_of, pair_in_memory
from falcocore_syscall.live.flags import device, file_flags
from falcocore_syscall.live.items import FileItem, ItemKind
from falcocore_syscall.live.reads import signed_32
from falcocore_syscall.live.record import RETURNED, Record, RecordKind
from falcocore_syscall.state.fds import FdType, FileFd
from falcocore_syscall.state.files import AT_FDCWD
from falcocore_syscall.state.paths import with_slash
from falcocore_syscall.tables import GENERIC

if TYPE_CHECKING:
    from falcocore_syscall.state.fds import Fd


class LiveEvent(Event):
    """An event of this machine. Whoever keeps its state sets `machine` and `thread` before rules see it.

    Descriptors and directories are those that the kernel saw at the time of the event, so that no table of
    descriptors is needed.
    """

    __slots__ = ("_has_opened", "_known", "_opened", "call", "record")

    _known: list[bytes | None] | None
    _opened: FileItem | None

    def __init__(self, record: Record, call: Call, time_ns: int, num: int) -> None:
        self.record = record
        self.call = call
        self.type = call.type
        self.name = call.name
        self.time_ns = time_ns
        self.tid = record.tid
        self.cpu = record.cpu
        self.num = num
        self.at = 0
        self.count = len(call.reads)
        self.thread = None
        self.fd = None
        self._known = None
        self._has_opened = False
        self.old_name = None

    def __getattr__(self, name: str) -> Any:
        """`data` as in a capture is made when it is first asked for, and nothing else is."""
        if name != "data":
            raise AttributeError(name)
        self._find_spans()
        return self.data

    def _find_spans(self) -> tuple[int, ...]:
        params = self.params()
        self._lengths = tuple(map(len, params))
        packed = lengths_of(self.type, self.count)
        self.data = packed.pack(*self._lengths) + b"".join(params)
        self._spans = tuple(accumulate(self._lengths, initial=packed.size))
        return self._spans

    def raw(self, number: int) -> bytes | None:
        """The bytes of a parameter; empty where its value was not available, None where it is not there."""
        if number >= self.count:
            return None
        known = self._known
        if known is None:
            known = self._known = [None] * self.count
        found = known[number]
        if found is None:
            found = known[number] = self.call.reads[number](self)
        return found

    def params(self) -> list[bytes]:
        """The bytes of all parameters."""
        if self._known is not None:
            return [self.raw(number) or b"" for number in range(self.count)]
        made = [read(self) for read in self.call.reads]
        self._known = [*made]
        return made

    def is_available(self, number: int) -> bool:
        """False where the parameter is not there, or has no value."""
        return bool(self.raw(number))

    @property
    def result(self) -> int | None:
        """What the system call has returned; None for events that are no exit of one."""
        if self.type % 2 == 0 or self.type in GENERIC:
            return None
        return 0 if self.record.kind == RecordKind.EXEC else self.record.ret

    def find_fd(self) -> Fd | None:
        """The descriptor that the event is about, as the kernel saw it; `fd` is then its number."""
        if self.fd is None:
            self.fd, self.entry, self.old_name = self.call.find(self)
        return self.entry

    def descriptor(self, fd: int) -> Fd | None:
        """What is known of a descriptor that an argument of the event names."""
        entry = self.find_fd()
        if entry is not None:
            if fd == self.fd:
                return entry
            if self.call.makes_two_at is not None and fd in pair_in_memory(self, self.call.makes_two_at):
                return entry
        return self.look_up(fd)

    def look_up(self, fd: int) -> Fd | None:
        """What the record has of a descriptor: itself, or as the directory that a path is relative to."""
        item = self.record.of_descriptor(fd)
        if item is not None:
            return entry_of(item, self)
        found = None if fd < 0 else self._directory(fd)
        if found is None:
            return None
        arg, path = found
        # An empty name stands for the descriptor itself, which then need not be a directory.
        return FileFd(FdType.DIRECTORY if self.record.text(arg) else FdType.FILE, path, "", 0, 0, 0)

    def directory(self, dirfd: int) -> str:
        """The path, with a slash at its end, that names are relative to which come with this descriptor."""
        found = self._directory(dirfd)
        path = found[1] if found is not None else None
        if path is None and dirfd == AT_FDCWD:
            path = self.record.item(ItemKind.CWD)
        if path is not None:
            return with_slash(path.decode("utf-8", "surrogateescape"))
        entry = self.look_up(dirfd)
        return super().directory(dirfd) if entry is None else with_slash(entry.name)

    def _directory(self, dirfd: int) -> tuple[int, bytes] | None:
        """The argument with a path that is relative to the descriptor, and what the kernel knew it by."""
        record = self.record
        for op in self.call.ops:
            if op.kind is OpKind.PATH:
                own = AT_FDCWD if op.arg2 == NO_ARGUMENT else signed_32(record.args[op.arg2])
                if own == dirfd:
                    found = record.directory(op.arg)
                    if found is not None:
                        return op.arg, found
        return None

    @property
    def opened(self) -> FileItem | None:
        """The file that the call has returned a descriptor of."""
        if not self._has_opened:
            self._has_opened = True
            self._opened = self.record.file(RETURNED) if self.record.ret >= 0 else None
        return self._opened

    @property
    def file_flags(self) -> int:
        """What is told of this file beside the flags that were asked for, as flags of a descriptor."""
        found = self.opened
        return 0 if found is None else file_flags(found.marks)

    @property
    def device(self) -> int:
        """Its device, as captures have it."""
        found = self.opened
        return 0 if found is None else device(found.dev)
