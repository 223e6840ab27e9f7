"""From the writer to the outputs by way of the outbox, as one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from falcocore.api import OutputError
from falcocore.config.settings import OutboxSettings
from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.errors import ConfigError
from falcocore.outbox.delivering import ByOutbox
from falcocore.state import StateDirectory
from falcocore.testing import sample_alert
from falcocore.writer import Parcel
from tests.support.scripted_output import Scripted


class Unopenable(Scripted):
    """Can't be opened."""

    def open(self) -> None:
        raise OutputError("not today")


def by_outbox(path: Path, *outputs: Scripted) -> ByOutbox:
    destinations = [Destination(f"o{number}", output) for number, output in enumerate(outputs)]
    return ByOutbox(OutboxSettings(path=path), destinations, Counters(), lambda _reason: None)


def accept(delivering: ByOutbox, *numbers: int) -> None:
    parcel = Parcel([sample_alert(number) for number in numbers], acknowledged=True)
    assert delivering.sink.accept([parcel]) == [None]


def test_what_is_accepted_is_delivered_and_the_rest_after_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "falcocore")
    failing, other = Scripted(*[OutputError("busy")] * 1000), Scripted()
    delivering = by_outbox(tmp_path, failing, other)
    delivering.open()
    delivering.start()
    accept(delivering, 1, 2)
    other.wait_for_count(2)
    delivering.sink.close()
    delivering.finish(60, lambda: False)
    assert "output o0: 2 alerts wait in the outbox for the next start" in caplog.text
    failing = Scripted()
    delivering = by_outbox(tmp_path, failing, other)
    delivering.open()
    delivering.start()
    delivering.finish(60, lambda: False)
    assert (failing.delivered, other.delivered) == ([1, 2], [1, 2])


def test_the_directory_is_owned_while_it_is_open(tmp_path: Path) -> None:
    delivering = by_outbox(tmp_path, Scripted())
    delivering.open()
    with pytest.raises(ConfigError, match="is used by another process"):
        StateDirectory(tmp_path).own()
    delivering.abandon()
    StateDirectory(tmp_path).own()


def test_where_an_output_can_not_be_opened_nothing_is_kept_open(tmp_path: Path) -> None:
    opened = Scripted()
    with pytest.raises(OutputError, match="not today"):
        by_outbox(tmp_path, opened, Unopenable()).open()
    assert opened.calls == ["close"]
    delivering = by_outbox(tmp_path, Scripted())
    delivering.open()
    delivering.abandon()


def test_where_the_start_fails_later_the_outputs_are_closed(tmp_path: Path) -> None:
    output = Scripted()
    delivering = by_outbox(tmp_path, output)
    delivering.open()
    delivering.abandon()
    assert output.calls == ["close"]


def test_reopening_reaches_the_outputs(tmp_path: Path) -> None:
    output = Scripted()
    delivering = by_outbox(tmp_path, output)
    delivering.open()
    delivering.start()
    delivering.sink.reopen()
    delivering.finish(60, lambda: False)
    assert output.calls == ["reopen", "close"]
