"""What the checker refuses, and what it warns of: message, place, hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.lang.bound import BoundNode
from falcocore.lang.diagnostics import Code, Report

Bind = Callable[..., tuple[BoundNode | None, Report]]


@pytest.mark.parametrize(
    ("condition", "column", "message", "hint"),
    [
        ("s.aa = x", 1, "source test has no field `s.aa`", "did you mean `s.a`?"),
        ("s.a exists and u.a contains 1", 20, "`contains` does not take UINT64 values", "UINT64 values take"),
        (
            "ls.a = x",
            6,
            "`=` does not take a list, and `ls.a` is a list of CHARBUF",
            "exists, in, intersects",
        ),
        ("u.a = 0x10", 7, "`0x10` is not a UINT64 value: a whole decimal number is needed", None),
        ("u.a in (1, x)", 12, "`x` is not a UINT64 value", None),
        ("b.a = True", 7, "write true or false", None),
        ("ip.a = 10.0.0.0/8", 8, "is not an IPv4 or IPv6 address; networks go with ipnet fields", None),
        ("net.a = 10.0.0.1", 9, "write ADDRESS/BITS", None),
        ('s.a regex "\\\\d+"', 11, "POSIX regular expression", None),
        ("s.a = val(u.a)", 1, "`s.a` is CHARBUF, the right side `u.a` is UINT64", "same type"),
        ("s.r exists", 1, "needs an argument: s.r[key]", None),
        ("s.a[1] exists", 1, "takes no argument", None),
        ("len(u.a) = 1", 1, "`len` does not take UINT64 values", None),
        ("concat(s.a) = x", 1, "takes two texts or more", None),
    ],
)
def test_mistake_is_reported_with_place_and_remedy(
    condition: str, column: int, message: str, hint: str | None, bind: Bind
) -> None:
    bound, report = bind(condition)
    assert bound is None
    (diagnostic,) = report.errors
    assert diagnostic.code is Code.COMPILE_CONDITION
    assert diagnostic.span is not None
    assert diagnostic.span.position == (1, column)
    assert message in diagnostic.message
    assert hint is None or hint in str(diagnostic.hint)


def test_every_mistake_is_reported_in_one_go(bind: Bind) -> None:
    _, report = bind("s.zz = x or (u.a = y and not ls.a contains z)")
    assert [d.span.position[1] for d in report.errors if d.span] == [1, 20, 35]


@pytest.mark.parametrize(
    ("condition", "code", "message"),
    [
        ("s.a = s.b", Code.WARN_COMPILE_CONDITION, "name of a field"),
        ('s.a = "tolower(s.b)"', Code.WARN_COMPILE_CONDITION, "looks like a transformer"),
        ("s.a regex .abc.", Code.WARN_COMPILE_CONDITION, "does not need a regular expression"),
        ("s.a != <NA>", Code.WARN_UNSAFE_NA_CHECK, "never equals"),
    ],
)
def test_condition_that_is_probably_a_mistake_is_warned_of(
    condition: str, code: Code, message: str, bind: Bind
) -> None:
    bound, report = bind(condition)
    assert bound is not None
    assert [(d.code, message in d.message) for d in report.diagnostics] == [(code, True)]


@pytest.mark.parametrize("condition", ["s.a regex a.*c", "s.a = plain", "s.a in (x, y)", 's.a = "a b"'])
def test_usual_condition_has_no_warning(condition: str, bind: Bind) -> None:
    assert bind(condition)[1].diagnostics == []


def test_field_of_another_source_is_said_to_be_there(fields: Any) -> None:
    from falcocore.lang.check import check_condition
    from falcocore.lang.grammar import parse_condition
    from falcocore.lang.text import Text

    report = Report()
    node = parse_condition(Text.plain("proc.name = cat"))
    check_condition(node, fields, report, "rule", lambda name: ["syscall"] if name == "proc.name" else [])
    assert "field of source syscall" in str(report.errors[0].hint)
