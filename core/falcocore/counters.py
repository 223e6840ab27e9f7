"""What happened so far, counted; read by the progress bar and the totals, written by runners and writer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from falcocore.output import Alert


@dataclass(slots=True)
class Counters:
    """Counts of one process. Each number has one writing thread, or is kept under the GIL by `Counter`."""

    events: Counter[str] = field(default_factory=Counter)
    """Events by source instance."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Items that a source could not use, by source instance."""
    alerts: Counter[str] = field(default_factory=Counter)
    """Alerts by rule."""
    priorities: Counter[str] = field(default_factory=Counter)
    """Alerts by priority."""
    getter_failures: Counter[str] = field(default_factory=Counter)
    """Exceptions by field."""
    output_failures: Counter[str] = field(default_factory=Counter)
    """Failed sends by output."""
    duplicates: int = 0
    """Alerts that were accepted before, and raised nothing again."""

    def count_alert(self, alert: Alert) -> None:
        """One more alert."""
        self.alerts[alert.rule] += 1
        self.priorities[alert.priority.label] += 1

    def totals_line(self, elapsed_s: float) -> str:
        """The line at the end of a run; it contains `<N> events` and `<M> alerts`."""
        events, alerts, rejected = self.events.total(), self.alerts.total(), self.rejected.total()
        parts = [f"{events} events", f"{alerts} alerts"]
        if self.priorities:
            by_priority = ", ".join(f"{name} {count}" for name, count in self.priorities.most_common())
            parts[-1] += f" ({by_priority})"
        if self.duplicates:
            parts.append(f"{_number(self.duplicates, 'second copy', 'second copies')} left out")
        if rejected:
            parts.append(f"{_number(rejected, 'item')} could not be read")
        for what, counts in (
            ("field failure", self.getter_failures),
            ("output failure", self.output_failures),
        ):
            if counts:
                parts.append(f"{_number(counts.total(), what)} ({', '.join(sorted(counts))})")
        return f"{', '.join(parts)} in {elapsed_s:.1f} s"


def _number(count: int, what: str, several: str | None = None) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {several or f'{what}s'}"
