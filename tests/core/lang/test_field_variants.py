"""Fields with several values, with an argument behind a dot, or with a type that depends on it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from falcocore.errors import ConfigError
from falcocore.fields import Argument, ArgumentKind, Field, FieldTable, Several
from falcocore.lang.check import check_condition
from falcocore.lang.compile import Program
from falcocore.lang.diagnostics import ConditionError, Report
from falcocore.lang.evaluate import evaluate
from falcocore.lang.grammar import parse_condition
from falcocore.lang.operands import BindError, bind_field, nowhere
from falcocore.lang.resolve import resolve
from falcocore.lang.syntax import FieldRef
from falcocore.lang.template import parse_template
from falcocore.lang.text import Text
from falcocore.testing import match_events
from falcocore.types import FieldType
from tests.core.lang.conftest import Names

Getter = Callable[[Any], Any]


def _by_name(name: str | None) -> Getter:
    if name == "refused":
        raise ValueError("not this one")
    return lambda event: event[name]


def _typed(name: str | None) -> Field:
    kind = FieldType.INT64 if name == "number" else FieldType.STRING
    return Field(f"t.raw.{name}", kind, "d", lambda event: event[name])


def _several(name: str, kind: FieldType, means: Several, **more: Any) -> Field:
    return Field(name, kind, "d", lambda event: event[name], several=means, **more)


FIELDS = [
    Field("t.arg", FieldType.STRING, "d", _by_name, argument=Argument(ArgumentKind.KEY, True, dotted=True)),
    Field("t.raw", FieldType.STRING, "d", _typed, argument=Argument(ArgumentKind.KEY, True, dotted=True)),
    Field("t.arg.own", FieldType.STRING, "d", lambda event: event["own"]),
    Field("t.plain", FieldType.STRING, "d", lambda event: event["plain"]),
    _several("t.any", FieldType.STRING, Several.ANY, captured=lambda event: " ".join(event["t.any"])),
    _several("t.either", FieldType.PORT, Several.EITHER, printable=False),
    Field("t.shown", FieldType.STRING, "d", lambda event: event["plain"], filterable=False),
]
TABLE = FieldTable("t", [(field, "test") for field in FIELDS])
EVENT = {
    "a": "A", "a.b": "AB", "number": 7, "own": "mine", "plain": "p", "t.any": ["x", "y"],
    "t.either": [80, 443],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "label", "value"),
    [
        ("t.arg.a", "t.arg.a", "A"),
        ("t.arg.a.b", "t.arg.a.b", "AB"),
        ("t.arg.own", "t.arg.own", "mine"),
        ("t.raw.number", "t.raw.number", 7),
    ],
)
def test_an_argument_may_stand_behind_a_dot(name: str, label: str, value: object) -> None:
    bound = bind_field(FieldRef(name), TABLE, nowhere)
    assert (bound.label, bound.getter(EVENT)) == (label, value)


def test_the_type_may_depend_on_the_argument() -> None:
    assert bind_field(FieldRef("t.raw", "number"), TABLE, nowhere).type is FieldType.INT64
    assert bind_field(FieldRef("t.raw", "a"), TABLE, nowhere).type is FieldType.STRING


@pytest.mark.parametrize(
    ("name", "problem"),
    [("t.arg", "needs an argument"), ("t.arg.refused", "not this one"), ("t.plain.a", "has no field")],
)
def test_what_is_refused(name: str, problem: str) -> None:
    with pytest.raises(BindError, match=problem):
        bind_field(FieldRef(name), TABLE, nowhere)


def test_a_template_takes_all_that_stands_behind_the_dot() -> None:
    template = parse_template(Text.plain("%t.arg.a.b, %t.arg[a] %t.plain.txt"), TABLE)
    values = {bound.label: bound.getter(EVENT) for bound in template.fields}
    assert template.render(values) == "AB, A p.txt"


def test_a_field_without_a_single_value_is_not_printed() -> None:
    with pytest.raises(ConditionError, match="has no single value"):
        parse_template(Text.plain("%t.either"), TABLE)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("t.any = x", True),
        ("t.any = z", False),
        ("t.any != x", True),
        ("not t.any = x", False),
        ("t.any in (q, y)", True),
        ("t.any contains y", True),
        ("t.any = anyof (q, y)", True),
        ("t.any exists", True),
        ("t.any = val(t.plain)", False),
        ("t.any != val(t.plain)", True),
        ("t.either = 80", True),
        ("t.either != 80", False),
        ("t.either != 81", True),
        ("t.either > 100", True),
        ("t.either > 500", False),
        ("t.either in (443, 1)", True),
    ],
)
@pytest.mark.parametrize("present", [True, False])
def test_checks_on_several_values(condition: str, holds: bool, present: bool) -> None:
    report = Report()
    resolved = resolve(parse_condition(Text.plain(condition)), Names(), report, "rule")
    assert resolved is not None
    bound = check_condition(resolved.node, TABLE, report, "rule")
    assert bound is not None
    event = EVENT if present else {**EVENT, "t.any": [], "t.either": []}
    expected = holds if present else condition.startswith("not ")
    assert evaluate(bound, lambda field: field.getter(event)) == expected

    rule = SimpleNamespace(condition=bound, captures=())
    assert bool(Program([rule], first=True).link()(event, None)) == expected


@pytest.mark.parametrize("means", list(Several))
def test_several_values_need_a_way_to_be_printed(means: Several) -> None:
    with pytest.raises(ValueError, match="need `captured`"):
        _several("x.y", FieldType.STRING, means)


def test_a_field_that_is_only_printed_is_not_compared() -> None:
    rules = "[{rule: R, desc: d, source: t, condition: t.shown = x, output: x, priority: INFO}]"
    with pytest.raises(ConfigError, match="can only stand in an output"):
        match_events([], FIELDS, rules, source="t")
