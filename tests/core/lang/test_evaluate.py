"""Conditions evaluated directly: absent fields, modifiers, lists, right-hand fields, order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.lang.bound import BoundCheck, BoundField, BoundNode
from falcocore.lang.diagnostics import Report
from falcocore.lang.evaluate import evaluate, evaluate_check, evaluate_operand

Bind = Callable[..., tuple[BoundNode | None, Report]]

EVENT: dict[str, Any] = {
    "s.a": "abc",
    "s.b": "abc",
    "s.k[x]": "",
    "u.a": 5,
    "u.b": 6,
    "b.a": False,
    "ls.a": ["a", "b"],
    "ls.b": ["b", "c"],
    "ls.c": [],
    "lu.a": [1, 2],
    "net.a": b"\x0a\x01\x02\x03",
    "ip.a": b"\x0a\x01\x02\x03",
    "ip.b": b"\0" * 15 + b"\x01",
}


def holds(condition: str, bind: Bind, event: dict[str, Any] | None = None) -> bool:
    bound, report = bind(condition)
    assert bound is not None, report.diagnostics
    values = EVENT if event is None else event
    return evaluate(bound, lambda field: field.getter(values))


@pytest.mark.parametrize(
    "check",
    [
        "s.c exists",
        "s.c = x",
        "s.c != x",
        "s.c in ()",
        "s.c in (x)",
        "s.c pmatch (/)",
        "s.c contains x",
        "s.c regex .*x*",
        "s.c != allof (x)",
        "u.c < 5",
        "b.c = false",
        "ip.c != 10.0.0.1",
        "net.c != 10.0.0.0/8",
        "ls.c exists",
        "ls.c in (a)",
        "ls.c intersects (a)",
        "s.c = val(s.a)",
        "s.a = val(s.c)",
        "s.a != val(s.c)",
        "ls.a in val(ls.c)",
        "s.k[y] exists",
        "tolower(s.c) exists",
        "tolower(s.c) != x",
        "concat(s.a, s.c) exists",
        'join("", ls.c) exists',
        'join("", (s.a, s.c)) exists',
        "len(ls.c) = 0",
        "len(s.c) = 0",
        "b64(s.a) exists",
    ],
)
def test_check_of_an_absent_value_is_false_and_its_negation_true(check: str, bind: Bind) -> None:
    event = {**EVENT, "s.a": "!"} if check.startswith("b64") else EVENT
    assert not holds(check, bind, event)
    assert holds(f"not {check}", bind, event)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("s.k[x] exists", True),
        ('s.k[x] = ""', True),
        ('s.a startswith ""', True),
        ("s.a = oneof (abc, x)", True),
        ("s.a startswith oneof (a, b)", True),
        ("s.a startswith oneof (a, ab)", False),
        ("s.a startswith anyof (a, ab)", True),
        ("s.a startswith anyof (x, y)", False),
        ("s.a startswith allof (a, ab)", True),
        ("s.a startswith allof (a, x)", False),
        ("s.a != allof (x, y)", True),
        ("s.a != allof (abc, y)", False),
        ("s.a != anyof (abc, y)", True),
        ("s.a = anyof ()", False),
        ("s.a != allof ()", False),
        ("s.a = oneof ()", False),
        ("net.a = anyof (192.168.0.0/16, 10.0.0.0/8)", True),
        ("net.a != allof (192.168.0.0/16, 11.0.0.0/8)", True),
        ("ls.a in (a, b, c)", True),
        ("ls.a in (a, c)", False),
        ("ls.a intersects (b, c)", True),
        ("ls.a intersects (c, d)", False),
        ("lu.a in (1, 2)", True),
        ("ls.a in val(ls.b)", False),
        ("ls.a intersects val(ls.b)", True),
        ("ls.a exists", True),
        ("s.a = val(s.b)", True),
        ("s.a in val(s.b)", True),
        ("u.a < val(u.b)", True),
        ("u.a >= val(u.b)", False),
        ("s.a contains val(s.b)", True),
        ("tolower(s.a) = val(s.b)", True),
        ("s.a = tolower(s.b)", True),
        ("len(s.a) = len(s.b)", True),
        ("len(ls.a) = 2", True),
        ("toupper(ls.a) in (A, B)", True),
        ("concat(s.a, toupper(s.b)) = abcABC", True),
        ('join("-", (s.a, "x", s.b)) = abc-x-abc', True),
        ('join(",", ls.a) = "a,b"', True),
        ("s.a > 0", True),
        ("s.a < 0", False),
        ("ip.a = val(ip.b)", False),
        ("ip.a != val(ip.b)", True),
        ("ip.a in (10.1.2.3, ::1)", True),
        ("net.a in (11.0.0.0/8, 10.0.0.0/8)", True),
        ("not net.a in (11.0.0.0/8)", True),
        ("b.a = false", True),
    ],
)
def test_check_of_present_values(condition: str, expected: bool, bind: Bind) -> None:
    assert holds(condition, bind) is expected


@pytest.mark.parametrize(
    ("condition", "read"),
    [
        ("s.a = abc or s.b = abc", ["s.a"]),
        ("s.a = x or s.b = abc", ["s.a", "s.b"]),
        ("s.a = x and s.b = abc", ["s.a"]),
        ("not (s.a = x and s.b = abc) and u.a = 5", ["s.a", "u.a"]),
        ("s.c = val(s.b)", ["s.c"]),
    ],
)
def test_parts_are_evaluated_from_left_to_right_as_far_as_needed(
    condition: str, read: list[str], bind: Bind
) -> None:
    bound, _ = bind(condition)
    assert bound is not None
    seen: list[str] = []

    def get(field: BoundField) -> Any:
        seen.append(field.label)
        return field.getter(EVENT)

    evaluate(bound, get)
    assert seen == read


def test_one_check_can_be_evaluated_alone(bind: Bind) -> None:
    bound, _ = bind("toupper(s.a) = ABC")
    assert isinstance(bound, BoundCheck)
    assert evaluate_check(bound, lambda field: field.getter(EVENT))
    assert evaluate_operand(bound.left, lambda field: field.getter(EVENT)) == "ABC"
