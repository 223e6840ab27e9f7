"""The command `status`: looks at everything that runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from falcocore import __version__
from falcocore.control.report import Alerts, DeliveryReport, Report, Rules, SourceReport
from falcocore.types import Priority

if TYPE_CHECKING:
    from falcocore.counters import Counters
    from falcocore.runner import Runner
from falcocore.shards import ShardedRunner


class StatusCommand:
    """Tells how a process is doing; `delivery` looks at what stands behind the writer."""

    def __init__(
        self,
        directory: Path,
        runners: Sequence[Runner | ShardedRunner],
        counters: Counters,
        delivery: Callable[[], DeliveryReport],
    ) -> None:
        self._directory = directory
        self._runners = runners
        self._counters = counters
        self._delivery = delivery
        self._started_s = time.time()
        self._started = time.monotonic()

    def report(self) -> Report:
        """How it is doing now."""
        delivery = self._delivery()
        return Report(
            version=__version__,
            pid=os.getpid(),
            directory=str(self._directory),
            started_s=round(self._started_s, 3),
            uptime_s=round(time.monotonic() - self._started, 3),
            sources=[self._source(runner) for runner in self._runners],
            rules=Rules(
                count=sum(len(runner.rules.rules) for runner in self._runners),
                generation=max((runner.rules.generation for runner in self._runners), default=0),
            ),
            alerts=self._alerts(),
            field_failures=dict(self._counters.getter_failures),
            outputs=delivery.outputs,
            outbox=delivery.outbox,
        )

    def _source(self, runner: Runner | ShardedRunner) -> SourceReport:
        return SourceReport(
            instance=runner.name,
            source=runner.rules.source,
            doing=runner.source.banner(),
            events=self._counters.events[runner.name],
            rejected=runner.source.rejected,
            rules=len(runner.rules.rules),
            figures=dict(runner.source.figures()),
        )

    def _alerts(self) -> Alerts:
        # The writer goes on counting: a copy is made before anything is sorted.
        rules, priorities = self._counters.alerts.copy(), self._counters.priorities.copy()
        return Alerts(
            total=rules.total(),
            by_priority={p.label: priorities[p.label] for p in Priority if priorities[p.label]},
            by_rule=dict(rules.most_common()),
            second_copies=self._counters.duplicates,
        )
