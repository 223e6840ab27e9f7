"""A plan as the bytes of the kernel's tables."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from falcocore_syscall.live.pushdown.classes import Kind
from falcocore_syscall.live.pushdown.keys import LONGEST_TOP
from falcocore_syscall.live.pushdown.plan import Action, Plan

_TOP = struct.Struct(f"<{LONGEST_TOP + 1}sQ")


class CallEntry(NamedTuple):
    """What the entry of a call in the table `calls` says beside the arguments that are captured."""

    action: Action
    kind: Kind
    classes: int
    certain: int


@dataclass(frozen=True, slots=True)
class PushDownTables:
    """What the loader puts into the kernel program for a plan.

    `calls` has the entries by the kernel's names; that of `unknown` is for every number without a name.
    `tops` are `tops_count` entries `{char name[16]; u64 classes}`, `other_tops` the classes of those that
    are not listed. `path_classes`, `name_classes` and `climbing_classes` are those in which a path, its last
    component, and the text that the caller gave have to be looked at. `places_matter` tells whether it makes
    a difference what is a container. The two codes take the places of `match_path` and `match_name`.
    """

    calls: Mapping[str, CallEntry]
    tops: bytes
    tops_count: int
    other_tops: int
    path_classes: int
    name_classes: int
    climbing_classes: int
    places_matter: bool
    path_code: bytes
    name_code: bytes

    @classmethod
    def of(cls, plan: Plan) -> PushDownTables:
        """The tables of a plan."""
        keys = plan.keys
        listed = [(name, classes) for name, classes in keys.tops.items() if name]
        return cls(
            {
                name: CallEntry(call.action, call.kind, call.classes, call.certain)
                for name, call in plan.calls.items()
            },
            b"".join(_TOP.pack(name, classes) for name, classes in listed),
            len(listed),
            keys.other_tops,
            keys.path_classes,
            keys.name_classes,
            keys.climbing_classes,
            plan.depends_on_containers,
            keys.path_code,
            keys.name_code,
        )
