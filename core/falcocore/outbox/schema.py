"""The outbox's database: its tables, and a connection that is ready to be used."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

VERSION = 1
BUSY_S = 5.0
"""Seconds that a statement waits for another process that has locked the database."""

_TABLES = """
CREATE TABLE output (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE alert (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, priority INTEGER NOT NULL,
    accepted_s INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE queue (
    output INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (output, seq)
) WITHOUT ROWID;
CREATE TABLE dead (
    number INTEGER PRIMARY KEY AUTOINCREMENT, output TEXT NOT NULL, id TEXT NOT NULL,
    accepted_s INTEGER NOT NULL, refused_s INTEGER NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE seen (id TEXT PRIMARY KEY, accepted_s INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX seen_accepted ON seen (accepted_s);
CREATE TABLE dropped (
    output TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (output, reason)
) WITHOUT ROWID;
"""


class DamagedError(Exception):
    """The file is no database of ours, or was damaged."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the database, which is created where there is none.

    Transactions are begun by hand. Commits reach the disk where `synchronous` is FULL; see `Store.append`.

    Raises:
        DamagedError: it can't be read as a database.
        sqlite3.Error, OSError: it can't be opened.
    """
    # Alerts are for the owner's eyes; SQLite gives its other files the mode of this one.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        if is_damage(error):
            raise DamagedError(str(error)) from error
        raise
    except DamagedError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        raise DamagedError(f"its version is {version}, this falcocore knows {VERSION}")
    if version == 0:
        # On one that exists it changes nothing, but waits for whoever is writing.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TEMP TABLE chosen (seq INTEGER PRIMARY KEY)")
    if version == 0:
        script = f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
        connection.executescript(script)


def is_damage(error: sqlite3.Error) -> bool:
    """True where the error says that the file's content is wrong, not that it can't be used now."""
    name = getattr(error, "sqlite_errorname", "")
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
