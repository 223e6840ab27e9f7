"""The text line, the JSON object and the identity of alerts (output-format, sections 4 to 6)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from falcocore.alerts import AlertFormat, Match, alert_id
from falcocore.fields import Argument, ArgumentKind, Field, FieldTable
from falcocore.generic_fields import GENERIC_FIELDS
from falcocore.lang.text import SourceFile
from falcocore.output import Alert
from falcocore.rules.additions import Addition
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.stream import Stream
from falcocore.types import FieldType

TIME_NS = 1_718_281_829_000_000_042  # 2024-06-13 12:30:29 UTC
CLOCK, ISO, ISO_Z = (
    "18:00:29.000000042",
    "2024-06-13T12:30:29.000000042+0000",
    "2024-06-13T12:30:29.000000042Z",
)


@dataclass(frozen=True, slots=True)
class Values:
    """An event that is nothing but its values."""

    values: dict[str, Any] = field(default_factory=dict)
    time_ns: int = TIME_NS
    key: str = "key"


def _table() -> FieldTable:
    table = FieldTable("made")
    for known in GENERIC_FIELDS:
        table.add(known, "core")
    for name, kind, is_list in (
        ("m.text", FieldType.STRING, False),
        ("m.number", FieldType.INT64, False),
        ("m.yes", FieldType.BOOL, False),
        ("m.ratio", FieldType.DOUBLE, False),
        ("m.ip", FieldType.IPADDR, False),
        ("m.net", FieldType.IPNET, False),
        ("m.bytes", FieldType.BUFFER, False),
        ("m.texts", FieldType.STRING, True),
        ("m.ips", FieldType.IPADDR, True),
    ):
        table.add(Field(name, kind, "d", _getter(name), is_list=is_list), "test")
    keyed = Field("m.key", FieldType.STRING, "d", _getter, argument=Argument(ArgumentKind.KEY, required=True))
    table.add(keyed, "test")
    return table


def _getter(name: str) -> Any:
    return lambda event: event.values.get(name)


def match_of(
    output: str, values: dict[str, Any], additions: tuple[Addition, ...] = (), priority: str = "warning"
) -> Match:
    """The match of one event with a rule of this output."""
    text = (
        f"- rule: Made Rule\n  desc: d\n  condition: evt.num > 0\n  output: {json.dumps(output)}\n"
        f"  priority: {priority}\n  source: made\n  tags: [zebra, ant, zebra, mouse]\n"
    )
    settings = LoadSettings(additions=additions)
    loaded = load([SourceFile("r.yaml", text)], Catalogue({"made": _table()}, frozenset({"made"})), settings)
    assert not loaded.errors, loaded.errors
    event = Values(values)
    ((rule, captured),) = loaded.rule_sets["made"].match(event, Stream("made", "made", "made", "h", num=1))
    return Match(rule, event.time_ns, event.key, captured, "made", {"cluster": "c1"})


def alert_of(output: str, values: dict[str, Any] | None = None, **options: bool) -> Alert:
    return AlertFormat("host-1", **options).alert(match_of(output, values or {}))


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Half past the hour off UTC. The second of TIME_NS is this file's own: times of seconds are cached."""
    monkeypatch.setenv("TZ", "TST-05:30")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("iso8601", "prefix"), [(False, CLOCK), (True, ISO)])
def test_text_line(iso8601: bool, prefix: str) -> None:
    made = alert_of("who=%m.text n=%m.number", {"m.text": "me"}, time_iso8601=iso8601)
    assert made.line == f"{prefix}: Warning who=me n=<NA>"


@pytest.mark.parametrize(
    ("priority", "word"),
    [
        ("EMERGENCY", "Emergency"),
        ("alert", "Alert"),
        ("Critical", "Critical"),
        ("error", "Error"),
        ("warning", "Warning"),
        ("notice", "Notice"),
        ("info", "Informational"),
        ("debug", "Debug"),
    ],
)
def test_priority_is_a_capitalised_word(priority: str, word: str) -> None:
    match = match_of("o", {}, priority=priority)
    assert AlertFormat("h").alert(match).line == f"{CLOCK}: {word} o"
    assert json.loads(AlertFormat("h", json_output=True).alert(match).line)["priority"] == word


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("say \"no\" \\ 'x'", "say \"no\" \\ 'x'"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\b\f\v", r"\b\f\u000b"),
        ("\x00\x1b[2J\x1f", r"\u0000\u001b[2J\u001f"),
        ("\x7f\x80\x9b31m\x9f", r"\u007f\u0080\u009b31m\u009f"),
        ("Zoë 日本 \U0001f600\xa0", "Zoë 日本 \U0001f600\xa0"),
        (b"a\xffb".decode("utf-8", "surrogateescape"), "a\ufffdb"),
        ("half \ud83d\n", "half \ufffd\\n"),
    ],
)
def test_text_line_is_one_line_that_no_terminal_obeys(value: str, text: str) -> None:
    line = alert_of("%m.text", {"m.text": value}).line
    assert line == f"{CLOCK}: Warning {text}"
    line.encode()


