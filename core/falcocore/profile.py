"""What rules cost on recorded events: each rule and each check, and what dispatch spares.

The events are replayed for each of the measurements, because an event may remember what was read of it:
who reads it first pays, as in a run. What is measured is compiled code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from falcocore.explain import WatchedRule
from falcocore.lang.bound import BoundField, BoundNode
from falcocore.lang.compile import Compilable, Program
from falcocore.lang.dispatch import OTHER, Key, KeyField, Knowledge
from falcocore.lang.partial import Decide, reduced
from falcocore.lang.printer import print_condition
from falcocore.lang.syntax import Not, Or
from falcocore.lang.trace import Part
from falcocore.replay import Take
from falcocore.stream import Stream

Replay = Callable[[Take], None]
"""Draws the events from the first to the last, and gives each to a function."""
Matcher = Callable[[Any, Stream], Any]
_NO_DISPATCH = 1 << 30
"""More rules than there are."""


@dataclass(slots=True)
class Cost:
    """How often something was tried, how often it was true, and the time it took together."""

    name: str
    tried: int = 0
    true: int = 0
    time_ns: int = 0

    @property
    def each_ns(self) -> float:
        """The time of one try."""
        return self.time_ns / self.tried if self.tried else 0.0

    def add(self, outcome: bool, time_ns: int) -> None:
        """One more try."""
        self.tried += 1
        self.true += outcome
        self.time_ns += time_ns


@dataclass(slots=True)
class Profile:
    """What was measured for the rules of one source.

    `dispatched_ns` and `whole_ns` are the times that all events take with dispatch and without. A rule was
    tried where dispatch left it and none before it ended the search, and a check where dispatch did not
    tell its outcome.
    """

    events: int
    matches: int
    dispatched_ns: int
    whole_ns: int
    keys: tuple[str, ...]
    combinations: int
    rules: list[Cost] = field(default_factory=list)
    checks: list[Cost] = field(default_factory=list)

    @property
    def spared(self) -> float:
        """The part of the time without dispatch that dispatch spares."""
        return max(0.0, 1 - self.dispatched_ns / self.whole_ns) if self.whole_ns else 0.0

    @property
    def left(self) -> float:
        """The rules that were tried for an event, on average."""
        return sum(cost.tried for cost in self.rules) / self.events if self.events else 0.0


def profile(rules: Sequence[WatchedRule], replay: Replay, *, first: bool) -> Profile:
    """Measure the rules of a source on its events; `first` as the configuration says."""
    compiled = [watched.rule for watched in rules]
    dispatched = Program(compiled, first=first)
    whole = _matcher(Program(compiled, first=first, least_rules=_NO_DISPATCH))
    fast = _matcher(dispatched)
    _Timing(fast, replay)  # Once for the functions that are generated for the first event of a kind.
    with_dispatch, without = _Timing(fast, replay), _Timing(whole, replay)
    dispatch = _Dispatch(dispatched.key, compiled)
    return Profile(
        events=with_dispatch.events,
        matches=with_dispatch.matches,
        dispatched_ns=with_dispatch.time_ns,
        whole_ns=without.time_ns,
        keys=tuple(key.bound.label for key in dispatched.key),
        rules=_rule_costs(rules, dispatch, replay, first=first),
        checks=_check_costs(rules, dispatch, replay, first=first),
        combinations=dispatch.combinations,
    )


class _Timing:
    """All events matched once."""

    def __init__(self, match: Matcher, replay: Replay) -> None:
        self.events = self.matches = self.time_ns = 0
        self._match = match
        replay(self._take)
        self.time_ns = max(0, self.time_ns - self.events * _clock_ns())

    def _take(self, event: Any, stream: Stream) -> None:
        started = time.perf_counter_ns()
        found = self._match(event, stream)
        self.time_ns += time.perf_counter_ns() - started
        self.events += 1
        self.matches += len(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """What dispatch leaves of the rules for events of a key: conditions by number, and what it decides."""

    conditions: Mapping[int, BoundNode | bool]
    decide: Decide


class _Dispatch:
    """Dispatch as the compiled rules do it, step by step."""

    def __init__(self, key: Sequence[KeyField], rules: Sequence[Compilable]) -> None:
        self._key = key
        self._rules = rules
        self._known: dict[Key, _Left] = {}

    @property
    def combinations(self) -> int:
        """Values of the key's fields that events had together."""
        return len(self._known)

    def left(self, event: Any) -> _Left:
        """What is left for an event; the same object for each of a key."""
        key = tuple(self._class(one, event) for one in self._key)
        if key not in self._known:
            decide = Knowledge(self._key, key).decide
            conditions = {n: reduced(rule.condition, decide) for n, rule in enumerate(self._rules)}
            possible = {number: one for number, one in conditions.items() if one is not False}
            self._known[key] = _Left(possible, decide)
        return self._known[key]

    def _class(self, one: KeyField, event: Any) -> Any:
        try:
            value = one.bound.getter(event)
        except Exception:  # it reads as absent, as in a run
            return None
        return value if value is None or value in one.mentioned else OTHER


