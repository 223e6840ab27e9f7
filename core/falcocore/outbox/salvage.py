"""What can still be read of a damaged outbox, row by row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from falcocore.outbox.records import decoded
from falcocore.output import Alert

_PAGE_ROWS = 100
_FARTHEST = 1 << 40
"""Rows that are stepped over at the most where some in between can't be read."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """An alert, and the outputs that waited for it; None where that can't be read any more."""

    alert: Alert
    outputs: Sequence[str] | None


def salvage(path: Path) -> Iterator[Salvaged]:
    """The alerts of a damaged outbox that were waiting, in order."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        outputs = _outputs(connection)
        for seq, body in _readable(connection):
            try:
                alert = decoded(body)
            except (msgspec.MsgspecError, TypeError):
                continue
            waiting = _waiting(connection, outputs, seq) if outputs else None
            if waiting is None or waiting:
                yield Salvaged(alert, waiting)
    finally:
        connection.close()


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


def _readable(connection: sqlite3.Connection) -> Iterator[tuple[int, Any]]:
    """The rows of alerts, stepping over pages that can't be read by ever longer steps."""
    at, rows, step = 0, _PAGE_ROWS, 1
    while step < _FARTHEST:
        try:
            page = connection.execute(
                "SELECT seq, body FROM alert WHERE seq > ? ORDER BY seq LIMIT ?", (at, rows)
            ).fetchall()
        except sqlite3.DatabaseError:
            if rows > 1:
                rows = 1  # Those before the bad one still come one by one.
            else:
                at, step = at + step, step * 2
            continue
        if not page:
            return
        yield from page
        at, step = page[-1][0], 1