def test_json_object() -> None:
    assert alert_of("who=%m.text", {"m.text": "me"}, json_output=True).line == (
        f'{{"hostname":"host-1","output":"{CLOCK}: Warning who=me",'
        f'"output_fields":{{"evt.time":{TIME_NS},"m.text":"me"}},'
        '"priority":"Warning","rule":"Made Rule","source":"made","tags":["ant","mouse","zebra"],'
        f'"time":"{ISO_Z}"}}'
    )


def test_json_object_with_iso_times() -> None:
    record = json.loads(alert_of("%m.text", {"m.text": "me"}, json_output=True, time_iso8601=True).line)
    assert record["output"] == f"{ISO}: Warning me"
    assert record["output_fields"] == {"evt.time.iso8601": TIME_NS, "m.text": "me"}
    assert record["time"] == ISO_Z


ALWAYS = ("hostname", "priority", "rule", "source", "time")


@pytest.mark.parametrize(
    ("options", "extra"),
    [
        ({}, ("output", "output_fields", "tags")),
        ({"include_output": False}, ("output_fields", "tags")),
        ({"include_output_fields": False}, ("output", "tags")),
        ({"include_tags": False}, ("output", "output_fields")),
        ({"include_message": True}, ("message", "output", "output_fields", "tags")),
        ({"include_output": False, "include_output_fields": False, "include_tags": False}, ()),
    ],
)
def test_options_say_which_keys_are_there(options: dict[str, bool], extra: tuple[str, ...]) -> None:
    made = AlertFormat("h", json_output=True, **options)
    record = json.loads(made.alert(match_of("o", {})).line)
    assert list(record) == sorted((*ALWAYS, *extra))


def test_message_is_without_time_and_priority() -> None:
    record = json.loads(
        alert_of("who=%m.text", {"m.text": "me"}, json_output=True, include_message=True).line
    )
    assert record["message"] == "who=me"


@pytest.mark.parametrize(
    ("value", "in_json", "read"),
    [
        ('say "no" \\', r'"say \"no\" \\"', 'say "no" \\'),
        ("a\nb\x1b\x00", r'"a\nb\u001b\u0000"', "a\nb\x1b\x00"),
        ("Zoë 日本 \U0001f600", '"Zoë 日本 \U0001f600"', "Zoë 日本 \U0001f600"),
        (b"a\xff\xfeb".decode("utf-8", "surrogateescape"), '"a\ufffd\ufffdb"', "a\ufffd\ufffdb"),
        ("half \udc00", '"half \ufffd"', "half \ufffd"),
    ],
)
def test_texts_in_json(value: str, in_json: str, read: str) -> None:
    line = alert_of("%m.text", {"m.text": value}, json_output=True, include_message=True).line
    assert f'"m.text":{in_json}' in line
    assert "\n" not in line
    line.encode()
    record = json.loads(line)
    # `output` is the text line before anything in it is escaped.
    assert record["output"] == f"{CLOCK}: Warning {read}"
    assert record["message"] == read
    assert record["output_fields"]["m.text"] == read


def test_text_that_is_no_utf8_is_replaced_in_lists_and_names_too() -> None:
    match = match_of("%m.texts", {"m.texts": ["ok", "\udcff"]})
    extra = match_of("x", {}, additions=(Addition(formatted=(("k\udcff", "v"),)),))
    made = AlertFormat("host\udcff", json_output=True)
    record = json.loads(made.alert(match).line)
    assert record["hostname"] == "host\ufffd"
    assert record["output_fields"]["m.texts"] == ["ok", "\ufffd"]
    assert json.loads(made.alert(extra).line)["output_fields"]["k\ufffd"] == "v"


