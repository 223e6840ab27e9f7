"""The outbox's database: its tables, and a connection that is ready to be used."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from pathlib import Path

VERSION = 1
BUSY_S = 5.0
"""Seconds that a statement waits for another process that has locked the database."""

# Of the header of SQLite's file format, https://sqlite.org/fileformat.html#the_database_header
_FORMAT_AT, _WAL_FORMAT = 18, b"\x02\x02"
_COUNT_VALID_AT = 92
"""Where this is not the count of changes, which is 0 at first, the file's length tells its pages."""

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


def first_page() -> bytes:
    """The first page of an outbox that is whole: the same for all of one version, but for counts.

    It says where the tables begin, and leaves it to the file's length how many pages there are.
    """
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.executescript(f"{_TABLES} PRAGMA user_version = {VERSION};")
        page = bytearray(connection.serialize()[: connection.execute("PRAGMA page_size").fetchone()[0]])
    page[_FORMAT_AT : _FORMAT_AT + 2] = _WAL_FORMAT
    page[_COUNT_VALID_AT : _COUNT_VALID_AT + 4] = b"\xff\xff\xff\xff"
    return bytes(page)


def connect(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """Open the database, which is created where there is none; without `create`, that is an error.

    Transactions are begun by hand. Commits reach the disk where `synchronous` is FULL; see `Store.append`.

    Raises:
        DamagedError: it can't be read as a database.
        sqlite3.Error, OSError: it can't be opened.
    """
    if create:
        _create(path)
    connection = _opened(path)
    try:
        _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        if is_damage(error):
            raise DamagedError(str(error)) from error
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _opened(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    try:
        return sqlite3.connect(uri, timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=True)
    except sqlite3.OperationalError:
        # SQLite does not say why.
        if path.stat() and path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path)) from None
        raise


def _create(path: Path) -> None:
    """Create the file, where there is none: alerts are for the owner's eyes.

    SQLite gives its other files the mode of this one. A file that is there is left alone: with the descriptor
    that is closed, all locks would go that other connections of this process have on it.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        raise DamagedError(f"its version is {version}, this falcocore knows {VERSION}")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version == 0 and tables:
        raise DamagedError("it is another program's database")
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
    # Another database was written over it.
    without_tables = name == "SQLITE_ERROR" and "no such table" in str(error)
    return without_tables or name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
