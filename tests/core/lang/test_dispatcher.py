"""Attributes that key fields depend on: read in place of the getters, and remembered within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from falcocore.fields import Field, FieldTable, attribute_of, depends_on
from falcocore.lang import dispatcher
from falcocore.lang.check import check_condition
from falcocore.lang.diagnostics import Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.template import parse_template
from falcocore.lang.text import Text
from falcocore.ruleset import Matcher, Rule, RuleSet
from falcocore.stream import Stream
from falcocore.types import FieldType, Priority

STREAM = Stream("s", "s", "s", "host")


@dataclass
class Inner:
    kind: str | None


@dataclass
class Event:
    verb: str | None
    inner: Inner


class Source:
    """Two fields, each of one attribute; a text ends at a `#`. Counts what the getters are asked."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.table = FieldTable("s")
        for name, attribute in (("e.verb", "verb"), ("e.kind", "inner.kind")):
            self.table.add(Field(name, FieldType.STRING, "d", self._getter(attribute)), "test")

    def _getter(self, attribute: str) -> Any:
        @depends_on(attribute)
        def get(event: Event) -> str | None:
            value = event.verb if attribute == "verb" else event.inner.kind
            self.asked.append(value)
            return value and value.partition("#")[0]

        return get

    def matcher(self, *conditions: str) -> Matcher:
        rules = [self._rule(condition) for condition in conditions]
        return RuleSet.compiled("s", rules, first=False).match

    def _rule(self, condition: str) -> Rule:
        bound = check_condition(parse_condition(Text.plain(condition)), self.table, Report(), "rule")
        assert bound is not None
        template = parse_template(Text.plain("o"), self.table)
        return Rule(condition, "s", Priority.DEBUG, (), "d", bound, template, (), 0)


CONDITIONS = (
    "e.verb = get and e.kind = pods",
    "e.verb = get and e.kind in (pods, nodes)",
    "e.kind = nodes and e.verb startswith g",
    "e.verb = none and e.kind = none",
)


def names(match: Matcher, verb: str | None, kind: str | None) -> list[int]:
    return [CONDITIONS.index(rule.name) for rule, _ in match(Event(verb, Inner(kind)), STREAM)]


EVENTS: list[tuple[str | None, str | None, list[int]]] = [
    ("get", "pods", [0, 1]),
    ("get", "nodes", [1, 2]),
    ("get#x", "pods", [0, 1]),
    ("get", "pods#", [0, 1]),
    ("give", "nodes", [2]),
    ("get", None, []),
    (None, "nodes", []),
    (None, None, []),
    ("#", "#", []),
]


@pytest.mark.parametrize("most_readings", [0, 3, 100])
def test_rules_match_the_same_whatever_is_remembered(
    most_readings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "MOST_READINGS", most_readings)
    match = Source().matcher(*CONDITIONS)
    for verb, kind, expected in EVENTS * 3:
        assert names(match, verb, kind) == expected, (verb, kind)


def test_getters_are_asked_once_for_each_value() -> None:
    source = Source()
    match = source.matcher(*CONDITIONS)
    for _ in range(5):
        names(match, "get", "pods")
        names(match, "watch", "leases")
    assert sorted(map(str, source.asked)) == ["get", "leases", "pods", "watch"]


@pytest.mark.parametrize("length", [256, 257])
def test_long_texts_are_not_remembered(length: int) -> None:
    source = Source()
    match = source.matcher(*CONDITIONS)
    for _ in range(3):
        names(match, "x" * length, "pods")
    assert source.asked.count("pods") == (1 if length <= 256 else 3)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "MOST_READINGS", 10)
    source = Source()
    match = source.matcher(*CONDITIONS)
    for number in range(20):
        names(match, f"v{number}", "pods")
    source.asked.clear()
    for number in range(20):
        names(match, f"v{number}", "pods")
    assert source.asked.count("pods") == 10


def test_marked_getter_names_its_attribute() -> None:
    @depends_on("inner.kind")
    def get(event: Event) -> str | None:
        return event.inner.kind

    assert attribute_of(get) == "inner.kind"
    assert get(Event("get", Inner("pods"))) == "pods"
    assert attribute_of(lambda event: event) is None
