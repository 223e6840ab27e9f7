"""Pauses that grow while something fails."""

from __future__ import annotations

import pytest

from falcocore_syscall.live.runtimes.pauses import Pauses


@pytest.mark.parametrize(
    ("failures", "expected_s"),
    [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (8, 30.0), (100_000, 30.0)],
)
def test_a_pause_doubles_up_to_the_longest(failures: int, expected_s: float) -> None:
    assert Pauses(0.5, 30.0).after(failures) == expected_s
