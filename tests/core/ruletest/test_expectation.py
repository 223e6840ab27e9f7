"""Alerts held against what a case expects."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.output import Alert
from falcocore.ruletest.expectation import compare
from falcocore.ruletest.model import Expected
from falcocore.testing import sample_alert


def alert(rule: str, **fields: Any) -> Alert:
    return sample_alert(rule=rule, output_fields=fields)


ONE = "rule `A` alerted"


@pytest.mark.parametrize(
    ("expected", "alerts", "problems"),
    [
        ([], [], []),
        (["A"], [alert("A")], []),
        (["A", "B"], [alert("B"), alert("A")], []),
        (["A"], [], [f"{ONE} 0 times instead of 1"]),
        ([], [alert("A")], [f"{ONE} 1 time more than `expect` says"]),
        (["A"], [alert("A"), alert("A")], [f"{ONE} 1 time more than `expect` says"]),
        ([Expected("A", 2)], [alert("A"), alert("A")], []),
        ([Expected("A", 3)], [alert("A"), alert("A")], [f"{ONE} 2 times instead of 3"]),
        ([Expected("A", 0)], [], []),
        ([Expected("A", 0)], [alert("A")], [f"{ONE} 1 time more than `expect` says"]),
        (["A", "A"], [alert("A"), alert("A")], []),
        ([Expected("A", fields={"f": 1})], [alert("A", f=1, g=2)], []),
        ([Expected("A", fields={"f": None})], [alert("A", f=None)], []),
        # Entries of one rule take the alerts that fit them, in whichever order these came.
        (
            [Expected("A", fields={"f": 1}), Expected("A", fields={"f": 2})],
            [alert("A", f=2), alert("A", f=1)],
            [],
        ),
        (
            [Expected("A", fields={"f": 1})],
            [alert("A", f="one")],
            [f"{ONE} 0 times with the expected fields instead of 1: `f` is 'one' instead of 1"],
        ),
        (
            [Expected("A", fields={"f": "x", "g": 1})],
            [alert("A", f=None, g=1)],
            [f"{ONE} 0 times with the expected fields instead of 1: `f` is absent instead of 'x'"],
        ),
        (
            [Expected("A", fields={"h": None})],
            [alert("A", f=1, g=1)],
            [
                f"{ONE} 0 times with the expected fields instead of 1: "
                "`h` is no field of the alert, which has f, g, instead of None"
            ],
        ),
        # A difference is one problem, not a missing alert and another that is too many.
        (
            [Expected("A", 2, {"f": 1})],
            [alert("A", f=1), alert("A", f=2), alert("A", f=3)],
            [
                f"{ONE} 1 time with the expected fields instead of 2: `f` is 2 instead of 1",
                f"{ONE} 1 time more than `expect` says",
            ],
        ),
        (
            ["A"],
            [alert("B")],
            [f"{ONE} 0 times instead of 1", "rule `B` alerted 1 time more than `expect` says"],
        ),
    ],
)
def test_what_is_wrong(expected: list[str | Expected], alerts: list[Alert], problems: list[str]) -> None:
    assert [problem.text for problem in compare(expected, alerts, [], {})] == problems


def test_a_rule_that_does_not_run_tells_why() -> None:
    (problem,) = compare(["A"], [], [], {"A": "it is disabled"})
    assert (
        problem.text
        == f"{ONE} 0 times instead of 1: it is disabled; name it under `only:` to run it all the same"
    )
