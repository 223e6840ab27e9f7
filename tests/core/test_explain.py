"""Events explained: which rule alerts, which it hides, and what a getter that raises does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from falcocore.explain import EventExplanation, Fate, explain, watched_rules
from falcocore.fields import Field, FieldTable
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, LoadResult, LoadSettings, load
from falcocore.stream import Stream
from falcocore.types import FieldType


def _raise(_event: Any) -> str:
    raise RuntimeError("broken")


FIELDS = FieldTable(
    "t",
    [
        (Field("t.a", FieldType.STRING, "d", lambda event: event.a), "test"),
        (Field("t.bad", FieldType.STRING, "d", _raise), "test"),
        (Field("t.num", FieldType.UINT64, "d", lambda _e, stream: stream.num, of_stream=True), "test"),
    ],
)


def rule(name: str, condition: str, **keys: str) -> str:
    values = {"desc": "d", "condition": condition, "output": "o", "priority": "INFO", "source": "t", **keys}
    return "\n".join([f"- rule: {name}", *(f"  {key}: {value}" for key, value in values.items()), ""])


def loaded(text: str) -> LoadResult:
    found = load([SourceFile("r.yaml", text)], Catalogue({"t": FIELDS}, frozenset({"t"})), LoadSettings())
    assert found.errors == []
    return found


def explained(text: str, value: str, *, first: bool = True) -> EventExplanation:
    event = SimpleNamespace(a=value, time_ns=5, key="k")
    return explain(watched_rules(loaded(text), "t"), event, Stream("t", "t", "t", "h", num=3), first=first)


THREE = (
    rule("A", "t.a = x")
    + rule("Off", "t.a = x", enabled="false")
    + rule("B", "t.a startswith x")
    + rule("C", "t.a exists")
)


@pytest.mark.parametrize(
    ("value", "first", "fates"),
    [
        ("x", True, [Fate.ALERTS, Fate.INACTIVE, Fate.HIDDEN, Fate.HIDDEN]),
        ("x", False, [Fate.ALERTS, Fate.INACTIVE, Fate.ALERTS, Fate.ALERTS]),
        ("xy", True, [Fate.NO_MATCH, Fate.NO_MATCH, Fate.ALERTS, Fate.HIDDEN]),
        ("q", True, [Fate.NO_MATCH, Fate.NO_MATCH, Fate.NO_MATCH, Fate.ALERTS]),
    ],
)
def test_the_first_rule_that_matches_hides_the_others(value: str, first: bool, fates: list[Fate]) -> None:
    found = explained(THREE, value, first=first)
    assert [one.fate for one in found.rules] == fates
    assert (found.number, found.time_ns, found.key) == (3, 5, "k")


def test_a_rule_that_does_not_run_tells_why() -> None:
    reasons = {one.watched.rule.name: one.watched.reason for one in explained(THREE, "x").rules}
    assert reasons == {"A": None, "Off": "its rule file says `enabled: false`", "B": None, "C": None}


def test_a_getter_that_raises_reads_as_absent_and_is_named() -> None:
    found = explained(rule("A", "t.bad exists or t.num = 3"), "x")
    assert found.names(Fate.ALERTS) == ["A"]
    assert [step.outcome for step in found.rules[0].condition.checks()] == [False, True]
    assert {name: str(error) for name, error in found.failures.items()} == {"t.bad": "broken"}


def test_exceptions_and_macros_are_named() -> None:
    text = (
        "- list: few\n  items: [x, y]\n- macro: inner\n  condition: t.a in (few)\n"
        + rule("A", "inner")
        + "  exceptions:\n"
        + "    - {name: hook, fields: t.a}\n"
        + "    - {name: quiet, fields: t.a, values: [y, z]}\n"
        + "    - {name: pair, fields: [t.a, t.num], values: [[x, 1], [x, 2]]}\n"
    )
    (one,) = explained(text, "y").rules
    assert one.fate is Fate.NO_MATCH
    own, quiet, pair = one.condition.steps
    assert (own.part.exception, quiet.part.exception, pair.part.exception) == (None, "quiet", "pair")
    assert (own.outcome, quiet.outcome, pair.outcome) == (True, False, None)
    assert explained(text, "x").rules[0].fate is Fate.ALERTS


def test_only_rules_of_the_source_that_were_understood_are_there() -> None:
    other = rule("Other", "o.x = 1").replace("source: t", "source: other")
    assert [one.rule.name for one in watched_rules(loaded(THREE + other), "t")] == ["A", "Off", "B", "C"]
