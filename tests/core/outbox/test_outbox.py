"""The outbox: its file may be removed, moved or damaged at any time, and what waits is not lost with it."""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from falcocore.errors import ConfigError
from falcocore.outbox import schema
from falcocore.outbox.limits import Limits, WhenFull
from falcocore.outbox.outbox import TROUBLE, Connection, Outbox, reason_of
from tests.support.small_outbox import (
    connection_to,
    group,
    large,
    locked,
    opened,
    outbox_of,
    store_of,
    waiting,
    waiting_in,
)

NUMBERS = list(range(200))
Ruin = Callable[[Path], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")


def beside(path: Path) -> set[str]:
    """The names of the other files in the folder, without what SQLite has beside each."""
    return {file.name for file in path.parent.iterdir() if not file.name.endswith(("-wal", "-shm"))} - {
        path.name
    }


def overwrite_first_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(4096))


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def write_another_database_over_it(path: Path) -> None:
    other = path.with_name("other")
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    path.write_bytes(other.read_bytes())
    other.unlink()


def remove_with_everything_beside(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


def put_another_in_its_place(path: Path) -> None:
    path.unlink()
    path.touch()


GONE: dict[str, Ruin] = {
    "removed": Path.unlink,
    "removed with its log": remove_with_everything_beside,
    "moved": lambda path: path.rename(path.with_name("elsewhere")),
    "another file": put_another_in_its_place,
}


@pytest.mark.parametrize("way", GONE)
def test_what_waits_in_a_removed_file_is_taken_over_while_it_is_open(
    way: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with outbox_of(path) as outbox, connection_to(outbox) as writer, connection_to(outbox) as worker:
        writer.append([group(*NUMBERS, acknowledged=True)])
        worker.store().settle("a", worker.store().claim("a", 50, 1 << 30)[-1].seq)
        GONE[way](path)
        writer.append([group(1000, acknowledged=True)])
        assert waiting(worker.store(), "a") == [*NUMBERS[50:], 1000]
        assert waiting(worker.store(), "b") == [*NUMBERS, 1000]
    assert waiting_in(path, "a") == [*NUMBERS[50:], 1000]
    said = "is another file now: 200" if way == "another file" else "was removed: it is made anew, and 200"
    assert f"outbox {path} {said} waiting alerts" in caplog.text
    assert beside(path) == ({"elsewhere"} if way == "moved" else set())


@pytest.mark.parametrize("with_log", [True, False])
def test_a_file_that_was_put_in_place_of_another_does_not_get_its_log(with_log: bool, path: Path) -> None:
    copy = path.with_name("copy.db")
    with store_of(copy) as store:
        store.append([group(500, 501)])
    with outbox_of(path) as outbox, connection_to(outbox) as writer:
        writer.append([large(*NUMBERS)])
        copy.rename(path)
        if not with_log:
            Path(f"{path}-wal").unlink()
        writer.append([group(1000)])
        assert waiting(writer.store()) == [500, 501, *NUMBERS, 1000]
    assert waiting_in(path) == [500, 501, *NUMBERS, 1000]


def append_until_it_succeeds(writer: Connection, number: int) -> None:
    """As a sender does that gets an answer for each try."""
    while True:
        try:
            writer.append([group(number, acknowledged=True)])
        except TROUBLE:
            continue
        return


def test_every_acknowledged_alert_is_there_though_the_file_is_removed_again_and_again(path: Path) -> None:
    ended, chance = threading.Event(), random.Random(4)

    def remove() -> None:
        while not ended.wait(chance.uniform(0.001, 0.03)):
            path.unlink(missing_ok=True)

    remover = threading.Thread(target=remove)
    with outbox_of(path) as outbox, connection_to(outbox) as writer, connection_to(outbox) as reader:
        remover.start()
        try:
            for number in range(100):
                append_until_it_succeeds(writer, number)
        finally:
            ended.set()
            remover.join()
        found = waiting(reader.store())
    assert set(found) == set(range(100))
    first_copies = list(dict.fromkeys(found))
    assert first_copies == sorted(first_copies)


def test_a_connection_to_a_file_of_long_ago_brings_nothing_back(path: Path) -> None:
    """It may be asleep while the file is removed twice."""
    with outbox_of(path) as outbox, connection_to(outbox) as writer, connection_to(outbox) as asleep:
        writer.append([group(1)])
        asleep.store()
        path.unlink()
        writer.append([group(2)])
        path.unlink()
        assert waiting(asleep.store()) == [1, 2]
        assert waiting(writer.store()) == [1, 2]


def test_no_alert_is_appended_to_a_file_that_is_being_replaced(path: Path) -> None:
    with outbox_of(path) as outbox, connection_to(outbox) as writer:
        appending = threading.Thread(target=lambda: writer.append([group(1)]))
        with outbox.undisturbed:
            appending.start()
            appending.join(0.05)
            assert appending.is_alive()
        appending.join()
        assert waiting(writer.store()) == [1]


DAMAGE: dict[str, Ruin] = {
    "first page": overwrite_first_page,
    "half": halve,
    "another database": write_another_database_over_it,
    "no database": lambda path: path.write_bytes(b"no database" * 1000),
}
READABLE = {"first page": 200, "half": 98, "another database": 0, "no database": 0}
"""Alerts that are still there, more or less."""


def check_what_is_left(found: list[int], way: str) -> None:
    assert found[-1] == 1000
    assert found[:-1] == NUMBERS[: len(found) - 1]
    assert len(found) - 1 == pytest.approx(READABLE[way], abs=4)


@pytest.mark.parametrize("way", DAMAGE)
def test_a_damaged_file_is_put_aside_at_the_start(
    way: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with store_of(path) as store:
        store.append([large(*NUMBERS)])
    DAMAGE[way](path)
    with opened(path) as writer:
        writer.append([group(1000)])
        found = waiting(writer.store())
    check_what_is_left(found, way)
    (aside,) = beside(path)
    assert aside.startswith("outbox.db.damaged-20")
    taken = f"and {len(found) - 1} waiting alerts that could be read were taken over; the old one is {aside}"
    assert taken in caplog.text


@pytest.mark.parametrize("way", ["half", "another database", "no database"])
def test_a_file_that_is_damaged_while_it_is_used_is_put_aside(way: str, path: Path) -> None:
    with outbox_of(path) as outbox, connection_to(outbox) as writer, connection_to(outbox) as worker:
        writer.append([large(*NUMBERS)])
        checkpoint(path)
        worker.store()
        DAMAGE[way](path)
        with pytest.raises(sqlite3.Error) as caught:
            waiting(worker.store())
        assert worker.mend(caught.value)
        writer.append([group(1000)])
        found = waiting(worker.store())
    check_what_is_left(found, way)
    assert len(beside(path)) == 1


def checkpoint(path: Path) -> None:
    """Have everything in the file, and nothing in its log."""
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()


def corrupt() -> sqlite3.Error:
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorname = "SQLITE_CORRUPT"
    return error


def test_the_second_connection_that_meets_the_damage_does_not_replace_it_once_more(path: Path) -> None:
    with outbox_of(path) as outbox, connection_to(outbox) as first, connection_to(outbox) as second:
        first.append([large(*NUMBERS)])
        second.store()
        halve(path)
        for connection in (first, second):
            assert connection.mend(corrupt())
        for connection in (first, second):
            assert connection.store().is_in_place
    assert len(beside(path)) == 1


def test_damage_of_the_same_second_is_put_aside_under_another_name(path: Path) -> None:
    with opened(path) as connection:
        for number in range(3):
            connection.append([group(number)])
            assert connection.mend(corrupt())
        assert waiting(connection.store()) == [0, 1, 2]
    assert len(beside(path)) == 3


def test_limits_do_not_hold_back_what_is_taken_over(path: Path) -> None:
    with opened(path) as connection:
        connection.append([large(*NUMBERS)])
    with opened(path, Limits(max_bytes=1 << 20, when_full=WhenFull.REFUSE)) as connection:
        connection.store()
        assert connection.mend(corrupt())
        assert waiting(connection.store()) == NUMBERS


class TestKilledWhileMending:
    """What is there at the next start."""

    def test_before_the_new_one_is_complete_the_damaged_one_counts(self, path: Path) -> None:
        with store_of(path) as store:
            store.append([group(*NUMBERS)])
        with store_of(path.with_name("outbox.db.mending")) as store:
            store.append([group(1)])
        overwrite_first_page(path)
        with opened(path) as connection:
            assert waiting(connection.store()) == NUMBERS
        assert len(beside(path)) == 1

    @pytest.mark.parametrize("old_is_there", [True, False])
    def test_from_then_on_the_new_one_counts(self, old_is_there: bool, path: Path) -> None:
        if old_is_there:
            with store_of(path) as store:
                store.append([group(1)])
        Path(f"{path}-wal").write_bytes(b"of the old one")
        with store_of(path.with_name("outbox.db.mended")) as store:
            store.append([group(*NUMBERS)])
        with opened(path) as connection:
            assert waiting(connection.store()) == NUMBERS
        assert len(beside(path)) == (1 if old_is_there else 0)

    @pytest.mark.parametrize("ruin", [Path.unlink, lambda path: os.truncate(path, 0)])
    def test_the_log_that_was_left_is_taken_over(self, ruin: Ruin, path: Path) -> None:
        killed = path.parent / "killed" / "outbox.db"
        killed.parent.mkdir()
        with store_of(path) as store:
            store.append([group(*NUMBERS, acknowledged=True)])
            for end in ("", "-wal", "-shm"):
                shutil.copy(f"{path}{end}", f"{killed}{end}")
        ruin(killed)
        with opened(killed) as connection:
            assert waiting(connection.store()) == NUMBERS


def test_the_open_file_is_kept_until_its_folder_is_there_again(path: Path) -> None:
    """It is all that there is of the alerts then."""
    folder = path.parent / "state"
    folder.mkdir()
    with opened(folder / "outbox.db") as connection:
        connection.append([group(*NUMBERS)])
        shutil.rmtree(folder)
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                connection.append([group(1000)])
        folder.mkdir()
        connection.append([group(1001)])
        assert waiting(connection.store()) == [*NUMBERS, 1001]


def test_errors_that_say_nothing_of_damage_are_not_mended(path: Path) -> None:
    with opened(path) as connection:
        store = connection.store()
        for error in (OSError(28, "No space left on device"), sqlite3.OperationalError("disk I/O error")):
            assert not connection.mend(error)
        assert connection.store() is store


def test_an_output_that_is_not_configured_any_more_is_told_of(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(path) as connection:
        connection.append([group(1, 2)])
    with opened(path, outputs=["b"]) as connection:
        assert waiting(connection.store(), "b") == [1, 2]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ["output a is not configured any more: 2 alerts that waited for it are let go"]


def refusal(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Outbox(path, Limits(), ["a"]).open()
    assert "outbox.path" in (caught.value.hint or "")
    return caught.value


def test_one_that_is_locked_is_a_clear_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_S", 0.01)
    with store_of(path, outputs=["another"]), locked(path):
        said = refusal(path).message
    assert said == f"the outbox {path} can't be opened: the database is locked by another process"


def test_one_that_is_locked_can_be_opened_where_nothing_is_to_be_changed(path: Path) -> None:
    with opened(path) as connection:
        connection.append([group(1)])
    with locked(path), opened(path) as connection:
        assert waiting(connection.store()) == [1]


def test_a_path_that_can_not_be_used_is_a_clear_error(path: Path) -> None:
    path.mkdir()
    assert refusal(path).message == f"the outbox {path} can't be opened: Is a directory"
    missing = path / "missing" / "outbox.db"
    assert refusal(missing).message == f"the outbox {missing} can't be opened: No such file or directory"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SQLITE_FULL", "the disk is full"),
        ("SQLITE_BUSY", "the database is locked by another process"),
        ("SQLITE_READONLY", "the database can't be written (attempt)"),
        ("SQLITE_IOERR_WRITE", "attempt"),
    ],
)
def test_reasons_are_in_plain_words(name: str, reason: str) -> None:
    error = sqlite3.OperationalError("attempt")
    error.sqlite_errorname = name
    assert reason_of(error) == reason
    assert reason_of(OSError(30, "Read-only file system", "/x")) == "Read-only file system"


def test_another_process_that_looks_into_it_takes_nothing_away(path: Path) -> None:
    """SQLite deletes the log when the last one closes the database: that must not be somebody else."""
    with outbox_of(path) as outbox, connection_to(outbox) as writer, connection_to(outbox) as worker:
        writer.append([group(1, acknowledged=True)])
        worker.store()
        with locked(path):
            pass
        assert Path(f"{path}-wal").exists()
        writer.append([group(2, acknowledged=True)])
        killed = path.parent / "killed" / "outbox.db"
        killed.parent.mkdir()
        for end in ("", "-wal"):
            shutil.copy(f"{path}{end}", f"{killed}{end}")
        assert waiting_in(killed) == [1, 2]
