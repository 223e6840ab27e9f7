"""Times in nanoseconds since 1970 as alerts show them (output-format, section 3)."""

from __future__ import annotations

import time
from functools import lru_cache

NS_PER_S = 1_000_000_000

# Alerts come in runs of the same second, and the calendar costs more than the rest of a line.
_local = lru_cache(maxsize=64)(time.localtime)
_utc = lru_cache(maxsize=64)(time.gmtime)


def clock(time_ns: int) -> str:
    """`HH:MM:SS.nnnnnnnnn` in the host's zone, with the offset of that moment."""
    seconds, fraction = divmod(time_ns, NS_PER_S)
    t = _local(seconds)
    return f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}.{fraction:09d}"


def clock_seconds(time_ns: int) -> str:
    """`HH:MM:SS` in the host's zone."""
    return clock(time_ns)[:8]


def datetime_text(time_ns: int) -> str:
    """`YYYY-MM-DD HH:MM:SS.nnnnnnnnn` in the host's zone."""
    t = _local(time_ns // NS_PER_S)
    return f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d} {clock(time_ns)}"


def datetime_seconds(time_ns: int) -> str:
    """`YYYY-MM-DD HH:MM:SS` in the host's zone."""
    return datetime_text(time_ns)[:19]


def iso8601(time_ns: int, zone: str = "+0000") -> str:
    """`YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+0000`, always UTC; `zone` is how that is spelled."""
    seconds, fraction = divmod(time_ns, NS_PER_S)
    t = _utc(seconds)
    date = f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}"
    return f"{date}T{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}.{fraction:09d}{zone}"
