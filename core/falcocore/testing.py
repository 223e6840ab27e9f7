"""For tests of plugins: events in and alerts out, and an output against a receiver that fails.

Nothing here needs a particular test framework, an entry point or a running falcocore. What is run is the
core's own code: rules are compiled, batches acknowledged and options converted as in production.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from falcocore.alerts import AlertFormat, Match
from falcocore.counters import Counters
from falcocore.destination import Destination
from falcocore.direct import Direct
from falcocore.errors import ConfigError, OutputError, OutputGone, PermanentRefusal
from falcocore.fields import Field, FieldTable
from falcocore.generic_fields import GENERIC_FIELDS
from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.options import build
from falcocore.output import Alert, Output
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore.runner import Runner
from falcocore.source import Batch, Source
from falcocore.stream import Stream
from falcocore.types import Priority
from falcocore.writer import Writer

__all__ = [
    "Attempt",
    "Delivery",
    "Outcome",
    "Receiver",
    "configured",
    "deliver",
    "installed_fields",
    "installed_source",
    "match_events",
    "receiver",
    "run_source",
    "sample_alert",
]

HOSTNAME = "test-host"
"""What `evt.hostname` and `Alert.hostname` say in tests."""

T = TypeVar("T", bound=Source | Output)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a source's events."""

    alerts: list[Alert]
    """In the order of events and rules."""
    events: int
    """How many were drawn."""
    rejected: int
    """What the source says that it could not use."""
    field_failures: dict[str, int]
    """Exceptions of getters by field, such as `my.field[x]`. Such a field reads as absent."""

    @property
    def messages(self) -> list[str]:
        """The rendered `output` of each alert."""
        return [alert.message for alert in self.alerts]


def run_source(
    source: Source,
    fields: Iterable[Field],
    rules: str,
    *,
    all_rules: bool = True,
    stop_after: int | None = None,
    failing: str | None = None,
) -> Outcome:
    """Open a source, run it to its end, and match its events; batches are acknowledged.

    `fields` are those that the source's rules may use; the core's `evt.*` are there as well. `rules` is the
    text of a rule file. Every rule that matches raises an alert, or, without `all_rules`, the first one of
    each event, which is falcocore's default. A live source is told to stop after the batch in which event
    number `stop_after` was drawn. With `failing`, no alert can be kept, for that reason: batches with alerts
    get a `nack`.

    Raises:
        ConfigError: the rules have mistakes, or none of them is for this source.
        PluginError: two fields have the same name.
        Exception: whatever the source raised; SourceError for a `nack` of a batch that nobody sends again.
    """
    rule_set = _rule_set(source.name, fields, rules, first=not all_rules)
    kept = _Kept(failing)
    counters = Counters()
    writer = Writer(Direct([Destination(kept.name, kept)], counters), AlertFormat(HOSTNAME))
    stream = Stream(source.name, source.name, source.plugin_name or source.name, HOSTNAME)
    runner = _StoppingRunner(source, stream, rule_set, writer, counters)
    runner.stop_after = stop_after
    runner.open()
    writer.start()
    try:
        asyncio.run(runner.run())
    finally:
        writer.close(_PATIENCE_S)
    return Outcome(kept.alerts, stream.num, source.rejected, dict(counters.getter_failures))


def match_events(
    events: Iterable[Any], fields: Iterable[Field], rules: str, *, source: str, all_rules: bool = True
) -> Outcome:
    """Match events without their source, to test fields and rules; see `run_source` for the rest.

    `source` is the name that stands in the rules. An event has `time_ns`, `key` and what the getters read.
    """
    made = type("Listed", (_Listed,), {"name": source})
    return run_source(made(events), fields, rules, all_rules=all_rules)


def installed_fields(source: str) -> list[Field]:
    """The fields that installed plugins offer for a source, yours among them if installed, and the core's.

    Raises:
        PluginError: one of the plugins is broken.
    """
    return list(PluginHost().fields_for(source))


def installed_source(
    name: str, options: Mapping[str, Any] | None = None, *, target: str | None = None
) -> Source:
    """An installed source, to run it with a field set that was made for it.

    Raises:
        ConfigError: an option can't be used.
        PluginError: there is no such source, or it is broken.
    """
    return configured(PluginHost().source(name), options or {}, target=target)


def configured(cls: type[T], options: Mapping[str, Any], **fixed: Any) -> T:
    """A source or output made as the configuration makes it: unknown options are refused, texts converted.

    `target` is given by its name: `configured(MySource, {"limit": "5"}, target="events.jsonl")`.

    Raises:
        ConfigError: an option is unknown, missing, or of the wrong type.
    """
    return build(cls, options, f"test of {cls.name}", **fixed)


