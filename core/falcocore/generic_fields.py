"""The fields that every source has: `evt.*` of the core, and `static.*` of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from falcocore import times
from falcocore.fields import Field
from falcocore.stream import Stream
from falcocore.times import NS_PER_S
from falcocore.types import FieldType


def _time_field(name: str, doc: str, text: Callable[[int], str]) -> Field:
    """Compares as the text, stands in JSON as nanoseconds."""
    return Field(
        name,
        FieldType.STRING,
        doc,
        lambda event, _stream: text(event.time_ns),
        captured=lambda event, _stream: event.time_ns,
        text=text,
        transformable=False,
        of_stream=True,
    )


def _number_field(
    name: str,
    kind: FieldType,
    doc: str,
    number: Callable[[Any, Stream], int],
    text: Callable[[int], str] | None = None,
) -> Field:
    return Field(name, kind, doc, number, text=text, of_stream=True)


def _nine_digits(number: int) -> str:
    return f"{number:09d}"


def _relative_ns(event: Any, stream: Stream) -> int:
    time_ns: int = event.time_ns
    return max(0, time_ns - (time_ns if stream.first_time_ns is None else stream.first_time_ns))


GENERIC_FIELDS: tuple[Field, ...] = (
    _number_field(
        "evt.num", FieldType.UINT64, "Number of the event in its source, from 1.", lambda _e, s: s.num
    ),
    _time_field("evt.time", "Time of day with nanoseconds, in the host's zone.", times.clock),
    _time_field("evt.time.s", "Time of day in the host's zone.", times.clock_seconds),
    _time_field("evt.time.iso8601", "Date and time with nanoseconds, ISO 8601 in UTC.", times.iso8601),
    _time_field("evt.datetime", "Date and time with nanoseconds, in the host's zone.", times.datetime_text),
    _time_field("evt.datetime.s", "Date and time in the host's zone.", times.datetime_seconds),
    _number_field("evt.rawtime", FieldType.ABSTIME, "Nanoseconds since 1970.", lambda e, _s: e.time_ns),
    _number_field(
        "evt.rawtime.s", FieldType.ABSTIME, "Whole seconds since 1970.", lambda e, _s: e.time_ns // NS_PER_S
    ),
    _number_field(
        "evt.rawtime.ns",
        FieldType.ABSTIME,
        "Nanoseconds within the second.",
        lambda e, _s: e.time_ns % NS_PER_S,
        _nine_digits,
    ),
    _number_field(
        "evt.reltime",
        FieldType.RELTIME,
        "Nanoseconds since the source's first event.",
        _relative_ns,
        _nine_digits,
    ),
    _number_field(
        "evt.reltime.s",
        FieldType.RELTIME,
        "Whole seconds since the source's first event.",
        lambda e, s: _relative_ns(e, s) // NS_PER_S,
    ),
    _number_field(
        "evt.reltime.ns",
        FieldType.RELTIME,
        "Nanoseconds within the second since the source's first event.",
        lambda e, s: _relative_ns(e, s) % NS_PER_S,
        _nine_digits,
    ),
    Field(
        "evt.source", FieldType.STRING, "Name of the event's source.", lambda _e, s: s.source, of_stream=True
    ),
    Field(
        "evt.pluginname",
        FieldType.STRING,
        "Name of the source's plugin.",
        lambda _e, s: s.plugin,
        of_stream=True,
    ),
    Field(
        "evt.hostname",
        FieldType.STRING,
        "Name of the host that falcocore runs on.",
        lambda _e, s: s.hostname,
        of_stream=True,
    ),
    Field("evt.is_async", FieldType.BOOL, "True for events that a plugin made itself.", lambda _event: False),
    Field(
        "evt.asynctype", FieldType.STRING, "Kind of an event that a plugin made itself.", lambda _event: None
    ),
)
"""Those of the core, `evt.*`; they tell of the stream or of the event's time, and read no event."""


def static_fields(values: Mapping[str, str]) -> Iterable[Field]:
    """A field `static.KEY` with a fixed text for each entry of the configuration's `static_fields`."""
    for key, text in values.items():
        doc = "Fixed text of the configuration."
        yield Field(f"static.{key}", FieldType.STRING, doc, _constant(text), suggested=True)


def _constant(text: str) -> Callable[[object], str]:
    return lambda _event: text
