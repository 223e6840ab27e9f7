"""A plan as the bytes of the kernel's tables."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple

from falcocore_syscall.live.pushdown.classes import Kind
from falcocore_syscall.live.pushdown.keys import LONGEST_TOP
from falcocore_syscall.live.pushdown.lookups import of_directories, of_exes, of_marks, of_names, of_numbers
from falcocore_syscall.live.pushdown.plan import Action, Plan

_TOP = struct.Struct(f"<{LONGEST_TOP + 1}sQ")


class CallEntry(NamedTuple):
    """What the entry of a call in the table `calls` says beside the arguments that are captured."""

    action: Action
    kind: Kind
    groups: tuple[int, ...]
    """By class."""


@dataclass(frozen=True, slots=True)
class PushDownTables:
    """What the loader puts into the kernel program for a plan.

    `calls` has the entries by the kernel's names; that of `unknown` is for every number without a name.
    `tops` are `tops_count` entries `{char name[16]; u64 groups}`, `marks` the sets of groups by mark. `masks`
    are sets of groups by the names of the kernel program's variables, `codes` what takes the places of its
    functions.
    """

    calls: Mapping[str, CallEntry]
    tops: bytes
    tops_count: int
    marks: bytes
    masks: Mapping[str, int]
    codes: Mapping[str, bytes]

    @classmethod
    def of(cls, plan: Plan) -> PushDownTables:
        """The tables of a plan."""
        keys, groups = plan.keys, plan.groups
        users, ports = of_numbers("users", groups), of_numbers("ports", groups)
        programs, parents, ancestors = (
            of_names(name, groups) for name in ("programs", "parents", "ancestors")
        )
        exes, directories, marks = of_exes(groups), of_directories(groups), of_marks(groups)
        listed = [(name, its) for name, its in keys.tops.items() if name]
        tests = {
            "path_groups": keys.path_groups,
            "name_groups": keys.name_groups,
            "climbing_groups": groups.where("climbs"),
            "user_groups": users.groups,
            "port_groups": ports.groups,
            "program_groups": programs.groups,
            "parent_groups": parents.groups,
            "ancestor_groups": ancestors.groups,
            "exe_groups": exes.groups,
            "mark_groups": reduce(or_, marks),
            "directory_groups": directories.groups,
        }
        return cls(
            {
                name: CallEntry(call.action, call.kind, call.groups(groups.numbers))
                for name, call in plan.calls.items()
            },
            b"".join(_TOP.pack(name, its) for name, its in listed),
            len(listed),
            struct.pack(f"<{len(marks)}Q", *marks),
            {
                **tests,
                "tested_groups": reduce(or_, tests.values()),
                "other_programs": programs.inverted,
                "other_parents": parents.inverted,
                "other_tops": keys.other_tops,
            },
            {
                "match_path": keys.path_code,
                "match_name": keys.name_code,
                "match_user": users.code,
                "match_port": ports.code,
                "match_program": programs.code,
                "match_parent": parents.code,
                "match_ancestor": ancestors.code,
                "match_exe": exes.code,
                "match_directory": directories.code,
            },
        )
