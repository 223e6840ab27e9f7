"""The kernel program at work: loaded, attached, its records read, its tables replaced while it runs."""

from __future__ import annotations

import os
import platform
import struct
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import TypeVar

from falcocore.api import ConfigError, SourceError
from falcocore_syscall.live.bpf.btf import Btf
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.maps import index
from falcocore_syscall.live.bpf.object import BpfObject
from falcocore_syscall.live.bpf.ring import MOST_RECORDS, RingReader
from falcocore_syscall.live.hierarchy import container_controller
from falcocore_syscall.live.pushdown.lookups import LONGEST_EXE
from falcocore_syscall.live.tables import Tables
from falcocore_syscall.live.threads import TICK_NS

_SHARED = ("ring", "cgroups", "programs", "drops", "current")
"""Maps that one set of programs takes over from another."""
_DROPPED_FOR_ROOM = 0
_ON_OPENED = "on_opened"
"""The program that sees requests of io_uring open files. Some kernels don't take it."""
HOST, IN_CONTAINER, EITHER = 1, 2, 3
_MOST_PLACES = 4096
_LEAST_BUFFER_BYTES = 1 << 16
_MOST_KEPT_BYTES = 128 << 20
"""Of records that are taken out of the buffer while the kernel is busy with other tables."""
_KEEP_S = 0.02
_PROGRAM = struct.Struct("<Q16s64sIxxxx")

T = TypeVar("T")


