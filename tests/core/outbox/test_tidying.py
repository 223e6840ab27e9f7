"""Tidying: what was given up is told, and damage is mended though nobody else meets with it."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from falcocore.outbox import tidying as tidying_module
from falcocore.outbox.limits import Limits
from falcocore.outbox.outbox import Outbox
from falcocore.outbox.tidying import Tidying
from tests.support.small_outbox import connection_to, large, opened, outbox_of, waiting

LIMITS = Limits(max_bytes=1 << 20)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")
    monkeypatch.setattr(tidying_module, "TIDY_S", 0.001)
    monkeypatch.setattr(tidying_module, "REMIND_S", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@contextmanager
def tidying(outbox: Outbox) -> Iterator[None]:
    found = Tidying(outbox)
    found.start()
    try:
        yield
    finally:
        found.end()


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait for what a thread does that tells nobody."""
    while not holds():
        time.sleep(0.001)


def test_what_is_given_up_is_told_as_it_happens(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with outbox_of(path, LIMITS) as outbox, connection_to(outbox) as box, tidying(outbox):
        for number in range(150):
            box.append([large(number)])
        given_up = box.store().dropped()["a"]["full"]

        def told() -> int:
            return sum(
                int(record.getMessage().split()[2])
                for record in caplog.records
                if record.getMessage().startswith("output a: ")
                and "were given up: full" in record.getMessage()
            )

        wait_for(lambda: told() == given_up)
    assert given_up > 0


def test_what_was_given_up_before_the_start_is_not_told_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(path, LIMITS) as box:
        for number in range(150):
            box.append([large(number)])
        assert box.store().dropped()
    with outbox_of(path, LIMITS) as outbox, tidying(outbox):
        pass
    assert "given up" not in caplog.text


def test_damage_is_mended(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with outbox_of(path) as outbox, connection_to(outbox) as box, tidying(outbox):
        box.append([large(*range(100))])
        with sqlite3.connect(path) as other:
            other.execute("DROP TABLE seen")
        other.close()
        wait_for(lambda: "was damaged (no such table: seen)" in caplog.text)
        assert waiting(box.store()) == list(range(100))
