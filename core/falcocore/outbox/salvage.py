"""What can still be read of a damaged outbox, row by row."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falcocore.outbox.pages import alert_rows
from falcocore.outbox.records import UnreadableError, decoded
from falcocore.outbox.schema import first_page
from falcocore.output import Alert

_PAGE_ROWS = 100
_NEXT_ROWS = "SELECT seq, CAST(body AS BLOB) FROM alert WHERE seq > ? ORDER BY seq LIMIT ?"


@dataclass(frozen=True, slots=True)
class Salvaged:
    """An alert, and the outputs that wait for it; None where that can't be read any more."""

    alert: Alert
    outputs: Sequence[str] | None


def salvage(path: Path) -> Iterator[Salvaged]:
    """The alerts of a damaged outbox that were waiting, in order.

    A first page that can't be read is replaced in the file: without it SQLite reads nothing at all.
    """
    connection = _opened(path)
    try:
        yield from waiting_alerts(connection, path)
    finally:
        connection.close()


def waiting_alerts(connection: sqlite3.Connection, path: Path | None = None) -> Iterator[Salvaged]:
    """The waiting alerts that can be read by way of a connection, in order.

    `path` is its file, where that is still there.
    """
    outputs = _outputs(connection)
    for seq, body in _readable(connection, path):
        try:
            alert = decoded(body)
        except UnreadableError:
            continue
        waiting = _waiting(connection, outputs, seq) if outputs else None
        if waiting is None or waiting:
            yield Salvaged(alert, waiting)


def _opened(path: Path) -> sqlite3.Connection:
    page = first_page()
    # SQLite deletes the log of a database that is empty.
    if not path.exists() or path.stat().st_size < len(page):
        _lay(path, page)
    connection = _connected(path)
    try:
        connection.execute("SELECT seq, body FROM alert LIMIT 0")
    except sqlite3.DatabaseError:
        connection.close()
        _lay(path, page)
        connection = _connected(path)
    return connection


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    # SQLite takes a file that is shorter than it says with this setting only.
    connection.execute("PRAGMA writable_schema = ON")
    return connection


def _lay(path: Path, page: bytes) -> None:
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        file.write(page)


def _outputs(connection: sqlite3.Connection) -> dict[int, str]:
    try:
        return dict(connection.execute("SELECT id, name FROM output").fetchall())
    except sqlite3.DatabaseError:
        return {}


def _waiting(connection: sqlite3.Connection, outputs: dict[int, str], seq: int) -> list[str] | None:
    try:
        return [
            name
            for number, name in outputs.items()
            if connection.execute(
                "SELECT 1 FROM queue WHERE output = ? AND seq = ?", (number, seq)
            ).fetchone()
        ]
    except sqlite3.DatabaseError:
        return None


def _readable(connection: sqlite3.Connection, path: Path | None) -> Iterator[tuple[int, Any]]:
    """The rows of alerts; from the first that can't be read on, what is found in the pages of the file."""
    at = 0
    try:
        while page := connection.execute(_NEXT_ROWS, (at, _PAGE_ROWS)).fetchall():
            yield from page
            at = page[-1][0]
    except sqlite3.DatabaseError:
        if path is None:
            return
        with contextlib.suppress(sqlite3.DatabaseError):
            # What is in the log only has to go into the file for that.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        yield from alert_rows(path, len(first_page()), after=at)