def _rule_costs(
    rules: Sequence[WatchedRule], dispatch: _Dispatch, replay: Replay, *, first: bool
) -> list[Cost]:
    watch = _Stopwatch()
    costs = [Cost(watched.rule.name) for watched in rules]
    matchers: dict[tuple[_Left, int], Matcher] = {}

    def take(event: Any, stream: Stream) -> None:
        left = dispatch.left(event)
        for number, condition in left.conditions.items():
            if isinstance(condition, bool):
                outcome = condition
                costs[number].add(outcome, 0)
            else:
                matcher = matchers.get((left, number))
                if matcher is None:
                    matcher = matchers[left, number] = _alone(condition)
                outcome = watch.run(matcher, event, stream, costs[number])
            if outcome and first:
                break

    replay(take)
    return _by_time(costs)


def _check_costs(
    rules: Sequence[WatchedRule], dispatch: _Dispatch, replay: Replay, *, first: bool
) -> list[Cost]:
    watch = _Stopwatch()
    costs: dict[str, Cost] = {}
    timed: dict[Part, tuple[Matcher, Cost]] = {}
    for watched in rules:
        for part in watched.condition.checks():
            if part.check is not None:
                text = print_condition(part.node)
                timed[part] = (_alone(part.check), costs.setdefault(text, Cost(text)))

    def holds(part: Part, decide: Decide, event: Any, stream: Stream) -> bool:
        if part.check is not None:
            known = decide(part.check)
            matcher, cost = timed[part]
            return known if known is not None else watch.run(matcher, event, stream, cost)
        outcomes = (holds(one, decide, event, stream) for one in part.parts)
        match part.node:
            case Or():
                return any(outcomes)
            case Not():
                return not next(outcomes)
            case _:
                return all(outcomes)

    def take(event: Any, stream: Stream) -> None:
        left = dispatch.left(event)
        for number in left.conditions:
            if holds(rules[number].condition, left.decide, event, stream) and first:
                break

    replay(take)
    return _by_time(costs.values())


def _by_time(costs: Iterable[Cost]) -> list[Cost]:
    """The dearest first."""
    return sorted(costs, key=lambda cost: -cost.time_ns)


class _Stopwatch:
    """Times what is tried, without the time that looking at the clock takes."""

    def __init__(self) -> None:
        self._clock_ns = _clock_ns()

    def run(self, matcher: Matcher, event: Any, stream: Stream, cost: Cost) -> bool:
        """Run a function, and add its outcome and its time to a cost."""
        started = time.perf_counter_ns()
        outcome = bool(matcher(event, stream))
        cost.add(outcome, max(0, time.perf_counter_ns() - started - self._clock_ns))
        return outcome


class _Condition:
    """A condition as a rule that captures nothing."""

    captures: tuple[BoundField, ...] = ()

    def __init__(self, condition: BoundNode) -> None:
        self.condition = condition


def _alone(condition: BoundNode) -> Matcher:
    return _matcher(Program([_Condition(condition)], first=True, least_rules=_NO_DISPATCH))


def _matcher(program: Program) -> Matcher:
    """The function of a program; where a getter raises, the field reads as absent, as in a run."""
    fast = program.link()
    guarded: list[Matcher] = []

    def match(event: Any, stream: Stream) -> Any:
        try:
            return fast(event, stream)
        except Exception:
            if not guarded:
                guarded.append(program.link(_guard))
            return guarded[0](event, stream)

    return match


def _guard(_bound: BoundField, getter: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*arguments: Any) -> Any:
        try:
            return getter(*arguments)
        except Exception:
            return None

    return guarded


def _clock_ns() -> int:
    """What looking at the clock twice takes."""
    readings = [-time.perf_counter_ns() + time.perf_counter_ns() for _ in range(1001)]
    return sorted(readings)[len(readings) // 2]
