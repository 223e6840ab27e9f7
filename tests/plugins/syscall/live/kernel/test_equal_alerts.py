"""What the kernel leaves out raises no alert: random rules and actions, with the push-down and without."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import replace
from pathlib import Path

from falcocore.ruleset import RuleSet
from falcocore_syscall.live.calls.table import Calls
from falcocore_syscall.live.tables import Tables
from tests.support.bpf_objects import needs_kernel
from tests.support.live_actor import Actor
from tests.support.live_random import Chooser, confined, setting
from tests.support.live_watch import Watch, alerts_of, rule_set

pytestmark = needs_kernel

SETS = int(os.environ.get("FALCOCORE_LIVE_SETS", "25"))
SEED = int(os.environ.get("FALCOCORE_LIVE_SEED", "1"))
RULES, GROUPS, ACTIONS = 4, 2, 60
"""In a set; groups end with a sentinel. 25 sets are 12,000 pairs. With more rules some want every open."""

ACTED = frozenset(
    ["open", "openat", "openat2", "creat", "unlink", "unlinkat", "rename", "symlink", "mkdir", "chmod",
     "link", "connect", "sendto", "sendmsg", "socket", "dup", "execve", "execveat"]
)  # fmt: skip
"""The calls that actions are made of. What else happens on the machine would only fill the buffer."""


def all_of_these_calls(_rules: RuleSet) -> Tables:
    """Each of them is sent with all that can be told of it, whatever the rules are."""
    calls = Calls(platform.machine())
    tables = Tables.everything()
    is_acted = [calls.name_of(number) in ACTED for number in range(len(tables.calls))]
    return replace(
        tables,
        calls=[entry if acted else b"" for entry, acted in zip(tables.calls, is_acted, strict=True)],
        wanted=bytes(wanted if acted else 0 for wanted, acted in zip(tables.wanted, is_acted, strict=True)),
    )


def test_alerts_are_equal_with_the_push_down_and_without(tmp_path: Path) -> None:
    chooser = Chooser(SEED, str(tmp_path))
    text = chooser.rules(RULES)
    rules = rule_set(text)
    pushed, whole = Watch(rules), Watch(rules, all_of_these_calls)
    actor = Actor(tmp_path)
    raised = pairs = 0
    try:
        actor.does(confined(str(tmp_path)))
        for number in range(SETS):
            if number:
                text = chooser.rules(RULES)
                rules = rule_set(text)
                pushed.replace(rules)
                whole.replace(rules)
            alerts_of((pushed, whole), actor, setting(), ())
            for _ in range(GROUPS):
                actions = [chooser.action() for _ in range(ACTIONS)]
                with_it, without = (
                    sorted(found) for found in alerts_of((pushed, whole), actor, "\n".join(actions), ACTED)
                )
                wrong = [alert for alert in with_it + without if with_it.count(alert) != without.count(alert)]
                conditions = [rule for rule in json.loads(text) if rule["rule"] in dict(wrong)]
                assert not wrong, (
                    f"seed {SEED}, set {number}: {len(with_it)} with, {len(without)} without\n{wrong}\n"
                    f"{conditions}\n" + "\n".join(actions)
                )
                raised += len(without)
                pairs += RULES * ACTIONS
    finally:
        actor.close()
        pushed.close()
        whole.close()
    assert pairs >= SETS * RULES * GROUPS * ACTIONS
    assert pushed.drawn < whole.drawn * 0.85, "the kernel has left out next to nothing"
    assert raised > pairs / 200, "the rules are about nothing that the actions do"