@pytest.mark.parametrize(
    ("slot", "values", "wanted"),
    [
        ("%m.text", {"m.text": "x"}, {"m.text": "x"}),
        ("%m.text", {}, {"m.text": None}),
        ("%m.number", {"m.number": -7}, {"m.number": -7}),
        ("%m.yes", {"m.yes": False}, {"m.yes": False}),
        ("%m.ratio", {"m.ratio": 2.9}, {"m.ratio": 2}),
        ("%m.ip", {"m.ip": b"\x0a\x00\x00\x01"}, {"m.ip": "10.0.0.1"}),
        ("%m.net", {"m.net": b"\x0a\x00\x00\x00"}, {"m.net": "<IPNET>"}),
        ("%m.bytes", {"m.bytes": b"a\x00b"}, {"m.bytes": "a.b"}),
        ("%m.texts", {"m.texts": ["a", "b"]}, {"m.texts": ["a", "b"]}),
        ("%m.texts", {"m.texts": []}, {"m.texts": None}),
        ("%m.ips", {"m.ips": [b"\x0a\x00\x00\x01"]}, {"m.ips": ["10.0.0.1"]}),
        ("%m.key[foo]", {"foo": "bar"}, {"m.key[foo]": "bar"}),
        ('%m.key["a b"]', {"a b": "bar"}, {'m.key["a b"]': "bar"}),
        ("%tolower(m.text)", {"m.text": "X"}, {"m.text": "X"}),
        ("%m.text %m.text", {"m.text": "x"}, {"m.text": "x"}),
        ("%evt.time %evt.num", {}, {"evt.num": 1}),
        ("%evt.datetime", {}, {"evt.datetime": TIME_NS}),
        ("no field", {}, {}),
    ],
)
def test_output_fields(slot: str, values: dict[str, Any], wanted: dict[str, Any]) -> None:
    made = alert_of(slot, values, json_output=True)
    assert json.loads(made.line)["output_fields"] == {"evt.time": TIME_NS, **wanted}
    assert made.output_fields == {"evt.time": TIME_NS, **wanted}


def test_added_output_stands_in_text_and_fields() -> None:
    addition = Addition(
        output="more=%m.yes", fields=("m.number",), formatted=(("said", "<%m.text|%m.ratio>"),)
    )
    match = match_of("o", {"m.text": "x", "m.number": 3}, additions=(addition,))
    made = AlertFormat("h", json_output=True).alert(match)
    assert json.loads(made.line)["output_fields"] == {
        "evt.time": TIME_NS,
        "m.yes": None,
        "m.number": 3,
        "said": "<x|<NA>>",
    }
    assert made.message == "o more=<NA>"


def test_attributes_are_for_outputs_that_shape_the_alert_themselves() -> None:
    made = alert_of("%m.text", {"m.text": 'a"\n'})
    assert (made.message, made.time_ns, made.rule, made.priority.label, made.source, made.hostname) == (
        'a"\n',
        TIME_NS,
        "Made Rule",
        "Warning",
        "made",
        "host-1",
    )
    assert made.tags == ("ant", "mouse", "zebra")


def test_id_is_that_of_the_event_and_the_rule() -> None:
    # Received again, matched again, shown in another format: the same alert.
    assert alert_of("o").id == alert_of("other %m.text", json_output=True).id
    assert alert_of("o").id == alert_id("made", "key", "Made Rule")


@pytest.mark.parametrize(
    "other",
    [
        ("instance-2", "key", "rule"),
        ("instance", "key-2", "rule"),
        ("instance", "key", "rule-2"),
        ("instance", "k\xe9y", "rule"),
        ("instancek", "ey", "rule"),
        ("instance", "keyr", "ule"),
    ],
)
def test_ids_of_different_events_and_rules_differ(other: tuple[str, str, str]) -> None:
    assert alert_id(*other) != alert_id("instance", "key", "rule")


def test_ids_of_keys_that_differ_in_bytes_that_are_no_text_differ() -> None:
    keys = ["k?y", "k\udcffy", "k\udcfey", "k\ufffdy"]
    assert len({alert_id("instance", key, "rule") for key in keys}) == len(keys)


def test_alert_says_which_instance_it_comes_from_and_what_the_source_adds() -> None:
    assert alert_of("o").labels == {"instance": "made", "cluster": "c1"}
