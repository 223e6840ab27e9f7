"""A test alert, and sending it to one output by hand: for `falcocore output test`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from falcocore.alerts import AlertFormat, Match
from falcocore.destination import Destination, close_all
from falcocore.errors import OutputError
from falcocore.fields import Field, FieldTable
from falcocore.generic_fields import GENERIC_FIELDS
from falcocore.lang.text import SourceFile
from falcocore.outbox.worker import SEND_S, cause_of
from falcocore.output import Alert
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.stream import Stream
from falcocore.types import FieldType

_SOURCE = "internal"
"""What Falco calls the source of what it says by itself."""
_RULE = f"""\
- rule: Test of an output
  desc: Sent by falcocore output test.
  condition: test.output exists
  output: This is a test of falcocore, nothing has happened (output=%test.output host=%evt.hostname)
  priority: NOTICE
  source: {_SOURCE}
  tags: [test]
"""


@dataclass(frozen=True, slots=True)
class _Test:
    """The event behind a test alert."""

    output: str
    time_ns: int

    @property
    def key(self) -> str:
        return f"{self.time_ns} {self.output}"


def trial_alert(output: str, alert_format: AlertFormat) -> Alert:
    """An alert that says that it is a test, made as any other: by a rule, from an event."""
    field = Field("test.output", FieldType.STRING, "The output under test.", lambda event: event.output)
    generic = [(one, "falcocore") for one in GENERIC_FIELDS]
    table = FieldTable(_SOURCE, [*generic, (field, "falcocore")])
    catalogue = Catalogue({_SOURCE: table}, frozenset({_SOURCE}))
    rules = load([SourceFile("the rule of the test", _RULE)], catalogue, LoadSettings()).rule_sets[_SOURCE]
    event = _Test(output, time.time_ns())
    stream = Stream(_SOURCE, _SOURCE, "falcocore", alert_format.hostname, 1, event.time_ns)
    ((rule, values),) = rules.match(event, stream)
    return alert_format.alert(Match(rule, event.time_ns, event.key, values, _SOURCE, {}))


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of it; `failure` is None where the receiver has the alert."""

    failure: str | None
    elapsed_s: float


def try_output(to: Destination, alert: Alert) -> Trial:
    """Open an output, send it one alert once, and close it."""
    started = time.monotonic()
    failure = None
    try:
        asyncio.run(_send(to, alert))
    except Exception as error:
        failure = cause_of(error)
    return Trial(failure, time.monotonic() - started)


async def _send(to: Destination, alert: Alert) -> None:
    to.output.open()
    try:
        async with asyncio.timeout(SEND_S) as limit:
            await to.output.send([alert])
    except TimeoutError:
        if limit.expired():
            raise OutputError(f"it did not answer within {SEND_S:.0f} s") from None
        raise
    finally:
        await close_all([to])
