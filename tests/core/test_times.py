"""Times as alerts show them, in the host's zone and in UTC (output-format, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from falcocore import times
from tests.support.time_zone import KOLKATA, NEW_YORK, time_zone

WINTER = 1_706_849_999_000_000_042  # 2024-02-02T04:59:59.000000042Z
SUMMER = 1_720_069_200_123_456_789  # 2024-07-04T05:00:00.123456789Z
FIRST_HOUR_TWICE = (
    1_730_611_800_500_000_000  # 2024-11-03T05:30:00.5Z, an hour before New York leaves summer time
)
SECOND_HOUR_TWICE = FIRST_HOUR_TWICE + 3600 * times.NS_PER_S


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    with time_zone(request.param):
        yield request.param


@pytest.mark.parametrize(
    ("zone", "time_ns", "text"),
    [
        ("UTC0", 0, "1970-01-01 00:00:00.000000000"),
        ("UTC0", 999_999_999, "1970-01-01 00:00:00.999999999"),
        ("UTC0", WINTER, "2024-02-02 04:59:59.000000042"),
        (KOLKATA, WINTER, "2024-02-02 10:29:59.000000042"),
        (KOLKATA, SUMMER, "2024-07-04 10:30:00.123456789"),
        (NEW_YORK, WINTER, "2024-02-01 23:59:59.000000042"),
        (NEW_YORK, SUMMER, "2024-07-04 01:00:00.123456789"),
        (NEW_YORK, FIRST_HOUR_TWICE, "2024-11-03 01:30:00.500000000"),
        (NEW_YORK, SECOND_HOUR_TWICE, "2024-11-03 01:30:00.500000000"),
    ],
    indirect=["zone"],
)
@pytest.mark.usefixtures("zone")
def test_date_and_time_of_day_are_in_the_hosts_zone_of_that_moment(time_ns: int, text: str) -> None:
    date, _, clock = text.partition(" ")
    assert times.datetime_text(time_ns) == text
    assert times.datetime_seconds(time_ns) == f"{date} {clock[:8]}"
    assert times.clock(time_ns) == clock
    assert times.clock_seconds(time_ns) == clock[:8]


@pytest.mark.parametrize("zone", ["UTC0", KOLKATA, NEW_YORK], indirect=True)
@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000"),
        (7, "1970-01-01T00:00:00.000000007"),
        (WINTER, "2024-02-02T04:59:59.000000042"),
        (SUMMER, "2024-07-04T05:00:00.123456789"),
        (951_782_400 * times.NS_PER_S, "2000-02-29T00:00:00.000000000"),
        (4_102_444_800 * times.NS_PER_S - 1, "2099-12-31T23:59:59.999999999"),
    ],
)
@pytest.mark.usefixtures("zone")
def test_iso_times_are_in_utc_whatever_the_zone(time_ns: int, text: str) -> None:
    assert times.iso8601(time_ns) == f"{text}+0000"
    assert times.iso8601(time_ns, zone="Z") == f"{text}Z"


@pytest.mark.parametrize(
    "show", [times.clock, times.clock_seconds, times.datetime_text, times.datetime_seconds, times.iso8601]
)
def test_another_moment_of_the_same_second_and_another_second_differ(show: Callable[[int], str]) -> None:
    moments = [SUMMER, SUMMER + 1, SUMMER + times.NS_PER_S, SUMMER]
    one, same_second, next_second, again = (show(moment) for moment in moments)
    assert again == one
    assert next_second != one
    assert (same_second == one) == (show in {times.clock_seconds, times.datetime_seconds})
