"""At the start something is done whose record has to come."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.api import SourceError
from falcocore_syscall.live.first_record import await_own_record
from falcocore_syscall.live.record import RecordKind
from tests.support.live_records import record

NOT_FOUND = 127 << 8
OWN_COMM = Path("/proc/thread-self/comm").read_bytes().rstrip(b"\n")


class Told:
    """A capture that tells of these records, one drain after the other."""

    def __init__(self, *drains: list[bytes]) -> None:
        self._drains = list(drains)
        self._reader, self._writer = os.pipe()
        if drains:
            os.write(self._writer, b"x")
        self.own_pid = os.getpid()

    def fileno(self) -> int:
        return self._reader

    def drain(self) -> Iterator[tuple[memoryview, int]]:
        for data in self._drains.pop(0) if self._drains else []:
            yield memoryview(data), 0

    def know_own_pid(self, pid: int) -> None:
        self.own_pid = pid

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


def ended(comm: bytes = OWN_COMM, code: int = NOT_FOUND, **head: int) -> bytes:
    return record(kind=RecordKind.EXIT, comm=comm, args=(code,), **head)


def test_all_records_up_to_it_are_kept() -> None:
    told = Told(
        [record(nr=1), ended(comm=b"other")], [ended(code=0), b"damaged", ended(ppid=77), record(nr=2)]
    )
    found = await_own_record(told, 5.0)
    told.close()
    assert [(it.kind, it.nr) for it in found] == [(1, 1), (4, 0), (4, 0), (4, 0), (1, 2)]
    assert told.own_pid == 77


@pytest.mark.parametrize("told", [Told(), Told([record(nr=1), ended(comm=b"other")])])
def test_nothing_comes(told: Told) -> None:
    begun = time.monotonic()
    with pytest.raises(SourceError, match="is attached, but tells of nothing"):
        await_own_record(told, 0.05)
    told.close()
    assert time.monotonic() - begun < 1
