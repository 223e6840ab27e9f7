"""The database file: how it is made and opened, and which errors say that it is damaged."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from falcocore.outbox.schema import DamagedError, connect, is_damage


def test_it_is_made_for_its_owner_alone_and_with_a_log(tmp_path: Path) -> None:
    path = tmp_path / "outbox ?#%.db"
    connection = connect(path)
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert (mode, stat.S_IMODE(path.stat().st_mode)) == ("wal", 0o600)


def test_it_is_not_made_where_that_is_not_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        connect(tmp_path / "outbox.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.touch(0o640)
    connect(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("content", [b"no database" * 100, bytes(5000)])
def test_what_is_no_database_is_said_to_be_damaged(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        connect(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DamagedError, match="another program's database"):
        connect(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "message", "damage"),
    [
        ("SQLITE_CORRUPT", "database disk image is malformed", True),
        ("SQLITE_CORRUPT_INDEX", "malformed", True),
        ("SQLITE_NOTADB", "file is not a database", True),
        ("SQLITE_ERROR", "no such table: queue", True),
        ("SQLITE_ERROR", "near x: syntax error", False),
        ("SQLITE_FULL", "database or disk is full", False),
        ("SQLITE_BUSY", "database is locked", False),
        ("SQLITE_IOERR_WRITE", "disk I/O error", False),
    ],
)
def test_errors_that_say_of_damage(name: str, message: str, damage: bool) -> None:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorname = name
    assert is_damage(error) == damage
