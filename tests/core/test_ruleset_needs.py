"""What a rule set says about events that no rule can match."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from falcocore.fields import Argument, ArgumentKind, Field, FieldTable
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore.types import FieldType


def _field(name: str, kind: FieldType = FieldType.STRING) -> Field:
    return Field(f"t.{name}", kind, "d", lambda event: getattr(event, name))


def _keyed(key: str | None) -> Any:
    return lambda event: event.keys.get(key)


TABLE = FieldTable(
    "t",
    [
        (_field("type"), "test"),
        (_field("path"), "test"),
        (_field("size", FieldType.INT64), "test"),
        (Field("t.key", FieldType.STRING, "d", _keyed, argument=Argument(ArgumentKind.KEY)), "test"),
    ],
)


def compiled(*conditions: str, output: str = "x") -> RuleSet:
    common = {"desc": "d", "source": "t", "output": output, "priority": "INFO"}
    rules = [
        {"rule": f"r{number}", "condition": condition, **common}
        for number, condition in enumerate(conditions)
    ]
    file = SourceFile("r.yaml", json.dumps(rules))
    loaded = load([file], Catalogue({"t": TABLE}, frozenset({"t"})), LoadSettings())
    assert not loaded.errors
    return loaded.rule_sets["t"]


@pytest.mark.parametrize(
    ("known", "possible"),
    [
        ({}, True),
        ({"t.type": "open"}, True),
        ({"t.type": "close"}, True),
        ({"t.type": "read"}, False),
        ({"t.type": "open", "t.path": "/tmp"}, False),
        ({"t.type": "open", "t.path": "/etc/x"}, True),
        ({"t.type": "close", "t.path": "/tmp"}, True),
        ({"t.type": None}, False),
    ],
)
def test_what_is_possible(known: dict[str, Any], possible: bool) -> None:
    rules = compiled("t.type = open and t.path startswith /etc", "t.type in (close) and t.size > 3")
    assert rules.can_match(known) is possible


def test_nothing_is_possible_without_rules() -> None:
    assert RuleSet.compiled("t", [], first=True).can_match({}) is False


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({"t.type", "t.path"}, [True, False, False]),
        ({"t.type"}, [True, True, False]),
        ({"t.path"}, [True, False, True]),
        (set(), [True, True, True]),
    ],
)
def test_a_screen_reads_only_some_fields(fields: set[str], passes: list[bool]) -> None:
    screen = compiled("t.type = open and t.path startswith /etc and t.size > 3").screen(fields)
    wanted = {name.removeprefix("t.") for name in fields}
    events = [{"type": "open", "path": "/etc"}, {"type": "open", "path": "/x"}, {"type": "y", "path": "/etc"}]
    shown = [SimpleNamespace(**{name: event[name] for name in wanted}) for event in events]
    assert [screen(event) for event in shown] == passes, "other attributes would raise"


def test_a_screen_lets_everything_pass_where_a_rule_may_match_anything() -> None:
    rules = compiled("t.type = open", "t.size > 3")
    assert rules.screen({"t.type"})(SimpleNamespace(type="read")) is True


def test_which_fields_are_read() -> None:
    rules = compiled("t.type = open and tolower(t.path) = x", output="%t.key[a] %t.size")
    assert rules.reads() >= {"t.type", "t.path", "t.key[a]", "t.size"}


def test_constants_of_a_field() -> None:
    rules = compiled(
        "t.path in (a, b) or t.path = c", "t.key[k] != d and not t.size in (1, 2)", "t.path exists"
    )
    assert rules.constants("t.path") == {"a", "b", "c"}
    assert rules.constants("t.key") == {"d"}
    assert rules.constants("t.size") == {1, 2}
    assert rules.constants("t.type") == frozenset()
