"""Outboxes in a folder of the test, and what is put into them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from falcocore.api import Alert, Priority
from falcocore.outbox.limits import Limits
from falcocore.outbox.outbox import Connection, Outbox
from falcocore.outbox.store import Addressed, Group, Store
from falcocore.testing import sample_alert

OUTPUTS = ("a", "b")
ALL = 1 << 30


def group(*numbers: int, to: Sequence[str] = OUTPUTS, acknowledged: bool = False, **changes: Any) -> Group:
    """A batch with an alert of each number, for these outputs."""
    return Group([Addressed(sample_alert(n, **changes), to) for n in numbers], acknowledged)


def large(*numbers: int, priority: Priority = Priority.NOTICE, to: Sequence[str] = OUTPUTS) -> Group:
    """The same with alerts of 10 kB each."""
    return group(*numbers, to=to, priority=priority, message="x" * 10_000)


def number_of(alert: Alert) -> int:
    """The number that a sample alert was made of."""
    return int(alert.id, 16)


def waiting(store: Store, output: str = "a", after: int = 0) -> list[int]:
    """The numbers of the alerts that wait for an output, in order."""
    return [number_of(queued.alert) for queued in store.claim(output, ALL, ALL, after)]


def waiting_in(path: Path, output: str = "a") -> list[int]:
    """The same of an outbox that nobody has open."""
    with closing(Store(path, Limits())) as store:
        return waiting(store, output)


@contextmanager
def store_of(path: Path, limits: Limits = Limits(), outputs: Iterable[str] = OUTPUTS) -> Iterator[Store]:  # noqa: B008
    """An open store with these outputs."""
    with closing(Store(path, limits)) as store:
        store.set_outputs(list(outputs))
        yield store


@contextmanager
def outbox_of(
    path: Path,
    limits: Limits = Limits(),  # noqa: B008
    outputs: Sequence[str] = OUTPUTS,
) -> Iterator[Outbox]:
    """An open outbox."""
    with closing(Outbox(path, limits, outputs)) as outbox:
        outbox.open()
        yield outbox


@contextmanager
def opened(path: Path, limits: Limits = Limits(), outputs: Sequence[str] = OUTPUTS) -> Iterator[Connection]:  # noqa: B008
    """A connection to an outbox that was just opened."""
    with outbox_of(path, limits, outputs) as outbox, connection_to(outbox) as connection:
        yield connection


@contextmanager
def connection_to(outbox: Outbox) -> Iterator[Connection]:
    """A thread's connection."""
    with closing(Connection(outbox)) as connection:
        yield connection


_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The database is locked by another process."""
    command = [sys.executable, "-c", _LOCK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            other.stdin.close()
            other.wait()