class Capture:
    """Records of what happens on this machine.

    Nothing of it stays in the kernel after `close`, or after the process has died in any way.

    Raises:
        ConfigError: the buffer can't have this size.
    """

    def __init__(self, buffer_bytes: int) -> None:
        if buffer_bytes < _LEAST_BUFFER_BYTES or buffer_bytes & (buffer_bytes - 1):
            raise ConfigError(
                f"source syscall: buffer_mb is {buffer_bytes >> 20}",
                hint="give a power of two: 1, 2, 4, 8, ...",
            )
        self._buffer_bytes = buffer_bytes
        self._object: BpfObject | None = None
        self._ring: RingReader | None = None
        self._generation = 0
        self._places: dict[int, int] = {}
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self.own_pid = os.getpid()
        """The number that the kernel has for this process; nothing is told of it."""
        self.left_out: tuple[str, ...] = ()
        """Programs that this kernel has no place for."""

    def start(self, tables: Tables) -> None:
        """Load and attach the programs; records wait in the buffer from now on.

        Raises:
            SourceError: the kernel does not take them; the message says why.
        """
        loaded = self._loaded(tables, None)
        self._ring = RingReader(loaded.maps["ring"])
        self._begin(loaded)

    def replace(self, make: Callable[[], Tables]) -> Tables:
        """Have other tables and predicates from now on, without losing a record; not while a batch is read.

        `make` is called in another thread. For an event that happens in this moment there may be two records.

        Raises:
            SourceError: the kernel does not take them; what was there goes on.
        """
        old = self._object

        def made() -> tuple[Tables, BpfObject]:
            tables = make()
            return tables, self._loaded(tables, old)

        tables, loaded = self._keeping_records(made)
        self._begin(loaded)
        if old is not None:
            old.close()
        return tables

    def _keeping_records(self, work: Callable[[], T]) -> T:
        """Do what takes long, and take records out of the buffer meanwhile, which may not hold them all."""
        with ThreadPoolExecutor(1, "kernel tables") as thread:
            future = thread.submit(work)
            while self._ring is not None and not future.done() and self._kept_bytes < _MOST_KEPT_BYTES:
                self._keep(self._ring)
        return future.result()

    def _keep(self, ring: RingReader) -> None:
        if ring.wait(_KEEP_S):
            for data, offset, length in ring.drain():
                self._kept.append(bytes(data[offset : offset + length]))
                self._kept_bytes += length

    def _loaded(self, tables: Tables, before: BpfObject | None) -> BpfObject:
        machine = platform.machine()
        found = resources.files("falcocore_syscall.live.program").joinpath(f"capture.{machine}.o")
        if not found.is_file():
            raise SourceError(f"source syscall: there is no kernel program for {machine}")
        made = BpfObject.open(found.read_bytes(), Btf.of_kernel())
        if before is None:
            made.maps["ring"].max_entries = self._buffer_bytes
        push_down = tables.push_down
        for name, code in push_down.codes.items():
            made.replace(name, code)
        numbers = {
            "own_pid": self.own_pid,
            "want": tables.want,
            "tops_count": push_down.tops_count,
            "controller": container_controller(),
            "generation": self._generation + 1,
        }
        for name, number in numbers.items():
            made.variables[name].write(struct.pack("<I", number))
        for name, mask in push_down.masks.items():
            made.variables[name].write(struct.pack("<Q", mask))
        contents = {"tops": push_down.tops, "marks": push_down.marks, "wanted": tables.wanted}
        for name, content in {**contents, "compat": tables.compat}.items():
            variable = made.variables[name]
            variable.write(content.ljust(variable.size, b"\0"))
        made.load({} if before is None else {name: before.maps[name] for name in _SHARED})
        for number, entry in enumerate(tables.calls):
            if entry:
                made.maps["calls"].update(index(number), entry)
        return made

    def _begin(self, made: BpfObject) -> None:
        """The new programs take over at the moment in which the number of the generation changes."""
        try:
            self.left_out = made.attach()
            made.variables["looks_late"].write(struct.pack("<I", int(_ON_OPENED in self.left_out)))
            made.maps["current"].update(index(0), struct.pack("<I", self._generation + 1))
        except BpfError:
            made.close()
            raise
        self._generation += 1
        self._object = made

    def fileno(self) -> int:
        """Readable while there are records."""
        return -1 if self._ring is None else self._ring.fileno()

    def drain(self) -> Iterator[tuple[memoryview | bytes, int]]:
        """Where each record of a batch begins, in a buffer that may be read until the next one is drawn."""
        if self._kept:
            for _ in range(min(len(self._kept), MOST_RECORDS)):
                record = self._kept.popleft()
                self._kept_bytes -= len(record)
                yield record, 0
        elif self._ring is not None:
            for data, offset, _ in self._ring.drain():
                yield data, offset

    @property
    def pending_bytes(self) -> int:
        """How much waits in the buffer, or was taken out of it and waits here."""
        return self._kept_bytes + (0 if self._ring is None else self._ring.pending_bytes)

    def dropped(self) -> int:
        """Records since the start for which the buffer had no room."""
        return 0 if self._object is None else self._object.maps["drops"].sum(index(_DROPPED_FOR_ROOM))

    def know_own_pid(self, pid: int) -> None:
        """Take this number for the own process, of which nothing is told."""
        if pid != self.own_pid and self._object is not None:
            self.own_pid = pid
            self._object.variables["own_pid"].write(struct.pack("<I", pid))

    def learn_place(self, cgroup: int, *, is_container: bool) -> None:
        """Tell the kernel whether a control group is a container's."""
        if self._object is not None:
            before = self._places.get(cgroup)
            place = IN_CONTAINER if is_container else HOST
            # Where containers are told apart by another hierarchy, a group may hold the host's processes too.
            place = place if before in (None, place) else EITHER
            if place != before:
                if len(self._places) >= _MOST_PLACES:
                    self._places.clear()
                self._places[cgroup] = place
                self._object.maps["cgroups"].update(struct.pack("<Q", cgroup), struct.pack("<I", place))

    def learn_program(self, pid: int, start_ns: int, name: bytes, exe: bytes, marks: int) -> None:
        """Tell the kernel what a process is called, and was started as, that it has not seen start.

        If it knows something else of it by now, it had better know nothing: what is right is not clear.
        `marks` has a bit for each of MARKS that its file has.
        """
        if self._object is not None:
            programs, key = self._object.maps["programs"], struct.pack("<I", pid)
            value = _PROGRAM.pack(start_ns // TICK_NS, name, exe[:LONGEST_EXE], marks)
            if not programs.add(key, value) and programs.lookup(key) != value:
                programs.delete(key)

    def forget_program(self, pid: int) -> None:
        """Have the kernel not know what a process is called, of which no record has told here."""
        if self._object is not None:
            self._object.maps["programs"].delete(struct.pack("<I", pid))

    def detach(self) -> None:
        """Stop the programs; what waits in the buffer may be drawn still."""
        if self._object is not None:
            self._object.detach()

    def close(self) -> None:
        """Take everything out of the kernel."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        if self._object is not None:
            self._object.close()
            self._object = None
