"""The outbox by hand: look at what waits and at dead letters, put these back, remove both."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from falcocore.outbox.letter import Count, Letter, Retried, Selection, State
from falcocore.outbox.limits import count_drops
from falcocore.outbox.records import UnreadableError, decoded
from falcocore.outbox.schema import connect
from falcocore.output import Alert

_PART = 1000
"""Rows that are changed in one transaction, so that the writer does not have to wait long."""


class Letters:
    """A connection of its own to the outbox, beside those that deliver, for one thread at a time.

    What a worker has taken out of its queue to send it may be delivered though it is removed here.

    Raises:
        sqlite3.Error, OSError, DamagedError: from everything, where the database can't be used.
    """

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, create=False)
        self._outputs = dict(self._connection.execute("SELECT name, id FROM output ORDER BY id").fetchall())

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def outputs(self) -> list[str]:
        """The outputs that have a queue, and those that have dead letters only."""
        dead = self._connection.execute("SELECT DISTINCT output FROM dead ORDER BY output")
        return list(dict.fromkeys([*self._outputs, *(name for (name,) in dead)]))

    def _chosen(self, selection: Selection) -> Iterator[str]:
        return (name for name in self.outputs() if selection.output in (None, name))

    def count(self, selection: Selection) -> Count:
        """How many a selection has."""
        waiting = self._choose(selection.numbers(State.WAITING))
        waits = sum(
            self._connection.execute(
                "SELECT count(*) FROM queue WHERE output = ? AND (? OR seq IN (SELECT seq FROM chosen))",
                (self._outputs[name], waiting),
            ).fetchone()[0]
            for name in self._chosen(selection)
            if name in self._outputs
        )
        dead = self._choose(selection.numbers(State.DEAD))
        (refused,) = self._connection.execute(
            "SELECT count(*) FROM dead "
            "WHERE (?1 IS NULL OR output = ?1) AND (?2 OR number IN (SELECT seq FROM chosen))",
            (selection.output, dead),
        ).fetchone()
        return Count(waits, refused)

    def dead_letters(self) -> dict[str, int]:
        """How many there are by output."""
        return dict(self._connection.execute("SELECT output, count(*) FROM dead GROUP BY output").fetchall())

    def select(self, selection: Selection, limit: int, *, whole: bool = False) -> list[Letter]:
        """By output the oldest `limit` of those that wait and of the dead letters; `whole` with alerts."""
        found: list[Letter] = []
        for name in self._chosen(selection):
            if name in self._outputs:
                everything = self._choose(selection.numbers(State.WAITING))
                rows = self._connection.execute(
                    "SELECT seq, id, accepted_s, NULL, NULL, CAST(body AS BLOB) FROM queue "
                    "JOIN alert USING (seq) "
                    "WHERE output = ? AND (? OR seq IN (SELECT seq FROM chosen)) ORDER BY seq LIMIT ?",
                    (self._outputs[name], everything, limit),
                )
                found += (_letter(name, State.WAITING, row, whole=whole) for row in rows)
            everything = self._choose(selection.numbers(State.DEAD))
            rows = self._connection.execute(
                "SELECT number, id, accepted_s, refused_s, reason, CAST(body AS BLOB) FROM dead "
                "WHERE output = ? AND (? OR number IN (SELECT seq FROM chosen)) ORDER BY number LIMIT ?",
                (name, everything, limit),
            )
            found += (_letter(name, State.DEAD, row, whole=whole) for row in rows)
        return found

    def retry(self, selection: Selection) -> Retried:
        """Put dead letters at the end of the queues that they came from, as if they were accepted now."""
        queued: dict[str, int] = {}
        unconfigured: dict[str, int] = {}
        unreadable = last = 0
        everything = self._choose(selection.numbers(State.DEAD))
        while True:
            with self._transaction():
                rows = self._connection.execute(
                    "SELECT number, output, id, CAST(body AS BLOB) FROM dead "
                    "WHERE number > ?1 AND (?2 IS NULL OR output = ?2) "
                    "AND (?3 OR number IN (SELECT seq FROM chosen)) ORDER BY number LIMIT ?4",
                    (last, selection.output, everything, _PART),
                ).fetchall()
                for number, name, alert_id, body in rows:
                    last = number
                    if name not in self._outputs:
                        unconfigured[name] = unconfigured.get(name, 0) + 1
                    elif (alert := _read(body)) is None:
                        unreadable += 1
                    else:
                        self._put_back(number, name, alert_id, alert, body)
                        queued[name] = queued.get(name, 0) + 1
            if not rows:
                return Retried(queued, unconfigured, unreadable)

    def _put_back(self, number: int, output: str, alert_id: str, alert: Alert, body: bytes) -> None:
        seq = self._connection.execute(
            "INSERT INTO alert (id, priority, accepted_s, body) VALUES (?, ?, ?, ?)",
            (alert_id, int(alert.priority), int(time.time()), body),
        ).lastrowid
        self._connection.execute(
            "INSERT INTO queue (output, seq) VALUES (?, ?)", (self._outputs[output], seq)
        )
        self._connection.execute("DELETE FROM dead WHERE number = ?", (number,))

    def purge(self, selection: Selection) -> Count:
        """Remove what is selected; it counts as dropped."""
        waiting = sum(
            self._purge_waiting(name, selection) for name in self._chosen(selection) if name in self._outputs
        )
        dead = sum(self._purge_dead(name, selection) for name in self._chosen(selection))
        return Count(waiting, dead)

    def _purge_waiting(self, output: str, selection: Selection) -> int:
        everything = self._choose(selection.numbers(State.WAITING))
        return self._in_parts(
            output,
            "purged",
            "DELETE FROM queue WHERE output = ?1 AND seq IN (SELECT seq FROM queue "
            "WHERE output = ?1 AND (?2 OR seq IN (SELECT seq FROM chosen)) ORDER BY seq LIMIT ?3)",
            (self._outputs[output], everything, _PART),
        )

    def _purge_dead(self, output: str, selection: Selection) -> int:
        everything = self._choose(selection.numbers(State.DEAD))
        return self._in_parts(
            output,
            "purged, as dead letter",
            "DELETE FROM dead WHERE number IN (SELECT number FROM dead "
            "WHERE output = ?1 AND (?2 OR number IN (SELECT seq FROM chosen)) ORDER BY number LIMIT ?3)",
            (output, everything, _PART),
        )

    def _in_parts(self, output: str, reason: str, statement: str, values: tuple[Any, ...]) -> int:
        """Run a statement that removes a part until there is nothing more; how many were removed."""
        total = 0
        while True:
            with self._transaction():
                count = self._connection.execute(statement, values).rowcount
                if count:
                    count_drops(self._connection, reason, [(output, count)])
            if not count:
                return total
            total += count

    def _choose(self, numbers: Iterable[int] | None) -> bool:
        """Write numbers into `chosen`; True where there is no choice, and all are meant."""
        self._connection.execute("DELETE FROM chosen")
        if numbers is None:
            return True
        self._connection.executemany("INSERT INTO chosen VALUES (?)", ((number,) for number in numbers))
        return False

    def _transaction(self) -> sqlite3.Connection:
        """A context: begun for writing, committed at its end, rolled back where something is raised."""
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection


def _read(body: bytes) -> Alert | None:
    try:
        return decoded(body)
    except UnreadableError:
        return None


def _letter(output: str, state: State, row: tuple[Any, ...], *, whole: bool) -> Letter:
    number, alert_id, accepted_s, refused_s, reason, body = row
    alert = _read(body)
    return Letter(
        id=f"{'d' if state is State.DEAD else ''}{number}",
        output=output,
        state=state,
        alert_id=alert_id,
        accepted_s=accepted_s,
        refused_s=refused_s,
        reason=reason,
        rule=alert.rule if alert else None,
        priority=alert.priority.label if alert else None,
        alert=_plain(alert) if alert and whole else None,
    )


def _plain(alert: Alert) -> dict[str, Any]:
    """An alert as JSON can have it, the priority in its word."""
    plain: dict[str, Any] = msgspec.to_builtins(alert)
    return {**plain, "priority": alert.priority.label}
