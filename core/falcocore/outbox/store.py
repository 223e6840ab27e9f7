"""What is kept on disk: alerts, for each output the queue of those it still has to get, dead letters."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from falcocore.outbox.limits import Limits, check_room
from falcocore.outbox.records import UnreadableError, decoded, encoded
from falcocore.outbox.salvage import Salvaged, waiting_alerts
from falcocore.outbox.schema import connect
from falcocore.output import Alert


@dataclass(frozen=True, slots=True)
class Addressed:
    """An alert, and the outputs that want it."""

    alert: Alert
    outputs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Group:
    """The alerts of one batch.

    `acknowledged` says that the sender of the batch waits for an answer, and sends the batch again where it
    gets none: an alert whose id was accepted within the window for duplicates raises nothing then.
    """

    alerts: Sequence[Addressed]
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """An alert that waits for an output; `seq` gives the order."""

    seq: int
    alert: Alert


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for one output. `oldest_s` is when its oldest alert was accepted, seconds since 1970."""

    count: int
    oldest_s: int | None


_VACUUM_PAGES, _VACUUM_STEPS = 500, 10
"""Pages that are given back at a time, and how often."""
_LOG = ("-wal", "-shm")
"""What is added to the name of a database for the files of its log."""


class Store:
    """One connection to the outbox's database, used by one thread at a time."""

    def __init__(self, path: Path, limits: Limits, *, create: bool = True) -> None:
        self._path = path
        self._limits = limits
        self._connection = connect(path, create=create)
        try:
            self.file = _file_at(path)
            """Which file it is: device and inode."""
            log_files = (Path(f"{path}{end}") for end in _LOG)
            self._log_files = {log: _file_at(log) for log in log_files if log.exists()}
            self._outputs = self._known_outputs()
        except BaseException:
            self._connection.close()
            raise

    def _known_outputs(self) -> dict[str, int]:
        return {name: number for number, name in self._connection.execute("SELECT id, name FROM output")}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def remove_log(self) -> None:
        """Where another file is in place of this one, see that it does not get the log of this one."""
        for log, file in self._log_files.items():
            with suppress(FileNotFoundError):
                if _file_at(log) == file:
                    log.unlink()

    @property
    def is_in_place(self) -> bool:
        """False where the file was moved or removed: what is written would be lost with the process."""
        try:
            return _file_at(self._path) == self.file
        except OSError:
            return False

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction for writing; when a durable one is over, the disk has it."""
        connection = self._connection
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # What it failed with is the cause; where even this fails, SQLite rolls back by itself.
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    # --- outputs ----------------------------------------------------------------------------------------

    def set_outputs(self, names: Sequence[str]) -> dict[str, int]:
        """Make these the outputs; returns how many alerts waited for those that are none any more.

        A new one starts with the present: what was accepted before it is not for it.
        """
        if set(names) == set(self._outputs):
            return {}
        with self._transaction() as connection:
            gone = {name: number for name, number in self._known_outputs().items() if name not in names}
            freed = {}
            for name, number in gone.items():
                count = connection.execute("DELETE FROM queue WHERE output = ?", (number,)).rowcount
                connection.execute("DELETE FROM output WHERE id = ?", (number,))
                if count:
                    freed[name] = count
            connection.executemany("INSERT OR IGNORE INTO output (name) VALUES (?)", ((n,) for n in names))
        self._outputs = self._known_outputs()
        return freed

    # --- accepting --------------------------------------------------------------------------------------

    def append(self, groups: Sequence[Group]) -> list[Addressed]:
        """Accept the alerts of some groups, all or none; returns those that are new.

        Where one group is acknowledged, they are on the disk when this returns.

        Raises:
            FullError: the limits are reached, and they say to refuse; or the disk is almost full.
            sqlite3.Error: they could not be kept; none was.
        """
        check_room(self._path)
        now_s = int(time.time())
        accepted: list[Addressed] = []
        with self._transaction(durable=any(group.acknowledged for group in groups)) as connection:
            self._limits.make_room(connection, now_s)
            for group in groups:
                for addressed in group.alerts:
                    if group.acknowledged and not self._is_first(connection, addressed.alert.id, now_s):
                        continue
                    self._insert(connection, addressed, now_s)
                    accepted.append(addressed)
        return accepted

    def _is_first(self, connection: sqlite3.Connection, alert_id: str, now_s: int) -> bool:
        added = connection.execute(
            "INSERT INTO seen (id, accepted_s) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET accepted_s = ?2 "
            "WHERE accepted_s <= ?3",
            (alert_id, now_s, now_s - self._limits.duplicates_s),
        )
        return added.rowcount > 0

    def _insert(self, connection: sqlite3.Connection, addressed: Addressed, now_s: int) -> None:
        alert = addressed.alert
        row = (alert.id, int(alert.priority), now_s, encoded(alert))
        seq = connection.execute(
            "INSERT INTO alert (id, priority, accepted_s, body) VALUES (?, ?, ?, ?)", row
        ).lastrowid
        connection.executemany(
            "INSERT INTO queue (output, seq) VALUES (?, ?)",
            ((self._outputs[name], seq) for name in addressed.outputs),
        )

    # --- delivering -------------------------------------------------------------------------------------

    def claim(self, output: str, limit: int, max_bytes: int, after: int = 0) -> list[Queued]:
        """The first alerts of an output's queue behind `after`, in order: at least one where there is any.

        One that can't be read any more becomes a dead letter.
        """
        while True:
            found, unreadable = self._first(output, limit, max_bytes, after)
            for seq, reason in unreadable:
                self.bury(output, seq, reason)
            if found or not unreadable:
                return found

    def _first(
        self, output: str, limit: int, max_bytes: int, after: int
    ) -> tuple[list[Queued], list[tuple[int, str]]]:
        """(those that can be read, seq and reason of the others)."""
        found: list[Queued] = []
        unreadable: list[tuple[int, str]] = []
        size_bytes = 0
        rows = self._connection.execute(
            "SELECT seq, CAST(body AS BLOB) FROM queue JOIN alert USING (seq) WHERE output = ? AND seq > ? "
            "ORDER BY seq LIMIT ?",
            (self._outputs[output], after, limit),
        )
        for seq, body in rows:
            size_bytes += len(body)
            if found and size_bytes > max_bytes:
                break
            try:
                found.append(Queued(seq, decoded(body)))
            except UnreadableError as error:
                unreadable.append((seq, f"it can't be read back: {error}"))
        return found, unreadable

    def still_queued(self, output: str, queued: Sequence[Queued]) -> list[Queued]:
        """Those that were not given up or purged since they were claimed."""
        rows = self._connection.execute(
            "SELECT seq FROM queue WHERE output = ? AND seq BETWEEN ? AND ?",
            (self._outputs[output], queued[0].seq, queued[-1].seq),
        )
        left = {seq for (seq,) in rows}
        return [one for one in queued if one.seq in left]

    def settle(self, output: str, seq: int) -> None:
        """An output has all alerts up to `seq`."""
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM queue WHERE output = ? AND seq <= ?", (self._outputs[output], seq)
            )

    def bury(self, output: str, seq: int, reason: str) -> None:
        """An output will never take this alert: it becomes a dead letter."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO dead (output, id, accepted_s, refused_s, reason, body) "
                "SELECT ?, id, accepted_s, ?, ?, body FROM alert WHERE seq = ?",
                (output, int(time.time()), reason, seq),
            )
            connection.execute("DELETE FROM queue WHERE output = ? AND seq = ?", (self._outputs[output], seq))

    def tidy(self) -> None:
        """Remove what every output has, and what is too old; give the room back.

        It is done in small steps: others want to write meanwhile, and the disk may be almost full.
        """
        with self._transaction() as connection:
            self._limits.remove_old(connection, int(time.time()))
        more = True
        while more:
            with self._transaction() as connection:
                more = self._limits.remove_delivered(connection)
        for _ in range(_VACUUM_STEPS):
            if not self._limits.is_mostly_free(self._connection):
                break
            # It gives a row without columns for each page, after the first of which `execute` stops.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
            # The file is cut when the log goes into it; where the disk is full, nobody else does that.
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def waiting(self) -> Iterator[Salvaged]:
        """What waits, in order, as far as it can be read; also of a file that was removed."""
        return waiting_alerts(self._connection)

    # --- looking ----------------------------------------------------------------------------------------

    def backlogs(self) -> dict[str, Backlog]:
        """What waits, by output."""
        found = {}
        for name, number in self._outputs.items():
            count, first = self._connection.execute(
                "SELECT count(*), min(seq) FROM queue WHERE output = ?", (number,)
            ).fetchone()
            oldest = self._connection.execute(
                "SELECT accepted_s FROM alert WHERE seq = ?", (first,)
            ).fetchone()
            found[name] = Backlog(count, oldest[0] if oldest else None)
        return found

    def dropped(self) -> dict[str, dict[str, int]]:
        """How many alerts were given up, by output and reason."""
        found: dict[str, dict[str, int]] = {}
        for output, reason, count in self._connection.execute("SELECT output, reason, count FROM dropped"):
            found.setdefault(output, {})[reason] = count
        return found

    def size_bytes(self) -> int:
        """What the database takes of its limit."""
        return self._limits.used_bytes(self._connection)


def _file_at(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
