"""Which fields a rule set dispatches on, and what a key decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.lang.bound import BoundCheck, BoundNode
from falcocore.lang.diagnostics import Report
from falcocore.lang.dispatch import MOST_FIELDS, MOST_VALUES, OTHER, KeyField, Knowledge, key_fields

Bind = Callable[..., tuple[BoundNode | None, Report]]


@pytest.fixture
def tree(bind: Bind) -> Callable[[str], BoundNode]:
    def run(condition: str) -> BoundNode:
        found, report = bind(condition)
        assert found is not None, report.errors
        return found

    return run


Tree = Callable[[str], BoundNode]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (["s.a = x", "s.a = y"], {"s.a": {"x", "y"}}),
        (["s.a in (x, y)", "not s.a != z"], {"s.a": {"x", "y", "z"}}),
        (["s.a = x and s.b = y", "s.b = z and s.a exists"], {"s.b": {"y", "z"}}),
        (["u.a = 1", "u.a in (2, 3)"], {"u.a": {1, 2, 3}}),
        (["s.a = x"], {}),
        # one rule that compares it twice is one rule
        (["s.a = x or s.a = y"], {}),
        # these tell nothing of equality with a constant
        (["s.a startswith x", "s.a contains y"], {}),
        (["s.a = val(s.b)", "s.a = val(s.c)"], {}),
        (["ls.a in (x)", "ls.a intersects (y)"], {}),
        (["tolower(s.a) = x", "tolower(s.a) = y"], {}),
        # an address equals the networks that hold it
        (["ip.a = 10.0.0.1", "ip.a = 10.0.0.2"], {}),
    ],
)
def test_fields_that_rules_compare_with_constants(
    conditions: list[str], found: dict[str, set[Any]], tree: Tree
) -> None:
    fields = key_fields([tree(condition) for condition in conditions], 2)
    assert {field.bound.label: set(field.mentioned) for field in fields} == found


def test_those_that_rule_out_the_most_come_first_and_not_too_many(tree: Tree) -> None:
    names = ("s.a", "s.b", "s.c", "u.a", "u.b", "path.a")
    # The first field is in two conditions, the next one in three, and so on.
    conditions = [
        tree(" and ".join(f"{name} = {number}" for place, name in enumerate(names) if number < place + 2))
        for number in range(len(names) + 1)
    ]
    found = [field.bound.label for field in key_fields(conditions, 2)]
    assert found == list(reversed(names))[:MOST_FIELDS]


def test_a_field_that_rules_out_few_is_left_out(tree: Tree) -> None:
    conditions = [tree(f"s.a = {number} and not s.b = x") for number in range(20)]
    assert [field.bound.label for field in key_fields(conditions, 2)] == ["s.a"]
    conditions += [tree("s.a = 1 and s.b = y")] * 2
    assert [field.bound.label for field in key_fields(conditions, 2)] == ["s.a"]


@pytest.mark.parametrize(
    ("value", "condition", "outcome"),
    [
        ("abc", "s.a startswith ab", True),
        ("abc", "s.a startswith abc", True),
        ("ab", "s.a startswith abc", False),
        ("abd", "s.a startswith abc", False),
        ("b", "s.a startswith ab", False),
        ("", "s.a startswith ab", False),
        ("x", "s.a startswith ab", False),
        ("abc", "s.a = x", False),
        ("abc", "s.a exists", True),
        (None, "s.a startswith ab", False),
        # Not told: no rule that the key was made of has it.
        ("abc", "s.a startswith a", None),
        ("abc", "s.a endswith c", None),
        ("abc", "s.a startswith anyof (ab, abc)", None),
    ],
)
def test_prefixes_decide_what_begins_with_them(
    value: str | None, condition: str, outcome: bool | None, tree: Tree
) -> None:
    conditions = [tree(text) for text in ("s.a startswith ab", "s.a startswith abc", "s.a = x")]
    assert key_fields(conditions, 1) == () or key_fields(conditions, 1)[0].prefixes == frozenset()
    (field,) = key_fields(conditions, 1, prefixes=True)
    assert set(field.mentioned) == {"x"}
    assert set(field.prefixes) == {"ab", "abc"}
    check = tree(condition)
    assert isinstance(check, BoundCheck)
    assert Knowledge([field], (field.classifier()(value, OTHER),)).decide(check) is outcome


def test_a_field_with_prefixes_of_many_lengths_is_left_out(tree: Tree) -> None:
    conditions = [tree(f"s.a startswith {'x' * number}") for number in range(1, 20)]
    assert key_fields(conditions, 1, prefixes=True) == ()
    assert len(key_fields(conditions[:10], 1, prefixes=True)) == 1


def test_a_field_with_very_many_constants_is_left_out(tree: Tree) -> None:
    names = ", ".join(f"n{number}" for number in range(MOST_VALUES + 1))
    assert key_fields([tree(f"s.a in ({names})"), tree("s.a = n1")], 2) == ()


@pytest.mark.parametrize(
    ("condition", "value", "outcome"),
    [
        ("s.a = x", "x", True),
        ("s.a = x", "y", False),
        ("s.a = x", None, False),
        ("s.a = x", OTHER, False),
        ("s.a != x", OTHER, True),
        ("s.a != x", None, False),
        ("s.a in (x, y)", "y", True),
        ("s.a in (x, y)", OTHER, False),
        ("s.a exists", OTHER, True),
        ("s.a exists", None, False),
        ("s.a startswith ab", "abc", True),
        ("s.a startswith ab", OTHER, None),
        ("s.a contains b", None, False),
        ("s.a glob a*", "abc", True),
        ("s.a regex 'a.*'", OTHER, None),
        ("s.a = anyof (x, y)", OTHER, False),
        ("s.a != allof (x, y)", OTHER, True),
        ("s.a != oneof (x, y)", OTHER, False),
        ("s.a = val(s.b)", "x", None),
        ("tolower(s.a) = x", "x", None),
        ("s.b = x", "x", None),
    ],
)
def test_what_the_value_of_a_field_decides(
    condition: str, value: object, outcome: bool | None, tree: Tree
) -> None:
    check, field = tree(condition), tree("s.a = x")
    assert isinstance(check, BoundCheck)
    assert isinstance(field, BoundCheck)
    key = KeyField(field.left, frozenset({"x", "y"}))  # type: ignore[arg-type]
    assert Knowledge([key], (value,)).decide(check) is outcome