def sample_alert(number: int = 1, **changes: Any) -> Alert:
    """An alert whose attributes depend on its number; `changes` replaces some of them."""
    message = f"message {number}"
    values: dict[str, Any] = {
        "id": f"{number:032x}",
        "time_ns": 1_700_000_000_000_000_000 + number,
        "rule": f"Rule {number}",
        "priority": Priority.WARNING,
        "source": "test",
        "tags": ("test",),
        "hostname": HOSTNAME,
        "message": message,
        "output_fields": {"test.number": number},
        "line": f"22:13:20.{number:09d}: Warning {message}",
        "labels": {"instance": "test"},
    }
    return Alert(**{**values, **changes})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of `send`: the alerts it was given, and what it raised."""

    alerts: tuple[Alert, ...]
    error: OutputError | None


@dataclass(slots=True)
class Delivery:
    """What became of the alerts that were given to an output."""

    attempts: list[Attempt] = field(default_factory=list)
    """Every `send`, in order."""
    delivered: list[Alert] = field(default_factory=list)
    refused: list[Alert] = field(default_factory=list)
    """Set aside after a `PermanentRefusal`."""
    waiting: list[Alert] = field(default_factory=list)
    """Neither: the attempts of a group were used up, or the receiver is gone."""


def deliver(output: Output, alerts: Sequence[Alert], *, group_size: int = 1, attempts: int = 5) -> Delivery:
    """Open an output, give it alerts in order, and close it.

    A group for which `OutputError` is raised is sent again, at once and up to `attempts` times in all;
    nothing behind it is sent before. A group that meets a `PermanentRefusal` is set aside. After
    `OutputGone`, or when the attempts are used up, the rest is left waiting.

    Raises:
        Exception: what `send` raised, where it is no OutputError: an output says what went wrong.
    """
    return asyncio.run(_deliver(output, alerts, group_size, attempts))


async def _deliver(output: Output, alerts: Sequence[Alert], group_size: int, attempts: int) -> Delivery:
    result = Delivery()
    output.open()
    try:
        for start in range(0, len(alerts), group_size):
            group = tuple(alerts[start : start + group_size])
            error = await _send_group(output, group, attempts, result)
            if error is None:
                result.delivered += group
            elif isinstance(error, PermanentRefusal):
                result.refused += group
            else:
                result.waiting += alerts[start:]
                break
    finally:
        try:
            await output.aclose()
        finally:
            output.close()
    return result


async def _send_group(
    output: Output, group: tuple[Alert, ...], attempts: int, result: Delivery
) -> OutputError | None:
    """Send a group until it is taken, refused or given up; the last error."""
    error: OutputError | None = None
    for _ in range(attempts):
        error = None
        try:
            await output.send(group)
        except OutputError as raised:
            error = raised
        result.attempts.append(Attempt(group, error))
        if error is None or isinstance(error, PermanentRefusal | OutputGone):
            break
    return error


class Receiver:
    """An HTTP server on loopback that answers as it was told to; made by `receiver`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []
        """What was posted, in order, whatever the answer was."""
        self.headers: list[Mapping[str, str]] = []
        """The header of each, with names in small letters."""


@contextlib.contextmanager
def receiver(*answers: int | None) -> Iterator[Receiver]:
    """A receiver for outputs that speak HTTP: it gives these status codes in order, and then 200.

    None closes the connection without an answer, when the body was read.
    """
    script = iter(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            made.headers.append({name.lower(): text for name, text in self.headers.items()})
            status = next(script, 200)
            self.close_connection = True
            if status is not None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        do_PUT = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Receiver(f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="receiver", daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


_PATIENCE_S = 60.0
"""Longer than the writer ever takes to keep alerts in memory."""


class _Kept(Output):
    """Keeps alerts, or fails for a reason."""

    name: ClassVar[str] = "test"

    def __init__(self, failing: str | None) -> None:
        self.alerts: list[Alert] = []
        self._failing = failing

    async def send(self, alerts: Sequence[Alert]) -> None:
        if self._failing is not None:
            raise OutputError(self._failing)
        self.alerts += alerts


class _Listed(Source):
    """One batch of events."""

    def __init__(self, events: Iterable[Any]) -> None:
        self._events = events

    def batches(self) -> Iterator[Batch] | AsyncIterator[Batch]:
        return iter([Batch(self._events)])


class _StoppingRunner(Runner):
    """Tells the source to stop once enough events were drawn."""

    stop_after: int | None = None

    def match(self, batch: Batch) -> tuple[list[Match], Exception | None]:
        result = super().match(batch)
        if self.stop_after is not None and self.stream.num >= self.stop_after:
            self.source.stop()
        return result


def _rule_set(source: str, fields: Iterable[Field], rules: str, *, first: bool) -> RuleSet:
    own = list(fields)
    names = {one.name for one in own}
    table = FieldTable(source, ((one, "falcocore") for one in GENERIC_FIELDS if one.name not in names))
    for one in own:
        table.add(one, "the test")
    catalogue = Catalogue({source: table}, frozenset({source}))
    loaded = load([SourceFile("rules.yaml", rules)], catalogue, LoadSettings(first=first))
    if loaded.errors:
        raise ConfigError("the rules have mistakes:\n" + "\n".join(str(error) for error in loaded.errors))
    found = loaded.rule_sets[source]
    if not found.rules:
        reasons = [f"{rule.definition.name}: {rule.reason}" for rule in loaded.rules]
        hint = "; ".join(reasons) or "there are no rules in the text"
        raise ConfigError(f"no rule runs for source {source}", hint=hint)
    return found
