"""What the core knows of one running source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Stream:
    """What the core knows of one running source; the `evt.*` fields read it."""

    source: str
    instance: str
    plugin: str
    hostname: str
    num: int = 0
    first_time_ns: int | None = None
