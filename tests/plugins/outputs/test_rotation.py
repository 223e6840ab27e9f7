"""When a file is rotated, and how much goes into it."""

from __future__ import annotations

import os

import pytest

from falcocore_outputs.rotation import Period, Rotation
from tests.support.small_alerts import alert

HOUR_S = 3600
DAY_S = 24 * HOUR_S
# The start of a day.
DAY = 19_791 * DAY_S


def status(size_bytes: int, written_s: float = DAY) -> os.stat_result:
    return os.stat_result((0o100644, 1, 1, 1, 0, 0, size_bytes, written_s, written_s, written_s))


@pytest.mark.parametrize(
    ("period", "written_s", "now_s", "due"),
    [
        (Period.HOUR, DAY, DAY, False),
        (Period.HOUR, DAY, DAY + HOUR_S - 1, False),
        (Period.HOUR, DAY + HOUR_S - 1, DAY + HOUR_S, True),
        (Period.HOUR, DAY, DAY + DAY_S, True),
        (Period.DAY, DAY, DAY + DAY_S - 1, False),
        (Period.DAY, DAY + DAY_S - 1, DAY + DAY_S, True),
        (Period.DAY, DAY, DAY + 9 * DAY_S, True),
        # A clock that was set back.
        (Period.DAY, DAY, DAY - 1, True),
        (None, DAY, DAY + 9 * DAY_S, False),
    ],
)
def test_a_period_ends_at_the_full_hour_or_at_midnight(
    period: Period | None, written_s: float, now_s: float, due: bool
) -> None:
    assert Rotation(None, period).is_due(status(1, written_s), now_s, alert("x")) is due
    assert Rotation(None, period).is_due(status(0, written_s), now_s, alert("x")) is False


@pytest.mark.parametrize(
    ("size_bytes", "line", "due"),
    [(0, "x" * 100, False), (1, "x" * 8, False), (1, "x" * 9, True), (1, "ä" * 5, True), (11, "", True)],
)
def test_a_line_that_has_no_room_is_for_the_next_file(size_bytes: int, line: str, due: bool) -> None:
    assert Rotation(10, None).is_due(status(size_bytes), DAY, alert(line)) is due


@pytest.mark.parametrize(
    ("limit_bytes", "size_bytes", "lines", "count"),
    [
        (None, 100, ["x" * 100, "x"], 2),
        (10, 0, ["123", "1234"], 2),
        (10, 0, ["123", "123456", ""], 1),
        (10, 4, ["12345", ""], 1),
        (10, 4, ["ää", "", ""], 2),
        (10, 0, ["x" * 100, "x"], 1),
    ],
)
def test_as_many_as_have_room_and_one_at_least(
    limit_bytes: int | None, size_bytes: int, lines: list[str], count: int
) -> None:
    alerts = [alert(line) for line in lines]
    assert Rotation(limit_bytes, None).fitting(status(size_bytes), alerts) == count
