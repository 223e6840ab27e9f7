"""Another time zone for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from falcocore import times

KOLKATA = "IST-5:30"
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"
"""With summer time. Spelled as rules, for hosts without a database of zones."""


@contextmanager
def time_zone(zone: str) -> Iterator[None]:
    """The host's zone is `zone`."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", zone)
            _zone_changed()
            yield
    finally:
        _zone_changed()


def _zone_changed() -> None:
    time.tzset()
    for value in vars(times).values():  # what it remembers of seconds was in the other zone
        if hasattr(value, "cache_clear"):
            value.cache_clear()
