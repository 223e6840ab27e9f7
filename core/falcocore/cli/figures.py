"""Figures as people read them."""

from __future__ import annotations

import time

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def count(number: int, what: str, several: str | None = None) -> str:
    """`1 alert`, `1,000 alerts`."""
    return f"{number:,} {what if number == 1 else several or f'{what}s'}"


def duration(seconds: float) -> str:
    """The two largest units, such as `2 h 5 min`."""
    left, parts = max(0, int(seconds)), []
    for unit, size in _UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2]) or "0 s"


def size(size_bytes: int) -> str:
    """In KiB, MiB or GiB."""
    amount = float(size_bytes)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def moment(time_s: float) -> str:
    """A time since 1970, in the zone of this host."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_s))
