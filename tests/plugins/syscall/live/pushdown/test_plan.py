"""A plan sends every call that a rule matches, and few others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import falcocore_rules
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import LoadSettings, load
from falcocore.stream import Stream
from falcocore_syscall.live.pushdown.classes import CLASSES, FAILED, ROOT
from falcocore_syscall.live.pushdown.plan import Action, Plan, Told
from tests.support.condition_strategies import bounded
from tests.support.pushed_down import (
    CALL_NAMES,
    CALLS,
    CATALOGUE,
    CONDITIONS,
    EVERY_CHECK,
    PushedBox,
    every_call,
    rules_of,
)

PARTS = 6
STREAM = Stream("syscall", "syscall", "syscall", "box")


@bounded
@given(st.lists(CONDITIONS, min_size=1, max_size=3), st.lists(CALLS, min_size=1, max_size=25))
def test_what_a_rule_matches_is_sent(conditions: list[str], calls: list[tuple[Any, tuple[Any, ...]]]) -> None:
    rules = rules_of(*conditions)
    plan = Plan.of(rules.rules)
    box = PushedBox()
    for happens, arguments in calls:
        event, seen = happens(box, *arguments)
        if rules.match(event, STREAM):
            assert seen.passes(plan), seen


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_a_check_or_its_opposite_matches_is_sent(part: int) -> None:
    """Each check alone, and of the calls that open alone, against calls of every sort."""
    opens = "evt.type in (open, openat, openat2, creat)"
    rules = rules_of(
        *(
            condition
            for check in EVERY_CHECK[part::PARTS]
            for condition in (check, f"not {check}", f"{opens} and {check}", f"{opens} and not {check}")
        )
    )
    calls = list(every_call())
    plans = {rule.name: Plan.of([rule], CALL_NAMES) for rule in rules.rules}
    box, matched = PushedBox(), set()
    for happens, arguments in calls:
        event, seen = happens(box, *arguments)
        for rule, _ in rules.match(event, STREAM):
            matched.add(rule.name)
            assert seen.passes(plans[rule.name]), (rule.condition, seen)
    assert len(matched) > len(rules.rules) / 2


READ, WRITE = 1, 2
SHADOW = b"/etc/shadow"


def plan_of(*conditions: str) -> Plan:
    return Plan.of(rules_of(*conditions).rules)


@pytest.mark.parametrize(
    ("condition", "call", "number", "path", "raw", "passes"),
    [
        ("evt.type = getppid", "getppid", 0, None, None, True),
        ("evt.type = getppid", "getpid", 0, None, None, False),
        ("evt.type = getppid and user.uid = 0", "getppid", 0, None, None, False),
        ("evt.type = getppid and user.uid = 0", "getppid", ROOT, None, None, True),
        ("evt.type = getppid and container.id != host", "getppid", 0, None, None, False),
        ("proc.name = evil", "a_call_of_a_newer_kernel", 0, None, None, True),
        ("fd.name = /etc/shadow", "a_call_of_a_newer_kernel", 0, None, None, False),
        ("fd.name = /etc/shadow", "getppid", 0, None, None, False),
        ("fd.name = /etc/shadow", "read", 0, None, None, True),
        ("fd.name = /etc/shadow", "openat", READ, SHADOW, SHADOW, True),
        ("fd.name = /etc/shadow", "openat", READ, b"/etc/passwd", b"/etc/passwd", False),
        ("fd.name = /etc/shadow", "openat", READ, b"/etc/shadow-", b"/etc/shadow-", False),
        ("fd.name = /etc/shadow", "openat", READ | FAILED, None, b"x", True),
        ("fd.name = /etc/shadow", "openat", READ | FAILED, None, SHADOW, True),
        ("fd.name = /etc/shadow", "openat", READ | FAILED, None, b"/etc/../etc/shadow", True),
        ("fd.name = /etc/shadow", "openat", READ | FAILED, None, None, True),
        ("fd.name = /etc/shadow", "openat", READ | FAILED, None, b"/etc/passwd", False),
        ("fd.name = /etc/shadow", "openat", READ, b"[eventfd]", b"x", True),
        ("fd.name = /etc/shadow", "openat", READ, None, None, True),
        ("fd.name = /etc/shadow", "openat", READ, b"/" + b"x" * 1022, b"x", False),
        ("fd.name = /etc/shadow", "openat", READ, b"/" + b"x" * 1023, b"x", True),
        ("fd.filename = shadow", "openat", READ, b"/" + b"x" * 64, b"x", False),
        ("fd.filename = shadow", "openat", READ, b"/" + b"x" * 65, b"x", True),
        ("fd.name contains liblzma", "openat", READ, b"/usr/lib/liblzma.so.5", b"x", True),
        ("fd.name contains liblzma", "openat", READ, b"/usr/lib/libz.so", b"x", False),
        ("evt.type = openat and fd.name startswith /e", "openat", READ, b"/etcetera/x", b"x", True),
        ("evt.type = openat and evt.is_open_write = true", "openat", READ, SHADOW, SHADOW, False),
        ("evt.type = openat and evt.is_open_write = true", "openat", WRITE, SHADOW, SHADOW, True),
        ("evt.type = openat and evt.is_open_write = true", "open", WRITE, SHADOW, SHADOW, False),
        ("evt.type = openat and fd.nameraw contains ../", "openat", READ, SHADOW, SHADOW, False),
        ("evt.type = openat and fd.nameraw contains ../", "openat", READ, SHADOW, b"../shadow", True),
        ("evt.type = openat and fd.nameraw contains ../", "openat", READ | FAILED, None, b"/a", False),
        ("evt.type = openat and fd.nameraw contains ../", "openat", READ | FAILED, None, b"a/../b", True),
        ("evt.type = openat and fd.nameraw contains ../", "openat", READ, SHADOW, None, True),
        ("evt.type = execve", "execve", 0, None, None, False),  # Execs are told of by themselves.
        ("evt.type = execve", "execve", FAILED, None, None, True),
        ("evt.type = socket and evt.arg.domain contains AF_PACKET", "socket", 2, None, None, False),
        ("evt.type = socket and evt.arg.domain contains AF_PACKET", "socket", 0, None, None, True),
        ("evt.type = connect and fd.typechar in (4, 6)", "connect", 1, None, None, False),
        ("evt.type = connect and fd.typechar in (4, 6)", "connect", 2, None, None, True),
        ("evt.type = pread", "pread64", 0, None, None, True),
    ],
)
def test_a_call(
    condition: str, call: str, number: int, path: bytes | None, raw: bytes | None, passes: bool
) -> None:
    assert plan_of(condition).passes(call, number, Told(path, raw)) is passes


@pytest.mark.parametrize(
    ("condition", "call", "number", "told", "passes"),
    [
        ("evt.type = ptrace and not proc.name = gdb", "ptrace", 0, Told(program=b"gdb"), False),
        ("evt.type = ptrace and not proc.name = gdb", "ptrace", 0, Told(program=b"gdb2"), True),
        ("evt.type = ptrace and not proc.name = gdb", "ptrace", 0, Told(), True),
        ("evt.type = ptrace and user.uid = 1000", "ptrace", 0, Told(user=1000), True),
        ("evt.type = ptrace and proc.exe startswith ./", "ptrace", 0, Told(exe=b"./x"), True),
        ("evt.type = ptrace and proc.exe startswith ./", "ptrace", 0, Told(exe=b"/x"), False),
        ("evt.type = ptrace and proc.cwd startswith /a/", "ptrace", 0, Told(directory=b"/a"), True),
        ("evt.type = ptrace and proc.cwd startswith /a/", "ptrace", 0, Told(directory=b"/ab"), False),
        ("evt.type = ptrace and user.uid = 1000", "ptrace", 0, Told(user=1001), False),
        ("evt.type = connect and fd.sport = 22", "connect", 2, Told(ports=(4000, 22)), True),
        ("evt.type = connect and fd.sport = 22", "connect", 2, Told(ports=(4000, 443)), False),
        ("evt.type = connect and fd.sport = 22", "connect", 2, Told(), True),
        ("evt.type = connect and fd.sport = 22", "connect", 1, Told(), False),  # A unix socket has none.
        (
            "evt.type = openat and fd.name = /a/b and fd.nameraw contains ../",
            "openat",
            READ,
            Told(b"/a/c", b"../c"),
            False,
        ),
    ],
)
def test_who_calls_and_what_for(condition: str, call: str, number: int, told: Told, passes: bool) -> None:
    assert plan_of(condition).passes(call, number, told) is passes


def test_calls_keep_their_own_classes() -> None:
    """A rule for one call of a kind does not make others pass whatever their path is."""
    plan = plan_of("evt.type = creat", "evt.type = openat and fd.name = /etc/shadow")
    assert plan.passes("creat", 0, Told(b"/tmp/x", b"/tmp/x"))
    assert not plan.passes("openat", READ, Told(b"/tmp/x", b"/tmp/x"))


def test_everything_is_sent_but_execs_a_second_time() -> None:
    plan = Plan.everything()
    assert all(plan.passes(call, number) for call in ("openat", "getppid", "x") for number in (0, FAILED, 63))
    assert plan.passes("execve", FAILED)
    assert not plan.passes("execve", 0)


@pytest.mark.parametrize("pack", ["syscall_rules.yaml"])
def test_the_bundled_rules_let_no_file_pass_that_they_do_not_name(pack: str) -> None:
    text = (Path(falcocore_rules.__file__).parent / pack).read_text()
    loaded = load([SourceFile(pack, text)], CATALOGUE, LoadSettings())
    plan = Plan.of(loaded.rule_sets["syscall"].rules)
    for number in range(CLASSES):
        for path in (b"/usr/include/stdio.h", b"/home/u/notes", b"/tmp/cc1.s", b"/etc/ld.so.cache"):
            assert not plan.passes("openat", number, Told(None if number & FAILED else path, path))
    assert {name for name, call in plan.calls.items() if call.action is Action.EMIT} == {
        *("link", "linkat", "symlink", "symlinkat"),
    }
