"""Outboxes in a folder of the test, and what is put into them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
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


def outbox_of(path: Path, limits: Limits = Limits(), outputs: Sequence[str] = OUTPUTS) -> Outbox:  # noqa: B008
    """An outbox that was opened once."""
    outbox = Outbox(path, limits, outputs)
    outbox.open()
    return outbox


@contextmanager
def connection_to(outbox: Outbox) -> Iterator[Connection]:
    """A thread's connection."""
    with closing(Connection(outbox)) as connection:
        yield connection


@contextmanager
def locked(path: Path) -> Iterator[Callable[[], None]]:
    """The database is locked as by another process; gives what lets it go.

    SQLite's locks are the process's where both are in one, but then it has locks of its own beside them.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield lambda: other.execute("COMMIT") and None
