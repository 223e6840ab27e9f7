"""A plan sends every call that a rule matches, and few others."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from falcocore.stream import Stream
from falcocore_syscall.live.pushdown.plan import Plan
from tests.support.condition_strategies import bounded
from tests.support.pushed_down import CALLS, CONDITIONS, PushedBox, rules_of

STREAM = Stream("syscall", "syscall", "syscall", "box")


@bounded
@given(st.lists(CONDITIONS, min_size=1, max_size=3), st.lists(CALLS, min_size=1, max_size=25))
def test_what_a_rule_matches_is_sent(conditions: list[str], calls: list[tuple[Any, tuple[Any, ...]]]) -> None:
    rules = rules_of(*conditions)
    plan = Plan.of(rules.rules)
    box = PushedBox()
    for happens, arguments in calls:
        event, told = happens(box, *arguments)
        if rules.match(event, STREAM):
            assert any(plan.passes(told.name, number, told.path, told.raw) for number in told.classes), told
