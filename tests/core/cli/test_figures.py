"""Figures as people read them."""

from __future__ import annotations

import pytest

from falcocore.cli.figures import count, duration, moment, size
from tests.support.time_zone import KOLKATA, NEW_YORK, time_zone


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3605, "1 h 5 s"),
        (7500, "2 h 5 min"),
        (7501, "2 h 5 min"),
        (90_000, "1 d 1 h"),
        (8_640_000, "100 d"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 << 20, "5.0 MiB"),
        (1 << 30, "1.0 GiB"),
        (5 << 40, "5120.0 GiB"),
    ],
)
def test_size(size_bytes: int, text: str) -> None:
    assert size(size_bytes) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 copies"), (1, "1 copy"), (2, "2 copies"), (12345, "12,345 copies")]
)
def test_count(number: int, text: str) -> None:
    assert count(number, "copy", "copies") == text
    assert count(2, "alert") == "2 alerts"


@pytest.mark.parametrize(
    ("zone", "text"), [(KOLKATA, "2023-11-15 03:43:20"), (NEW_YORK, "2023-11-14 17:13:20")]
)
def test_moment_is_in_the_zone_of_the_host(zone: str, text: str) -> None:
    with time_zone(zone):
        assert moment(1_700_000_000) == text
