"""What the kernel program is told: what is done with each call, what is captured of it, and the push-down."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls.table import COMPAT_ENTRIES, ENTRIES, Calls, compat_table
from falcocore_syscall.live.pushdown.plan import Action, Plan
from falcocore_syscall.live.pushdown.tables import PushDownTables

if TYPE_CHECKING:
    from falcocore.toolkit import RuleSet

UNKNOWN = "unknown"
"""Stands in a plan for every number that has no name."""
_NATIVE, _OF_32_BIT = 1, 2


class Want(IntFlag):
    """What records have, or which there are, beyond what is always needed."""

    CWD = 1
    ENV = 2
    THREADS = 4


_CWD_FIELDS = ("proc.cwd",)
_ENV_FIELDS = ("proc.env", "proc.aenv")
_ENV_ARGUMENTS = re.compile(r"evt\.(args|info)|evt\.(raw)?arg[.\[](env|\d+)\]?")
_THREAD_FIELDS = ("proc.nthreads", "proc.nchilds", "proc.fdopencount", "proc.fdusage")


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of the kernel program, as bytes, for one set of rules."""

    calls: Sequence[bytes]
    wanted: bytes
    compat: bytes
    push_down: PushDownTables
    want: Want
    actions: Mapping[Action, int]
    """How many of the calls that have names something is done with."""

    @classmethod
    def of(cls, rules: RuleSet, machine: str | None = None) -> Tables:
        """What a set of rules needs; `machine` is the architecture, this one's where it is None."""
        calls = Calls(machine or platform.machine())
        return cls._made(calls, Plan.of(rules.rules, calls.names), _wanted_by(rules))

    @classmethod
    def whole(cls, rules: RuleSet, machine: str | None = None) -> Tables:
        """The same without the push-down: every call is sent."""
        calls = Calls(machine or platform.machine())
        return cls._made(calls, Plan.everything(calls.names), _wanted_by(rules))

    @classmethod
    def everything(cls, machine: str | None = None) -> Tables:
        """Every call with all that can be told of it, for recordings."""
        calls = Calls(machine or platform.machine())
        return cls._made(calls, Plan.everything(calls.names), Want.CWD | Want.ENV | Want.THREADS)

    @property
    def sent(self) -> str:
        """How many of the calls are sent whole, and how many where a rule may match."""
        whole, tested, none = (self.actions[it] for it in (Action.EMIT, Action.TEST, Action.NOTHING))
        return f"{whole} always, {tested} where a rule may match, {none} never"

    @classmethod
    def _made(cls, calls: Calls, plan: Plan, want: Want) -> Tables:
        push_down = PushDownTables.of(plan)
        entries = []
        wanted = bytearray(ENTRIES)
        for number in range(ENTRIES):
            name = calls.name_of(number)
            entry = push_down.calls.get(name) or push_down.calls.get(UNKNOWN)
            if entry is None or entry.action is Action.NOTHING:
                entries.append(b"")
                continue
            wanted[number] |= _NATIVE
            entries.append(calls.by_number(number).packed(entry.action, entry.kind, entry.groups))
        compat = compat_table(calls.machine)
        for number in range(COMPAT_ENTRIES):
            native = int.from_bytes(compat[2 * number : 2 * number + 2], "little")
            if native < ENTRIES and entries[native]:
                wanted[number] |= _OF_32_BIT
        default = push_down.calls.get(UNKNOWN)
        named = (push_down.calls.get(name, default) for name in calls.names if name != UNKNOWN)
        actions = Counter(Action.NOTHING if entry is None else entry.action for entry in named)
        return cls(entries, bytes(wanted), compat, push_down, want, actions)


def _wanted_by(rules: RuleSet) -> Want:
    labels = rules.reads()

    def reads(fields: Sequence[str]) -> bool:
        return any(label == field or label.startswith(f"{field}[") for label in labels for field in fields)

    want = Want(0)
    if reads(_CWD_FIELDS):
        want |= Want.CWD
    if reads(_ENV_FIELDS) or any(_tells_environment(replace(rules, rules=(rule,))) for rule in rules.rules):
        want |= Want.ENV
    if reads(_THREAD_FIELDS) or rules.can_match({"evt.type": "procexit"}):
        want |= Want.THREADS
    return want


def _tells_environment(rule: RuleSet) -> bool:
    """True where it is read as an argument of the call by which a program was started."""
    return any(map(_ENV_ARGUMENTS.fullmatch, rule.reads())) and rule.can_match({"evt.type": "execve"})
