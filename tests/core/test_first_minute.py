"""After a minute each source is asked once what keeps its alerts away."""

from __future__ import annotations

import asyncio
import logging

import pytest

from falcocore import first_minute
from falcocore.counters import Counters
from falcocore.ruleset import RuleSet
from tests.support.small_sources import OnLoop, runner_of
from tests.support.straight_writer import writer_to


class Doubting(OnLoop):
    """Tells how many events came."""

    def __init__(self, said: str | None) -> None:
        super().__init__(lambda _journal: ())
        self._said = said

    def doubts(self, events: int, rules: RuleSet) -> str | None:
        return self._said and f"{self._said} ({events} events, {len(rules.rules)} rule)"


@pytest.mark.parametrize(
    ("said", "lines"), [(None, []), ("nobody writes", ["small: nobody writes (7 events, 1 rule)"])]
)
def test_doubts_are_told(
    said: str | None, lines: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(first_minute, "FIRST_MINUTE_S", 0)
    caplog.set_level(logging.WARNING, "falcocore")
    counters = Counters()
    counters.events["small"] = 7
    runner = runner_of(Doubting(said), writer_to([]), counters)
    asyncio.run(first_minute.look_after_a_minute([runner], counters))
    assert caplog.messages == lines
