"""Alerts for tests of outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from falcocore.api import Alert, Output, Priority


def alert(line: str) -> Alert:
    """An alert of which only the line counts."""
    return Alert("id", 0, "Rule", Priority.NOTICE, "small", (), "host", line, {}, line)


def send(output: Output, *lines: str) -> None:
    """Send alerts with these lines in one group."""
    alerts: Sequence[Alert] = [alert(line) for line in lines]
    asyncio.run(output.send(alerts))
