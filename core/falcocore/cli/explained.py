"""How an explanation is shown: a tree of lines for people, an object of JSON for tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from falcocore import times
from falcocore.alerts import escape_line
from falcocore.cli.styled import Line
from falcocore.explain import EventExplanation, Fate, RuleExplanation
from falcocore.lang.printer import print_condition
from falcocore.lang.syntax import And, Check, Literal, MacroRef, Not, Or, Values
from falcocore.lang.trace import Part, Reading, Step

MOST_CHARACTERS = 100
"""Of a value; a whole request would hide everything else."""
MOST_ITEMS = 8
"""Of a list."""

Lists = Mapping[str, Sequence[Literal]]
"""The items of each list, with the lists in it put in."""

_WORDS = {True: ("true ", "green"), False: ("false", "red"), None: ("-    ", "dim")}


def event_lines(
    event: EventExplanation, shown: Sequence[RuleExplanation], lists: Lists, *, brief: bool
) -> Iterator[Line]:
    """What became of an event, and each of some rules as a tree; in brief, only what decided."""
    key = escape_line(event.key)
    yield ((f"event {event.number}", "bold"), (f" at {times.iso8601(event.time_ns)}, key {key}", ""))
    alerts, hidden = event.names(Fate.ALERTS), event.names(Fate.HIDDEN)
    yield (("  alerts: ", ""), (escape_line(", ".join(alerts)) or "none", "bold green" if alerts else "dim"))
    if hidden:
        yield (
            ("  hidden, because only the first rule that matches alerts: ", ""),
            (escape_line(", ".join(hidden)), "yellow"),
        )
    for name, error in event.failures.items():
        said = escape_line(f"{type(error).__name__}: {error}")
        yield ((f"  {name} reads as absent, it raised {said}", "red"),)
    for one in shown:
        yield from rule_lines(one, lists, brief=brief)
    yield ()


def rule_lines(one: RuleExplanation, lists: Lists, *, brief: bool, indent: str = "  ") -> Iterator[Line]:
    """One rule and its condition."""
    watched, fate = one.watched, one.fate
    style = {Fate.ALERTS: "bold green", Fate.HIDDEN: "yellow", Fate.INACTIVE: "yellow"}.get(fate, "")
    words = {
        Fate.ALERTS: "matches and alerts",
        Fate.HIDDEN: "matches, hidden by an earlier rule",
        Fate.INACTIVE: "matches, and does not run",
        Fate.NO_MATCH: "does not match",
    }[fate]
    reason = f" ({watched.reason})" if watched.reason else ""
    name = escape_line(watched.rule.name)
    yield ((indent, ""), (name, "bold"), (": ", ""), (words, style), (reason, "yellow"))
    condition = one.condition.decisive() if brief else one.condition
    yield from step_lines(condition, lists, indent + "  ")


def step_lines(step: Step, lists: Lists, indent: str, depth: int = 0) -> Iterator[Line]:
    """A part with its outcome, and below it the parts of it."""
    word, style = _WORDS[step.outcome]
    dim = "dim" if step.outcome is None else ""
    start: Line = ((indent, ""), (word, style), (" " + "  " * depth, ""))
    match step.part.node:
        case Check() as check:
            text = escape_line(print_condition(check))
            yield (*start, (text, dim), *_values(step, check, lists))
        case MacroRef(name):
            yield (*start, (f"{name}:", dim or "cyan"))
        case Not() if step.part.exception is not None:
            yield (*start, ("not exception ", dim or "blue"), (f"{step.part.exception}:", dim or "cyan"))
        case node:
            yield (*start, (_word(node), dim or "blue"))
    for inner in step.steps:
        yield from step_lines(inner, lists, indent, depth + 1)


def _word(node: And | Or | Not) -> str:
    return "and" if isinstance(node, And) else "or" if isinstance(node, Or) else "not"


def _values(step: Step, check: Check, lists: Lists) -> Iterator[tuple[str, str]]:
    """What the check read, and what the lists in it hold."""
    for number, reading in enumerate(step.readings):
        name = "" if len(step.readings) == 1 and reading.is_plain else f"{escape_line(reading.name)} "
        yield (f"   {name}" if number == 0 else f", {name}", "dim")
        yield ("is absent", "magenta") if reading.is_absent else (f"is {cut(reading.text)}", "yellow")
    for name in list_names(check, lists):
        items = [literal.text for literal in lists[name]]
        more = f", ... ({len(items)} items)" if len(items) > MOST_ITEMS else ""
        shown = cut(", ".join(items[:MOST_ITEMS])) or "(nothing)"
        yield (f"   {name}: {shown}{more}", "dim")


def cut(text: str) -> str:
    """A text that fits on a line, and does nothing to the terminal."""
    escaped = escape_line(text)
    return escaped if len(escaped) <= MOST_CHARACTERS else f"{escaped[:MOST_CHARACTERS]}..."


def list_names(check: Check, lists: Lists) -> list[str]:
    """The lists that a check names."""
    values = check.right.items if isinstance(check.right, Values) else (check.right,)
    return [one.text for one in values if isinstance(one, Literal) and one.bare and one.text in lists]


def event_json(source: str, event: EventExplanation, shown: Sequence[RuleExplanation]) -> dict[str, Any]:
    """The same as one object; outcomes are true, false, or null for what was not come to."""
    return {
        "source": source,
        "event": event.number,
        "time_ns": event.time_ns,
        "key": event.key,
        "alerts": event.names(Fate.ALERTS),
        "hidden": event.names(Fate.HIDDEN),
        "failures": {name: f"{type(error).__name__}: {error}" for name, error in event.failures.items()},
        "rules": [
            {
                "rule": one.watched.rule.name,
                "fate": one.fate.value,
                "not_running": one.watched.reason,
                "condition": step_json(one.condition),
            }
            for one in shown
        ],
    }


def step_json(step: Step) -> dict[str, Any]:
    """A part as an object."""
    part = step.part
    found: dict[str, Any] = {"kind": _kind(part), "outcome": step.outcome}
    if part.exception is not None:
        found["exception"] = part.exception
    if isinstance(part.node, MacroRef):
        found["name"] = part.node.name
    if isinstance(part.node, Check):
        found["text"] = print_condition(part.node)
        found["values"] = [_reading_json(reading) for reading in step.readings]
        found["place"] = place_json(part)
    if step.steps:
        found["parts"] = [step_json(inner) for inner in step.steps]
    return found


def _kind(part: Part) -> str:
    match part.node:
        case Check():
            return "check"
        case MacroRef():
            return "macro"
        case node:
            return _word(node)


def _reading_json(reading: Reading) -> dict[str, Any]:
    return {"name": reading.name, "value": reading.json_value, "absent": reading.is_absent}


def place_json(part: Part) -> dict[str, Any] | None:
    """Where a part stands; lines and columns count from 1."""
    place = part.node.place
    if place is None:
        return None
    line, column = place.span.position
    return {"file": place.span.file.name, "line": line, "column": column}
