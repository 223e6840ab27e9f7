"""Pauses that grow while something fails."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class Pauses:
    """Each is twice as long as the one before."""

    first_s: float
    longest_s: float

    def after(self, failures: int) -> float:
        """How long to wait after so many failures in a row, of which there is at least one."""
        doubled_s: float = self.first_s * 2 ** min(failures - 1, _MOST_DOUBLINGS)
        return min(doubled_s, self.longest_s)
