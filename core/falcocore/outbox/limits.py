"""What bounds the outbox: its size and the age of what is in it; and what is given up for that."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

RESERVE_BYTES = 16 << 20
"""What is left free on the disk, or a quarter of it where that is less: SQLite's log takes 4 MiB and more."""
_REMOVED_BYTES = 1 << 20
"""What is removed in one transaction: each page of it goes into the log."""
_LAST_SEQ = (1 << 63) - 1
_PART = 20
"""One part in so many of what waits is given up at a time."""


class WhenFull(enum.Enum):
    """What happens when the outbox has reached its size."""

    DROP_OLDEST = "drop_oldest"
    DROP_LEAST_SEVERE = "drop_least_severe"
    REFUSE = "refuse"


class FullError(Exception):
    """There is no room, and nothing may be given up."""


def check_room(path: Path) -> None:
    """See that something may be added to a file without filling its disk.

    Room is needed to remove what was delivered, too: on a disk that the outbox has filled by itself, it could
    never get any back.

    Raises:
        FullError: there is not enough.
    """
    disk = os.statvfs(path.parent)
    if disk.f_bavail < min(RESERVE_BYTES // disk.f_frsize, disk.f_blocks // 4):
        raise FullError("the disk is full")


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds. `duplicates_s` is for how many seconds the id of an alert is remembered."""

    max_bytes: int = 1 << 30
    max_age_s: int = 7 * 24 * 3600
    when_full: WhenFull = WhenFull.DROP_OLDEST
    duplicates_s: int = 1800

    def used_bytes(self, connection: sqlite3.Connection) -> int:
        """The size of the database without its free pages."""
        pages, free, page_bytes = _pages(connection)
        return (pages - free) * page_bytes

    def is_mostly_free(self, connection: sqlite3.Connection) -> bool:
        """True where there is enough to give back that it is worth the work."""
        pages, free, _ = _pages(connection)
        return free * 2 > pages

    def make_room(self, connection: sqlite3.Connection, now_s: int) -> None:
        """Within a transaction: see that there is room for more.

        Raises:
            FullError: there is none, and `when_full` is REFUSE.
        """
        if self.used_bytes(connection) < self.max_bytes:
            return
        self.remove_old(connection, now_s)
        connection.execute("DELETE FROM alert WHERE seq NOT IN (SELECT seq FROM queue)")
        while self.used_bytes(connection) >= self.max_bytes and self._give_up_some(connection):
            pass

    def _give_up_some(self, connection: sqlite3.Connection) -> bool:
        """Give up a part of the dead letters, or else of what waits; False where there is nothing."""
        (count,) = connection.execute("SELECT count(*) FROM dead").fetchone()
        if count:
            part = (count // _PART + 1,)
            connection.execute("INSERT INTO chosen SELECT number FROM dead ORDER BY number LIMIT ?", part)
            _give_up_letters(connection, "full")
            return True
        (count,) = connection.execute("SELECT count(*) FROM alert").fetchone()
        if not count:
            return False
        part = (count // _PART + 1,)
        match self.when_full:
            case WhenFull.REFUSE:
                raise FullError(f"the outbox has reached its size of {self.max_bytes} bytes")
            case WhenFull.DROP_OLDEST:
                connection.execute("INSERT INTO chosen SELECT seq FROM alert ORDER BY seq LIMIT ?", part)
            case WhenFull.DROP_LEAST_SEVERE:
                connection.execute(
                    "INSERT INTO chosen SELECT seq FROM alert ORDER BY priority DESC, seq LIMIT ?", part
                )
        _give_up_alerts(connection, "full")
        return True

    def remove_old(self, connection: sqlite3.Connection, now_s: int) -> None:
        """Within a transaction: give up what has waited too long, and forget ids out of the window."""
        old = (now_s - self.max_age_s,)
        if connection.execute(_OLD_ALERTS, old).rowcount:
            _give_up_alerts(connection, "too old")
        if connection.execute(_OLD_LETTERS, old).rowcount:
            _give_up_letters(connection, "too old")
        connection.execute("DELETE FROM seen WHERE accepted_s <= ?", (now_s - self.duplicates_s,))

    def remove_delivered(self, connection: sqlite3.Connection) -> bool:
        """Within a transaction: remove what no output waits for, as far as the first that one waits for.

        It is some at a time; True where there is more.
        """
        (first,) = connection.execute(
            "SELECT min(first) FROM ("
            "SELECT (SELECT min(seq) FROM queue WHERE queue.output = output.id) AS first FROM output)"
        ).fetchone()
        before = _LAST_SEQ if first is None else first
        size_bytes = last = 0
        rows = connection.execute("SELECT seq, length(body) FROM alert WHERE seq < ? ORDER BY seq", (before,))
        for seq, length in rows:
            size_bytes, last = size_bytes + length, seq
            if size_bytes > _REMOVED_BYTES:
                break
        rows.close()
        connection.execute("DELETE FROM alert WHERE seq <= ?", (last,))
        return size_bytes > _REMOVED_BYTES


# Those before the first that is young: what waits is not read from end to end each time.
_OLD_ALERTS = (
    "INSERT INTO chosen SELECT seq FROM alert WHERE seq < "
    "ifnull((SELECT seq FROM alert WHERE accepted_s >= ? ORDER BY seq LIMIT 1), 9e18)"
)
_OLD_LETTERS = (
    "INSERT INTO chosen SELECT number FROM dead WHERE number < "
    "ifnull((SELECT number FROM dead WHERE refused_s >= ? ORDER BY number LIMIT 1), 9e18)"
)
_PAGES = ("page_count", "freelist_count", "page_size")


def _pages(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """(all, those that are free, bytes of one)."""
    pages, free, page_bytes = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in _PAGES)
    return pages, free, page_bytes


def _give_up_alerts(connection: sqlite3.Connection, reason: str) -> None:
    """Remove the chosen alerts, which no output gets any more."""
    counts = connection.execute(
        "SELECT name, count(*) FROM queue JOIN output ON output.id = queue.output "
        "WHERE seq IN (SELECT seq FROM chosen) GROUP BY name"
    )
    count_drops(connection, reason, counts.fetchall())
    connection.execute("DELETE FROM queue WHERE seq IN (SELECT seq FROM chosen)")
    connection.execute("DELETE FROM alert WHERE seq IN (SELECT seq FROM chosen)")
    connection.execute("DELETE FROM chosen")


def _give_up_letters(connection: sqlite3.Connection, reason: str) -> None:
    """Remove the chosen dead letters."""
    counts = connection.execute(
        "SELECT output, count(*) FROM dead WHERE number IN (SELECT seq FROM chosen) GROUP BY output"
    )
    count_drops(connection, f"{reason}, as dead letter", counts.fetchall())
    connection.execute("DELETE FROM dead WHERE number IN (SELECT seq FROM chosen)")
    connection.execute("DELETE FROM chosen")


def count_drops(connection: sqlite3.Connection, reason: str, counts: list[tuple[str, int]]) -> None:
    """Within a transaction: add to the numbers of alerts that were given up; `counts` are by output."""
    connection.executemany(
        "INSERT INTO dropped (output, reason, count) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (output, reason) DO UPDATE SET count = count + ?3",
        ((output, reason, count) for output, count in counts),
    )
