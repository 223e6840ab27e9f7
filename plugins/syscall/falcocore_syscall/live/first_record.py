"""Whether records arrive at all: something is done that has to be told of, and its record is waited for."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from falcocore.api import SourceError
from falcocore_syscall.live.items import RecordError
from falcocore_syscall.live.record import Record, RecordKind

PATIENCE_S = 2.0
_NO_PROGRAM = "/dev/null/falcocore"
_EXIT_CODE = 127 << 8
"""Of a child that could not run its program."""


class Capturing(Protocol):
    """What `Capture` has for those who read it."""

    def fileno(self) -> int:
        """Readable while there are records."""

    def drain(self) -> Iterator[tuple[memoryview | bytes, int]]:
        """Where each record of a batch is."""

    def know_own_pid(self, pid: int) -> None:
        """Tell the kernel which process is this one."""


def await_own_record(capture: Capturing, patience_s: float = PATIENCE_S) -> list[Record]:
    """Let a child end, and wait for the record of it. All records up to then, which are not to be lost.

    Ends of processes are told of under all rules. The child's parent is this process, by the number that the
    kernel has for it, which in a namespace of process numbers is another than the own one.

    Raises:
        SourceError: nothing has come.
    """
    comm = Path("/proc/thread-self/comm").read_bytes().rstrip(b"\n")
    records: list[Record] = []
    until_s = time.monotonic() + patience_s
    _let_a_child_end()
    poller = select.poll()
    poller.register(capture.fileno(), select.POLLIN)
    while (left_s := until_s - time.monotonic()) > 0:
        poller.poll(left_s * 1000)
        found = None
        for data, offset in capture.drain():
            with contextlib.suppress(RecordError):
                record = Record(data, offset)
                records.append(record)
                if record.kind == RecordKind.EXIT and record.args[0] == _EXIT_CODE and record.comm == comm:
                    found = record
        if found is not None:
            capture.know_own_pid(found.ppid)
            return records
    raise SourceError(
        "source syscall: the kernel program is attached, but tells of nothing: "
        f"within {patience_s:g} s the end of a child of this process was not seen",
        hint="Another program may have switched its hooks off; `bpftool prog` and the kernel's log may tell.",
    )


def _let_a_child_end() -> None:
    """A child that has nothing to run: it ends at once."""
    with contextlib.suppress(OSError):
        os.waitpid(os.posix_spawn(_NO_PROGRAM, [_NO_PROGRAM], {}), 0)
