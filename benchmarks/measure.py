"""Timing of one piece of work within a process."""

from __future__ import annotations

import time
from collections.abc import Callable


def best_s(work: Callable[[], object], rounds: int = 5) -> float:
    """Seconds of the fastest of some rounds: what the machine's other work disturbs least."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
