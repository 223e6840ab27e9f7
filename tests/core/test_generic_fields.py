"""The fields of every source: `evt.*` (k8s-audit, section 3; output-format, section 3) and `static.*`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from falcocore.fields import FieldTable
from falcocore.generic_fields import GENERIC_FIELDS, static_fields
from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, load
from falcocore.ruleset import RuleSet
from falcocore.stream import Stream
from tests.support.time_zone import KOLKATA, time_zone

TYPES = {
    "evt.num": "UINT64",
    "evt.time": "CHARBUF",
    "evt.time.s": "CHARBUF",
    "evt.time.iso8601": "CHARBUF",
    "evt.datetime": "CHARBUF",
    "evt.datetime.s": "CHARBUF",
    "evt.rawtime": "ABSTIME",
    "evt.rawtime.s": "ABSTIME",
    "evt.rawtime.ns": "ABSTIME",
    "evt.reltime": "RELTIME",
    "evt.reltime.s": "RELTIME",
    "evt.reltime.ns": "RELTIME",
    "evt.source": "CHARBUF",
    "evt.pluginname": "CHARBUF",
    "evt.hostname": "CHARBUF",
    "evt.is_async": "BOOL",
    "evt.asynctype": "CHARBUF",
}
FIRST = 1_704_164_644_999_999_990  # 2024-01-02T03:04:04.99999999Z
TIME = 1_704_164_646_000_000_078  # 2024-01-02T03:04:06.000000078Z


@dataclass(frozen=True)
class Event:
    time_ns: int
    key: str = "k"


def stream(first_time_ns: int | None = FIRST) -> Stream:
    return Stream("ticks", "ticks-east", "tickplugin", "host-a", num=12, first_time_ns=first_time_ns)


def rule_set(condition: str, output: str = "o") -> RuleSet:
    table = FieldTable(
        "ticks", [(field, "core") for field in (*GENERIC_FIELDS, *static_fields({"k": "v w"}))]
    )
    head = "- rule: r\n  desc: d\n  source: ticks\n  priority: INFO\n"
    text = f"{head}  condition: {condition}\n  output: '{output}'\n"
    loaded = load([SourceFile("r.yaml", text)], Catalogue({"ticks": table}, frozenset({"ticks"})))
    assert loaded.errors == []
    return loaded.rule_sets["ticks"]


def shown(name: str, event: Event, of: Stream) -> tuple[str, Any]:
    """The field as it stands in the message and in output_fields of an alert."""
    ((rule, values),) = rule_set("evt.num > 0", f"%{name}").match(event, of)
    return rule.rendered(values)[0], rule.rendered(values)[1][name]


@pytest.fixture(autouse=True)
def _zone() -> Iterator[None]:
    with time_zone(KOLKATA):
        yield


def test_the_core_offers_these_fields_with_these_types() -> None:
    assert {field.name: field.type.label for field in GENERIC_FIELDS} == TYPES
    assert not any(field.is_list or field.argument or field.suggested for field in GENERIC_FIELDS)


def test_every_field_has_one_line_of_documentation() -> None:
    docs = [field.doc for field in GENERIC_FIELDS]
    assert [doc for doc in docs if not doc.endswith(".") or "\n" in doc] == []
    assert len(set(docs)) == len(docs)


def test_audit_events_have_all_of_them_and_the_text_of_the_event() -> None:
    table = PluginHost().fields_for("k8s_audit")
    names = {field.name for field in table if field.name.startswith("evt.")}
    assert names == {*TYPES, "evt.plugininfo"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("evt.num", "12", 12),
        ("evt.time", "08:34:06.000000078", TIME),
        ("evt.time.s", "08:34:06", TIME),
        ("evt.time.iso8601", "2024-01-02T03:04:06.000000078+0000", TIME),
        ("evt.datetime", "2024-01-02 08:34:06.000000078", TIME),
        ("evt.datetime.s", "2024-01-02 08:34:06", TIME),
        ("evt.rawtime", "1704164646000000078", TIME),
        ("evt.rawtime.s", "1704164646", 1_704_164_646),
        ("evt.rawtime.ns", "000000078", 78),
        ("evt.reltime", "1000000088", 1_000_000_088),
        ("evt.reltime.s", "1", 1),
        ("evt.reltime.ns", "000000088", 88),
        ("evt.source", "ticks", "ticks"),
        ("evt.pluginname", "tickplugin", "tickplugin"),
        ("evt.hostname", "host-a", "host-a"),
        ("evt.is_async", "false", False),
        ("evt.asynctype", "<NA>", None),
        ("static.k", "v w", "v w"),
    ],
)
def test_text_and_json_value_of_each_field(name: str, text: str, value: object) -> None:
    found = shown(name, Event(TIME), stream())
    assert found == (text, value)
    assert type(found[1]) is type(value)


@pytest.mark.parametrize(
    ("time_ns", "first_time_ns", "text"),
    [
        (FIRST, FIRST, "000000000"),
        (FIRST + 5, FIRST, "000000005"),
        (FIRST - 5, FIRST, "000000000"),  # events of several servers are not in the order of their times
        (FIRST, None, "000000000"),
    ],
)
def test_time_since_the_first_event_is_never_negative(
    time_ns: int, first_time_ns: int | None, text: str
) -> None:
    assert shown("evt.reltime", Event(time_ns), stream(first_time_ns)) == (text, int(text))


@pytest.mark.parametrize(
    "condition",
    [
        "evt.num = 12",
        'evt.time = "08:34:06.000000078"',
        'evt.time startswith "08:"',
        'evt.time.s in ("08:34:06")',
        'evt.time.iso8601 contains "T03:04:06."',
        'evt.datetime startswith "2024-01-02 08:34"',
        'evt.datetime.s = "2024-01-02 08:34:06"',
        "evt.rawtime = 1704164646000000078",
        "evt.rawtime.s >= 1704164646",
        "evt.rawtime.ns = 78",
        "evt.reltime > 1000000000",
        "evt.reltime.s = 1",
        "evt.reltime.ns < 89",
        "evt.source = ticks",
        "evt.pluginname = tickplugin",
        "evt.hostname = host-a",
        "evt.is_async = false",
        "not evt.asynctype exists",
        'static.k = "v w"',
    ],
)
def test_conditions_compare_times_as_texts_and_the_others_by_type(condition: str) -> None:
    matcher = rule_set(f"'{condition}'").match
    assert [rule.name for rule, _ in matcher(Event(TIME), stream())] == ["r"]


def test_a_condition_on_the_time_of_day_shows_the_moment_in_json() -> None:
    ((rule, values),) = rule_set("evt.time startswith 08", "at %evt.time").match(Event(TIME), stream())
    assert rule.rendered(values)[0] == "at 08:34:06.000000078"
    assert rule.rendered(values)[1] == {"evt.time": TIME}


def test_static_fields_are_suggested_texts_under_their_keys() -> None:
    fields = list(static_fields({"cluster": "east", "a": ""}))
    assert [(field.name, field.type.label, field.suggested) for field in fields] == [
        ("static.cluster", "CHARBUF", True),
        ("static.a", "CHARBUF", True),
    ]
    assert [field.getter(None) for field in fields] == ["east", ""]
    assert list(static_fields({})) == []
