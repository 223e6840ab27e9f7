"""The line of totals at the end of a run."""

from __future__ import annotations

from collections import Counter

import pytest

from falcocore.counters import Counters
from falcocore.output import Alert
from falcocore.types import Priority


def alert(rule: str, priority: Priority) -> Alert:
    return Alert("id", 0, rule, priority, "s", (), "host", "m", {}, "line")


@pytest.mark.parametrize(
    ("counted", "line"),
    [
        ({}, "0 events, 0 alerts in 1.5 s"),
        ({"events": {"a": 3, "b": 4}}, "7 events, 0 alerts in 1.5 s"),
        (
            {"events": {"a": 3}, "rejected": {"a": 2, "b": 1}},
            "3 events, 0 alerts, 3 items could not be read in 1.5 s",
        ),
        (
            {"events": {"a": 1}, "getter_failures": {"t.b": 5, "t.a": 1}},
            "1 events, 0 alerts, 6 field failures (t.a, t.b) in 1.5 s",
        ),
        (
            {"rejected": {"a": 1}, "output_failures": {"file": 2}},
            "0 events, 0 alerts, 1 item could not be read, 2 output failures (file) in 1.5 s",
        ),
    ],
)
def test_the_totals_show_what_was_counted(counted: dict[str, dict[str, int]], line: str) -> None:
    counters = Counters()
    for name, counts in counted.items():
        setattr(counters, name, Counter(counts))
    assert counters.totals_line(1.45001) == line


def test_alerts_are_counted_by_rule_and_by_priority() -> None:
    counters = Counters(events=Counter({"a": 9}))
    for rule, priority in (
        ("r1", Priority.NOTICE),
        ("r2", Priority.WARNING),
        ("r3", Priority.WARNING),
        ("r1", Priority.NOTICE),
        ("r2", Priority.WARNING),
    ):
        counters.count_alert(alert(rule, priority))
    assert counters.alerts == {"r1": 2, "r2": 2, "r3": 1}
    assert counters.priorities == {"Warning": 3, "Notice": 2}
    assert counters.totals_line(0) == "9 events, 5 alerts (Warning 3, Notice 2) in 0.0 s"


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (1, "0 events, 0 alerts, 1 second copy left out in 0.0 s"),
        (2, "0 events, 0 alerts, 2 second copies left out in 0.0 s"),
    ],
)
def test_second_copies_are_told(count: int, line: str) -> None:
    assert Counters(duplicates=count).totals_line(0) == line


def test_two_runs_in_one_process_count_apart() -> None:
    Counters().count_alert(alert("r", Priority.DEBUG))
    assert Counters().totals_line(0) == "0 events, 0 alerts in 0.0 s"
