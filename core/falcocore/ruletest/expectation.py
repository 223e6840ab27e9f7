"""Alerts held against what a case expects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from falcocore.explain import EventExplanation, Fate, RuleExplanation
from falcocore.output import Alert
from falcocore.ruletest.model import Expected

MOST_SHOWN = 3
"""Events that one problem explains."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as expected, with what some events, by number, came to for the rule."""

    text: str
    explained: tuple[tuple[int, RuleExplanation], ...] = ()


def compare(
    expected: Iterable[str | Expected],
    alerts: Iterable[Alert],
    events: Sequence[EventExplanation],
    not_running: Mapping[str, str],
) -> list[Problem]:
    """What is wrong with the alerts of a case; `not_running` are rules that don't run, and why.

    Entries take alerts of their rule in order, each as many as it counts, of those whose fields fit.
    """
    left = list(alerts)
    problems: list[Problem] = []
    for entry in expected:
        one = Expected(entry) if isinstance(entry, str) else entry
        theirs = [alert for alert in left if alert.rule == one.rule]
        taken = [alert for alert in theirs if not _differences(one, alert)][: one.count]
        others = _without(theirs, taken)
        if len(taken) < one.count:
            problems.append(_missing(one, len(taken), others, events, not_running))
            taken += others[:1]  # That it has other fields was said; that it is there is no second problem.
        left = _without(left, taken)
    for rule in dict.fromkeys(alert.rule for alert in left):
        count = sum(alert.rule == rule for alert in left)
        text = f"rule `{rule}` alerted {_times(count)} more than `expect` says"
        problems.append(Problem(text, _explained(rule, events, {Fate.ALERTS})))
    return problems


def _without(alerts: Iterable[Alert], taken: Iterable[Alert]) -> list[Alert]:
    # An event that comes twice makes two alerts that are equal.
    gone = {id(alert) for alert in taken}
    return [alert for alert in alerts if id(alert) not in gone]


def _missing(
    one: Expected,
    count: int,
    others: Sequence[Alert],
    events: Sequence[EventExplanation],
    not_running: Mapping[str, str],
) -> Problem:
    if others:
        differences = "; ".join(_differences(one, others[0]))
        text = f"rule `{one.rule}` alerted {_times(count)} with the expected fields instead of {one.count}"
        return Problem(f"{text}: {differences}")
    text = f"rule `{one.rule}` alerted {_times(count)} instead of {one.count}"
    if one.rule in not_running:
        text += f": {not_running[one.rule]}; name it under `only:` to run it all the same"
    return Problem(text, _explained(one.rule, events, {Fate.NO_MATCH, Fate.HIDDEN}))


def _explained(
    rule: str, events: Iterable[EventExplanation], fates: set[Fate]
) -> tuple[tuple[int, RuleExplanation], ...]:
    found = [
        (event.number, one)
        for event in events
        for one in event.rules
        if one.watched.rule.name == rule and one.fate in fates
    ]
    return tuple(found[:MOST_SHOWN])


def _differences(one: Expected, alert: Alert) -> list[str]:
    return [
        f"`{name}` is {_shown(alert.output_fields, name)} instead of {value!r}"
        for name, value in one.fields.items()
        if name not in alert.output_fields or alert.output_fields[name] != value
    ]


def _shown(fields: Mapping[str, Any], name: str) -> str:
    if name not in fields:
        return f"no field of the alert, which has {', '.join(fields)},"
    return "absent" if fields[name] is None else repr(fields[name])


def _times(count: int) -> str:
    return "1 time" if count == 1 else f"{count} times"
