"""What rules cost: numbers of tries and matches are exact, and times are there."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from falcocore.explain import watched_rules
from falcocore.fields import Field, FieldTable
from falcocore.lang.text import SourceFile
from falcocore.profile import Cost, Profile, profile
from falcocore.replay import Take, draw
from falcocore.rules.loader import Catalogue, load
from falcocore.stream import Stream
from falcocore.types import FieldType


def _getter(name: str) -> Callable[[Any], Any]:
    def get(event: Any) -> Any:
        if event.fields.get(name) == "raise":
            raise RuntimeError
        return event.fields.get(name)

    return get


FIELDS = FieldTable("t", [(Field(f"t.{n}", FieldType.STRING, "d", _getter(n)), "test") for n in "ab"])


def rule(name: str, condition: str) -> str:
    return f"- {{rule: {name}, desc: d, condition: '{condition}', output: o, priority: INFO, source: t}}\n"


def profiled(rules: str, events: list[dict[str, str]], *, first: bool = True) -> Profile:
    loaded = load([SourceFile("r.yaml", rules)], Catalogue({"t": FIELDS}, frozenset({"t"})))
    assert loaded.errors == []

    def replay(take: Take) -> None:
        made = (SimpleNamespace(fields=fields, time_ns=1, key="k") for fields in events)
        draw(made, Stream("t", "t", "t", "h"), take)

    return profile(watched_rules(loaded, "t"), replay, first=first)


def counts(costs: list[Cost]) -> dict[str, tuple[int, int]]:
    return {cost.name: (cost.tried, cost.true) for cost in costs}


FOUR = "".join(rule(f"R{n}", f"t.a = {n} and t.b startswith x") for n in range(3)) + rule("Any", "t.b exists")
EVENTS = [{"a": "0", "b": "xy"}, {"a": "1", "b": "y"}, {"a": "5", "b": "z"}, {"a": "5"}, {}]


def test_a_rule_is_tried_where_dispatch_leaves_it() -> None:
    found = profiled(FOUR, EVENTS)
    assert (found.events, found.matches, found.keys, found.combinations) == (5, 3, ("t.a",), 4)
    assert counts(found.rules) == {"R0": (1, 1), "R1": (1, 0), "R2": (0, 0), "Any": (4, 2)}
    # What dispatch tells of a check costs nothing and is not counted.
    assert counts(found.checks) == {
        "t.a = 0": (0, 0),
        "t.a = 1": (0, 0),
        "t.a = 2": (0, 0),
        "t.b startswith x": (2, 1),
        "t.b exists": (4, 2),
    }
    assert found.left == 6 / 5


def test_where_all_rules_alert_none_hides_another() -> None:
    found = profiled(FOUR, EVENTS, first=False)
    assert found.matches == 4
    assert counts(found.rules)["Any"] == (5, 3)


def test_few_rules_are_not_dispatched() -> None:
    found = profiled(rule("A", "t.a = 1 and not (t.b = x or t.b = y)"), EVENTS)
    assert (found.keys, found.combinations, found.left) == ((), 1, 1.0)
    assert counts(found.rules) == {"A": (5, 0)}
    assert counts(found.checks) == {"t.a = 1": (5, 1), "t.b = x": (1, 0), "t.b = y": (1, 1)}


def test_a_rule_that_dispatch_alone_decides_matches_for_nothing() -> None:
    rules = "".join(rule(f"R{n}", f"t.a = {n}") for n in range(3))
    found = profiled(rules, EVENTS)
    assert counts(found.rules) == {"R0": (1, 1), "R1": (1, 1), "R2": (0, 0)}
    assert sum(cost.time_ns for cost in found.rules) == 0
    assert all(cost.tried == 0 for cost in found.checks)


@pytest.mark.parametrize("rules", [FOUR, rule("A", "t.a = 1 or t.b exists")])
def test_a_getter_that_raises_reads_as_absent(rules: str) -> None:
    bad = {"a": "raise", "b": "raise"}
    found = profiled(rules, [bad, {}])
    assert found.matches == 0
    assert all(cost.true == 0 for cost in found.rules)


def test_times_are_there_and_the_dearest_come_first() -> None:
    found = profiled(FOUR, EVENTS * 200)
    assert found.dispatched_ns > 0
    assert found.whole_ns > 0
    assert 0 <= found.spared <= 1
    times = [cost.time_ns for cost in found.checks]
    assert times == sorted(times, reverse=True)


def test_no_events_cost_nothing() -> None:
    found = profiled(FOUR, [])
    assert (found.events, found.matches, found.left) == (0, 0, 0.0)
    assert all(cost.each_ns == 0.0 for cost in found.rules)
