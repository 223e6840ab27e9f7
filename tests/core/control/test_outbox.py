"""The commands about the outbox, as they are asked on the control socket and without a process."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from falcocore.control.outbox import OutboxCommands
from falcocore.control.protocol import ControlError
from falcocore.outbox import schema
from tests.support.kept_alerts import keep, samples


class Asked:
    """The commands, and which outputs are to look into their queues after them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed: list[set[str] | None] = []
        self._handlers = OutboxCommands(path, self.changed.append).handlers()

    def ask(self, command: str, **arguments: Any) -> Any:
        return msgspec.to_builtins(self._handlers[command](arguments))


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Three alerts for web and pager; web has refused the second."""
    path = tmp_path / "outbox.db"
    keep(path, *samples(3), outputs=("web", "pager"), dead={"web": {2: "no"}})
    return Asked(path)


@pytest.mark.parametrize(
    ("command", "arguments", "answer", "changed"),
    [
        ("outbox.count", {}, {"waiting": 5, "dead": 1}, []),
        ("outbox.count", {"output": "web", "dead": True}, {"waiting": 0, "dead": 1}, []),
        ("outbox.purge", {"ids": ["1"]}, {"waiting": 2, "dead": 0}, [None]),
        ("outbox.purge", {"output": "web"}, {"waiting": 2, "dead": 1}, [{"web"}]),
        ("outbox.purge", {"dead": True}, {"waiting": 0, "dead": 1}, [None]),
        ("outbox.retry", {}, {"queued": {"web": 1}, "unconfigured": {}, "unreadable": 0}, [None]),
        (
            "outbox.retry",
            {"output": "pager"},
            {"queued": {}, "unconfigured": {}, "unreadable": 0},
            [{"pager"}],
        ),
        (
            "outbox.retry",
            {"ids": ["d1"]},
            {"queued": {"web": 1}, "unconfigured": {}, "unreadable": 0},
            [{"web"}],
        ),
    ],
)
def test_command(
    asked: Asked, command: str, arguments: dict[str, Any], answer: object, changed: list[set[str] | None]
) -> None:
    assert asked.ask(command, **arguments) == answer
    assert asked.changed == changed


def test_list_tells_how_many_there_are_without_its_limit(asked: Asked) -> None:
    listing = asked.ask("outbox.list", limit=1)
    assert [letter["id"] for letter in listing["letters"]] == ["1", "d1", "1"]
    assert listing["count"] == {"waiting": 5, "dead": 1}


def test_show_has_one_entry_for_each_output_that_waits(asked: Asked) -> None:
    shown = asked.ask("outbox.show", id="3")
    assert [letter["output"] for letter in shown] == ["web", "pager"]
    assert shown[0]["alert"]["rule"] == "Rule 3"


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("outbox.list", {"output": "wbe"}, "the outbox knows no output 'wbe'\n  did you mean web?"),
        ("outbox.purge", {"output": "zz"}, "the outbox knows no output 'zz'\n  outputs are web, pager"),
        ("outbox.list", {"limit": 0}, "the request can't be used: Expected `int` >= 1 - at `$.limit`"),
        ("outbox.list", {"limit": 99999}, "the request can't be used: Expected `int` <= 10000"),
        ("outbox.purge", {"id": ["1"]}, "the request can't be used: Object contains unknown field `id`"),
        ("outbox.purge", {"ids": ["1", "x"]}, "'x' is no id: one is a number, or d and a number"),
        ("outbox.show", {"id": "d9"}, "there is no d9 in the outbox\n  it may have been delivered"),
        ("outbox.show", {"id": "2 or 1=1"}, "'2 or 1=1' is no id"),
    ],
)
def test_what_cannot_be_done_is_told(
    asked: Asked, command: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ControlError) as caught:
        asked.ask(command, **arguments)
    assert str(caught.value).startswith(message)
    assert asked.ask("outbox.count") == {"waiting": 5, "dead": 1}


def test_missing_outbox_is_told_and_not_made(tmp_path: Path) -> None:
    asked = Asked(tmp_path / "none" / "outbox.db")
    with pytest.raises(ControlError, match=r"there is no outbox in .*/none\n"):
        asked.ask("outbox.list")
    assert list(tmp_path.iterdir()) == []


def test_damaged_outbox_is_told(tmp_path: Path) -> None:
    asked = Asked(tmp_path / "outbox.db")
    asked.path.write_bytes(b"no database" * 1000)
    with pytest.raises(ControlError, match=r"outbox\.db can't be used: file is not a database"):
        asked.ask("outbox.list")


def test_locked_outbox_is_told(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_S", 0.01)
    with closing(sqlite3.connect(asked.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert asked.ask("outbox.count") == {"waiting": 5, "dead": 1}
        with pytest.raises(ControlError, match=r"can't be used: the database is locked by another process"):
            asked.ask("outbox.purge")
        other.execute("ROLLBACK")
    assert asked.ask("outbox.purge") == {"waiting": 5, "dead": 1}
