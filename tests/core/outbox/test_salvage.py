"""Salvage: what the disk still holds of a damaged outbox comes back."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from falcocore.outbox.pages import alert_rows
from falcocore.outbox.records import decoded
from falcocore.outbox.salvage import salvage
from falcocore.outbox.schema import first_page
from tests.support.small_outbox import ALL, group, number_of, store_of

PAGE_BYTES = 4096
COUNT = 400
EVERYTHING = list(range(COUNT))
# Pages of the database, counted from 0: which table begins where.
OUTPUT, ALERT, QUEUE = 2, 4, 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outbox with short and long alerts, some of which were delivered."""
    path = tmp_path_factory.mktemp("whole") / "outbox.db"
    with store_of(path) as store:
        for number in EVERYTHING:
            store.append([group(number, message="x" * (20_000 if number % 50 == 7 else 300))])
        store.settle("b", store.claim("b", COUNT // 2, ALL)[-1].seq)
    return path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "outbox.db"))


def overwrite(path: Path, page: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(content)


def noise(pages: int) -> bytes:
    return random.Random(1).randbytes(pages * PAGE_BYTES)


def salvaged(path: Path) -> dict[int, list[str]]:
    """Numbers of alerts, and the outputs that they are for."""
    found = [
        (number_of(one.alert), ["any"] if one.outputs is None else list(one.outputs)) for one in salvage(path)
    ]
    numbers = [number for number, _ in found]
    assert numbers == sorted(set(numbers)), "out of order or twice"
    return dict(found)


def test_nothing_is_lost_of_one_that_is_whole(path: Path) -> None:
    found = salvaged(path)
    assert list(found) == EVERYTHING
    assert list(found.values()) == [["a"]] * (COUNT // 2) + [["a", "b"]] * (COUNT // 2)


def test_what_every_output_has_does_not_come_back(path: Path) -> None:
    with store_of(path) as store:
        store.settle("a", store.claim("a", COUNT // 4, ALL)[-1].seq)
    assert list(salvaged(path)) == EVERYTHING[COUNT // 4 :]


@pytest.mark.parametrize("size", [1, 100, PAGE_BYTES])
def test_the_first_page_is_not_needed(size: int, path: Path) -> None:
    overwrite(path, 0, noise(1)[:size])
    assert list(salvaged(path)) == EVERYTHING


@pytest.mark.parametrize("content", [noise(1), bytes(PAGE_BYTES)])
def test_the_root_of_the_tree_is_not_needed(content: bytes, path: Path) -> None:
    overwrite(path, ALERT, content)
    found = salvaged(path)
    assert list(found) == EVERYTHING
    assert found[0] == ["a"]


@pytest.mark.parametrize("page", [OUTPUT, QUEUE])
def test_where_nobody_knows_who_waits_everybody_does(page: int, path: Path) -> None:
    overwrite(path, page, noise(1))
    found = salvaged(path)
    assert list(found) == EVERYTHING
    assert set(map(tuple, found.values())) == {("any",)}


@pytest.mark.parametrize("content", [noise(3), bytes(3 * PAGE_BYTES)])
@pytest.mark.parametrize("page", [13, 20, 40, 60])
def test_what_lies_around_bad_pages_comes_back(page: int, content: bytes, path: Path) -> None:
    """A page holds about 8 of these alerts, or is one of 5 of a long one."""
    overwrite(path, page, content)
    lost = set(EVERYTHING) - set(salvaged(path))
    assert 0 < len(lost) <= 3 * 9


@pytest.mark.parametrize("part", [0.25, 0.5, 0.9])
def test_the_beginning_of_a_truncated_file_comes_back(part: float, path: Path) -> None:
    size = int(path.stat().st_size * part)
    with path.open("r+b") as file:
        file.truncate(size)
    found = list(salvaged(path))
    assert found == EVERYTHING[: len(found)]
    assert len(found) > (part - 0.25) * COUNT


@pytest.mark.parametrize("content", [b"", b"x", noise(30), bytes(30 * PAGE_BYTES)])
def test_nothing_comes_of_what_never_was_one(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert salvaged(path) == {}


@pytest.mark.parametrize("ruin", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_the_log_alone_is_enough(ruin: Callable[[Path], None], tmp_path: Path) -> None:
    """SQLite would delete the log of a database that is empty."""
    path, killed = tmp_path / "outbox.db", tmp_path / "killed" / "outbox.db"
    killed.parent.mkdir()
    with store_of(path) as store:
        store.append([group(*EVERYTHING, acknowledged=True)])
        for end in ("", "-wal"):
            shutil.copy(f"{path}{end}", f"{killed}{end}")
    ruin(killed)
    assert list(salvaged(killed)) == EVERYTHING


def test_the_first_page_that_is_laid_is_that_of_every_outbox(tmp_path: Path) -> None:
    with store_of(tmp_path / "outbox.db"):
        pass
    made = (tmp_path / "outbox.db").read_bytes()[:PAGE_BYTES]
    laid = first_page()
    # But for the number of pages and counts of changes.
    assert {at for at in range(PAGE_BYTES) if made[at] != laid[at]} <= {*range(24, 32), *range(92, 100)}


def test_rows_are_found_without_the_tree(path: Path) -> None:
    with sqlite3.connect(path) as reading:
        rows = reading.execute("SELECT seq, body FROM alert ORDER BY seq").fetchall()
    reading.close()
    assert list(alert_rows(path, PAGE_BYTES)) == rows
    assert list(alert_rows(path, PAGE_BYTES, after=rows[99][0])) == rows[100:]


@pytest.mark.parametrize("seed", range(20))
def test_no_damage_gives_anything_but_alerts_or_an_error_of_its_own(seed: int, path: Path) -> None:
    chance = random.Random(seed)
    pages = path.stat().st_size // PAGE_BYTES
    for _ in range(chance.randrange(1, 30)):
        with path.open("r+b") as file:
            file.seek(chance.randrange(pages * PAGE_BYTES))
            file.write(chance.randbytes(chance.choice((1, 8, 500))))
    found = salvaged_loosely(path)
    assert set(found) <= set(EVERYTHING)
    assert len(set(found)) > COUNT // 2


def salvaged_loosely(path: Path) -> list[int]:
    """A changed byte may be within an alert: what is counted is those that are as they were."""
    numbers = []
    for one in salvage(path):
        try:
            numbers.append(number_of(one.alert))
        except ValueError:
            continue
    return [number for number in numbers if number < COUNT]


def test_bodies_are_those_that_were_written(path: Path) -> None:
    bodies = [decoded(body).message for _, body in alert_rows(path, PAGE_BYTES)]
    assert [len(body) for body in bodies] == [20_000 if n % 50 == 7 else 300 for n in EVERYTHING]
