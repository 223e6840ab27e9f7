"""A look after the first minute at whether anything can come of a run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from falcocore.counters import Counters
from falcocore.runner import Runner
from falcocore.shards import ShardedRunner

log = logging.getLogger("falcocore")

FIRST_MINUTE_S = 60.0


async def look_after_a_minute(runners: Sequence[Runner | ShardedRunner], counters: Counters) -> None:
    """Say once, a minute after the start, what keeps the alerts of a source away, where it knows."""
    await asyncio.sleep(FIRST_MINUTE_S)
    for runner in runners:
        doubts = runner.source.doubts(counters.events[runner.name], runner.rules)
        if doubts is not None:
            log.warning("%s: %s", runner.name, doubts)
