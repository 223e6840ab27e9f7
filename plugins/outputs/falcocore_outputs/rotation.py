"""When a file of alerts is rotated."""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from dataclasses import dataclass

from falcocore.api import Alert, ConfigError
from falcocore_outputs.lines import size_bytes


class Period(enum.Enum):
    """How often a file is rotated, in UTC: at the full hour, at midnight."""

    HOUR = "hour"
    DAY = "day"


_PERIOD_S = {Period.HOUR: 3600, Period.DAY: 86400}


@dataclass(frozen=True, slots=True)
class Rotation:
    """The size that a file may reach, and the period that it is for; None where that does not matter.

    Both are decided by the file itself, its size and the time of its last line, so that a restart changes
    nothing.
    """

    size_bytes: int | None
    period: Period | None

    def __post_init__(self) -> None:
        if self.size_bytes is not None and self.size_bytes < 1:
            raise ConfigError(
                f"rotate_bytes: {self.size_bytes} is no size", hint="leave it out, or give more"
            )

    @property
    def enabled(self) -> bool:
        """Whether the file is ever rotated."""
        return self.size_bytes is not None or self.period is not None

    def is_due(self, status: os.stat_result, now_s: float, alert: Alert) -> bool:
        """Whether a file has to be rotated before an alert is written. An empty one never is."""
        if status.st_size == 0:
            return False
        if self.size_bytes is not None and status.st_size + size_bytes(alert) > self.size_bytes:
            return True
        if self.period is None:
            return False
        period_s = _PERIOD_S[self.period]
        return status.st_mtime // period_s != now_s // period_s

    def fitting(self, status: os.stat_result, alerts: Sequence[Alert]) -> int:
        """How many of the alerts have room in the file; one at least, however long it is."""
        if self.size_bytes is None:
            return len(alerts)
        room_bytes = self.size_bytes - status.st_size
        for number, alert in enumerate(alerts):
            room_bytes -= size_bytes(alert)
            if room_bytes < 0:
                return max(number, 1)
        return len(alerts)
