"""Behind the writer where there is no outbox: outputs, and a state directory where it can be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcocore.control.report import DeliveryReport, OutputReport
from falcocore.counters import Counters
from falcocore.delivering import Straight
from falcocore.errors import OutputError
from falcocore.state import StateDirectory
from falcocore.testing import sample_alert
from falcocore.writer import Parcel
from tests.support.small_sources import Kept, Refusing
from tests.support.straight_writer import destinations_of


def straight(*outputs: Kept, path: Path | None = None) -> Straight:
    directory = StateDirectory(path) if path is not None else None
    return Straight(destinations_of(outputs), Counters(), lambda _reason: None, directory)


def is_owned(delivering: Straight) -> bool:
    return delivering.directory is not None and delivering.directory.is_owned


def test_report_tells_what_was_delivered_and_what_failed() -> None:
    delivering = straight(Kept(), Refusing(OutputError("it is full"), "message 2"))
    delivering.open()
    for number in (1, 2):
        delivering.sink.accept([Parcel([sample_alert(number)], acknowledged=False)])
    assert delivering.report() == DeliveryReport(
        outputs=[
            OutputReport(name="kept", delivered=2),
            OutputReport(name="refusing", delivered=1, failures=1, last_error="it is full"),
        ]
    )
    delivering.abandon()


def test_alerts_of_a_part_that_failed_do_not_count_as_delivered() -> None:
    refusing = Refusing(OutputError("it is full"), "message 3")
    refusing.max_batch = 2
    delivering = straight(refusing)
    delivering.open()
    delivering.sink.accept([Parcel([sample_alert(n) for n in (1, 2, 3)], acknowledged=False)])
    (output,) = delivering.report().outputs
    assert (output.delivered, output.failures) == (2, 1)
    delivering.abandon()


@pytest.mark.parametrize("end", ["finish", "abandon"])
def test_state_directory_is_taken_and_given_back(tmp_path: Path, end: str) -> None:
    delivering = straight(Kept(), path=tmp_path / "state")
    delivering.open()
    assert is_owned(delivering)
    if end == "finish":
        delivering.finish(1, lambda: False)
    else:
        delivering.abandon()
    assert not is_owned(delivering)
    assert list((tmp_path / "state").iterdir()) == []


def test_directory_of_another_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "falcocore")
    first, second = straight(Kept(), path=tmp_path), straight(Kept(), path=tmp_path)
    first.open()
    second.open()
    second.finish(1, lambda: False)
    assert is_owned(first)
    (record,) = caplog.records
    assert (record.levelname, record.getMessage().partition(", ")[0]) == (
        "DEBUG",
        f"there is no control socket: the state directory {tmp_path} is used by another process",
    )
    first.abandon()


def test_outputs_are_opened_before_a_directory_is_made(tmp_path: Path) -> None:
    class Shut(Kept):
        def open(self) -> None:
            raise OutputError("it is shut")

    with pytest.raises(OutputError):
        straight(Shut(), path=tmp_path / "state").open()
    assert not (tmp_path / "state").exists()
