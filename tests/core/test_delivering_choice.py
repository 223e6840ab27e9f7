"""How alerts get to the outputs: when the outbox is used, and when not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from falcocore.api import OutputError
from falcocore.config.settings import Settings, read_settings
from falcocore.config.tree import parse_tree
from falcocore.counters import Counters
from falcocore.delivering import Straight, delivering_for
from falcocore.destination import Destination, open_all
from falcocore.lang.text import SourceFile
from falcocore.outbox.delivering import ByOutbox
from falcocore.outbox.limits import WhenFull
from tests.support.small_sources import Kept

STDOUT = {"stdout_output": {"enabled": True}}
FILE = {"file_output": {"enabled": True, "filename": "/f"}}
HTTP = {"http_output": {"enabled": True, "url": "http://h/"}}
OTHER: dict[str, Any] = {"outputs": {"chat": {"options": {}}}}
OWN_FILE = {"outputs": {"archive": {"type": "file"}}}


def settings_of(config: dict[str, Any]) -> Settings:
    tree = parse_tree(SourceFile("falco.yaml", yaml.safe_dump(config)), pytest.fail, {})
    return read_settings(tree, pytest.fail, {})


def chosen(config: dict[str, Any], caplog: pytest.LogCaptureFixture) -> tuple[type, list[str]]:
    settings = settings_of(config)
    with caplog.at_level(logging.WARNING, "falcocore"):
        found = delivering_for(settings, [], Counters(), lambda _reason: None, is_live=False)
    return type(found), [record.getMessage() for record in caplog.records]


OFF = {"outbox": {"enabled": False}}
ON = {"outbox": {"enabled": True, "path": "/nonexistent"}}
LOST = ["the outbox is switched off: alerts that an output does not take at once are lost"]


@pytest.mark.parametrize(
    ("config", "expected", "warned"),
    [
        ({}, Straight, []),
        (STDOUT | FILE, Straight, []),
        (OWN_FILE, Straight, []),
        (STDOUT | HTTP, ByOutbox, []),
        (OTHER, ByOutbox, []),
        (FILE | ON, ByOutbox, []),
        (FILE | OFF, Straight, []),
        (HTTP | OFF, Straight, LOST),
    ],
)
def test_the_outbox_is_used_where_an_output_may_be_out_of_reach(
    config: dict[str, Any], expected: type, warned: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert chosen(config, caplog) == (expected, warned)


def test_settings_reach_the_outbox() -> None:
    keys = {"path": "/here", "max_size_mb": 2, "when_full": "refuse"}
    settings = settings_of({**HTTP, "outbox": keys})
    found = delivering_for(settings, [], Counters(), lambda _reason: None, is_live=False)
    assert isinstance(found, ByOutbox)
    assert found.outbox.path == Path("/here/outbox.db")
    assert (settings.outbox.limits.max_bytes, settings.outbox.limits.when_full) == (2 << 20, WhenFull.REFUSE)


class Unopenable(Kept):
    """Can't be opened."""

    def open(self) -> None:
        raise OutputError("not today")


def test_where_an_output_can_not_be_opened_the_others_are_closed_again() -> None:
    first, last = Kept(), Kept()
    with pytest.raises(OutputError, match="not today"):
        open_all([Destination("a", first), Destination("b", Unopenable()), Destination("c", last)])
    assert (first.calls, last.calls) == (["open", "close"], [])


def test_straight_delivery_closes_its_outputs_where_the_start_fails() -> None:
    output = Kept()
    straight = Straight([Destination("a", output)], Counters(), lambda _reason: None)
    straight.open()
    straight.abandon()
    assert output.calls == ["open", "close"]
