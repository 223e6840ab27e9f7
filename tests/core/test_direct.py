"""Alerts straight to the outputs; `test_writer.py` has what the writer's thread makes of it."""

from __future__ import annotations

import asyncio

import pytest

from falcocore.api import Alert, Output, OutputError, OutputGone
from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.direct import Direct
from falcocore.testing import sample_alert
from falcocore.writer import Parcel
from tests.support.scripted_output import Scripted
from tests.support.small_outbox import number_of


def even(alert: Alert) -> bool:
    return number_of(alert) % 2 == 0


def parcel(*numbers: int) -> Parcel:
    return Parcel([sample_alert(number) for number in numbers], acknowledged=True)


def direct(*outputs: Output, gone: list[str] | None = None) -> tuple[Direct, Counters]:
    counters = Counters()
    destinations = [Destination(f"o{number}", output) for number, output in enumerate(outputs)]
    return Direct(destinations, counters, (lambda _r: None) if gone is None else gone.append), counters


def test_each_output_gets_what_it_wants_in_order() -> None:
    every, some = Scripted(), Scripted()
    sink = Direct([Destination("every", every), Destination("some", some, even)], Counters())
    assert sink.accept([parcel(1, 2), parcel(), parcel(3, 4)]) == [None, None, None]
    sink.close()
    assert every.sends == [[1, 2], [3, 4]]
    assert some.sends == [[2, 4]]


def test_an_output_that_wants_none_of_them_is_left_alone() -> None:
    output = Scripted()
    sink = Direct([Destination("o", output, even)], Counters())
    assert sink.accept([parcel(1)]) == [None]
    sink.close()
    assert output.calls == ["close"]


@pytest.mark.parametrize("failure", [OutputError("full"), OSError("full"), asyncio.CancelledError("full")])
def test_what_one_output_can_not_take_is_not_acknowledged_though_others_have_it(
    failure: BaseException,
) -> None:
    failing, other = Scripted(failure, failure), Scripted()
    sink, counters = direct(failing, other)
    reason = "output o0: full"
    assert sink.accept([parcel(1), parcel(), parcel(2)]) == [reason, None, reason]
    assert (other.delivered, counters.alerts.total(), counters.output_failures) == ([1, 2], 0, {"o0": 1})
    assert sink.accept([parcel(3)]) == [reason]
    assert sink.accept([parcel(4)]) == [None]
    sink.close()
    assert counters.alerts.total() == 1


def test_all_reasons_are_told() -> None:
    sink, _ = direct(Scripted(OutputError("full")), Scripted(OutputError("broken")))
    assert sink.accept([parcel(1)]) == ["output o0: full; output o1: broken"]
    sink.close()


def test_nothing_is_sent_any_more_when_the_receiver_is_gone_for_good() -> None:
    gone: list[str] = []
    output = Scripted(OutputGone("closed"))
    sink, _ = direct(output, gone=gone)
    assert [sink.accept([parcel(number)]) for number in (1, 2)] == [["closed"], ["closed"]]
    sink.close()
    assert (gone, output.sends) == (["closed"], [[1]])


def test_outputs_are_reopened_and_closed() -> None:
    output = Scripted()
    sink, _ = direct(output)
    sink.reopen()
    sink.close()
    assert output.calls == ["reopen", "close"]
