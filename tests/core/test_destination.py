"""An output as it is configured."""

from __future__ import annotations

import asyncio

import pytest

from falcocore.api import OutputError
from falcocore.destination import Destination, close_all, everything, reopen
from falcocore.testing import sample_alert
from tests.support.small_sources import Kept

ALERTS = [sample_alert(number) for number in range(5)]


@pytest.mark.parametrize(
    ("max_batch", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5]), (0, [1] * 5)]
)
def test_batches_are_no_larger_than_the_output_takes(max_batch: int, sizes: list[int]) -> None:
    output = Kept()
    output.max_batch = max_batch
    batches = list(Destination("a", output).batches(ALERTS))
    assert [len(batch) for batch in batches] == sizes
    assert [alert for batch in batches for alert in batch] == ALERTS
    assert list(Destination("a", output).batches([])) == []


def test_everything_is_wanted_by_default() -> None:
    assert Destination("a", Kept()).wants is everything
    assert everything(ALERTS[0])


class Awkward(Kept):
    """Fails whenever it is to close or reopen."""

    async def aclose(self) -> None:
        self.calls.append("aclose")
        raise OutputError("aclose failed")

    def close(self) -> None:
        super().close()
        raise OutputError("close failed")

    def reopen(self) -> None:
        raise OutputError("reopen failed")


class Waiting(Kept):
    """Ends only when the other has begun to."""

    def __init__(self, mine: asyncio.Event, others: asyncio.Event) -> None:
        super().__init__()
        self._mine, self._others = mine, others

    async def aclose(self) -> None:
        self._mine.set()
        await self._others.wait()


def test_a_failure_to_close_is_told_and_keeps_no_other_open(caplog: pytest.LogCaptureFixture) -> None:
    awkward, other = Awkward(), Kept()
    asyncio.run(close_all([Destination("awkward", awkward), Destination("other", other)]))
    assert (awkward.calls, other.calls) == (["aclose", "close"], ["close"])
    for what in ("aclose", "close"):
        assert f"output awkward could not be closed: {what} failed" in caplog.text


def test_outputs_end_at_the_same_time() -> None:
    async def run() -> None:
        one, two = asyncio.Event(), asyncio.Event()
        await close_all([Destination("one", Waiting(one, two)), Destination("two", Waiting(two, one))])

    asyncio.run(run())


def test_a_failure_to_reopen_is_told(caplog: pytest.LogCaptureFixture) -> None:
    reopen(Destination("awkward", Awkward()))
    assert "output awkward could not be reopened: reopen failed" in caplog.text
