"""Why rules did or did not match an event: conditions watched, and which rule the alert came from."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from falcocore.lang.bound import BoundField
from falcocore.lang.trace import Part, Step, parts_of, trace
from falcocore.rules.loader import LoadedRule, LoadResult
from falcocore.ruleset import Rule
from falcocore.stream import Stream


@dataclass(frozen=True, slots=True, eq=False)
class WatchedRule:
    """A rule with the parts of its condition; `reason` says why it does not run, None where it does."""

    rule: Rule
    condition: Part
    reason: str | None = None


class Fate(enum.Enum):
    """What became of a rule for one event."""

    ALERTS = "alerts"
    HIDDEN = "hidden"
    """It matches, but an earlier one did so before, and only the first one alerts."""
    INACTIVE = "inactive"
    """It matches, and does not run."""
    NO_MATCH = "no match"


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """One rule and one event."""

    watched: WatchedRule
    fate: Fate
    condition: Step


@dataclass(frozen=True, slots=True)
class EventExplanation:
    """One event: its number in the stream from 1, its identity, and every rule in order.

    `failures` are the exceptions that getters raised, by field; such a field reads as absent.
    """

    number: int
    time_ns: int
    key: str
    rules: tuple[RuleExplanation, ...]
    failures: dict[str, Exception] = field(default_factory=dict)

    def names(self, fate: Fate) -> list[str]:
        """The names of the rules of that fate."""
        return [one.watched.rule.name for one in self.rules if one.fate is fate]


class EventValues:
    """The values of one event's fields; each is extracted when it is first asked for."""

    def __init__(self, event: Any, stream: Stream) -> None:
        self._event = event
        self._stream = stream
        self._known: dict[str, Any] = {}
        self.failures: dict[str, Exception] = {}

    def get(self, bound: BoundField) -> Any:
        """The value of a field, None or an empty list where it is absent."""
        if bound.label in self._known:
            return self._known[bound.label]
        arguments = (self._event, self._stream) if bound.field.of_stream else (self._event,)
        try:
            value = bound.getter(*arguments)
        except Exception as error:  # whatever a plugin raises; a run goes on as well
            self.failures[bound.label] = error
            value = None
        self._known[bound.label] = value
        return value


def watched_rules(loaded: LoadResult, source: str) -> list[WatchedRule]:
    """The rules of a source that were understood, in order, those that do not run included."""
    return [
        _watched(one, loaded)
        for one in loaded.rules
        if one.rule is not None and one.definition.source == source
    ]


def _watched(one: LoadedRule, loaded: LoadResult) -> WatchedRule:
    rule, written = one.rule, one.written
    assert rule is not None and written is not None  # noqa: S101, PT018 - a rule has been written
    names = [exception.name for exception in one.definition.exceptions if exception.values]
    part = parts_of(written, loaded.definitions.written_macros, rule.condition, names)
    return WatchedRule(rule, part, one.reason)


def explain(rules: Sequence[WatchedRule], event: Any, stream: Stream, *, first: bool) -> EventExplanation:
    """What each rule makes of an event; with `first`, only the first that matches alerts."""
    values = EventValues(event, stream)
    found: list[RuleExplanation] = []
    alerted = False
    for watched in rules:
        step = trace(watched.condition, values.get)
        fate = _fate(watched, step, hidden=first and alerted)
        alerted = alerted or fate is Fate.ALERTS
        found.append(RuleExplanation(watched, fate, step))
    return EventExplanation(stream.num, event.time_ns, event.key, tuple(found), values.failures)


def _fate(watched: WatchedRule, step: Step, *, hidden: bool) -> Fate:
    if not step.outcome:
        return Fate.NO_MATCH
    if watched.reason is not None:
        return Fate.INACTIVE
    return Fate.HIDDEN if hidden else Fate.ALERTS
