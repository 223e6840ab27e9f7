"""Which events a set of rules needs: by type, by system call, and by what is known of opened files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from falcocore_syscall.event import Event
from falcocore_syscall.scap.columns import Array, by_type
from falcocore_syscall.tables import EVENTS, GENERIC, METADATA_TYPES, SYSCALL_NAMES

if TYPE_CHECKING:
    from falcocore.toolkit import RuleSet

PATHLESS_FIELDS = frozenset(
    {"evt.type", "evt.dir", "evt.res", "evt.rawres", "evt.failed", "evt.is_open_read", "evt.is_open_write"}
    | {"fd.num", "fd.type", "fd.typechar"}
)
"""What is known of an opened file by its type, result and flags alone, wherever it is."""
SCREENED_FIELDS = PATHLESS_FIELDS | {"fd.name", "fd.nameraw", "fd.directory", "fd.filename"}
"""What is known of it with its path, if that is absolute."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Which events rules can match: by type; the generic type by system call; opened files by path.

    `may_match_anywhere` judges an opened file without its path, where the directory is not known.
    """

    types: Array
    calls: Array
    may_match: Callable[[Event], bool]
    may_match_anywhere: Callable[[Event], bool]

    @classmethod
    def of(cls, rules: RuleSet) -> Needs:
        """What a set of rules needs."""
        if any(label.startswith("evt.deltatime") for label in rules.reads()):
            return cls.everything()  # The time since the event before: none may be left out.
        possible = _possible_names(rules)
        types = {
            number for number, event in enumerate(EVENTS) if number not in GENERIC and possible[event.name]
        }
        if rules.can_match({}):
            types |= METADATA_TYPES
        calls = np.array([possible[name] for name in SYSCALL_NAMES], dtype=bool)
        calls[0] = calls.any()  # A number that is not known may get its name from the kernel's own.
        types |= GENERIC if calls.any() else set()
        return cls(by_type(types), calls, rules.screen(SCREENED_FIELDS), rules.screen(PATHLESS_FIELDS))

    @classmethod
    def everything(cls) -> Needs:
        """For rules of which nothing is known."""
        every = np.ones(len(SYSCALL_NAMES), dtype=bool)
        return cls(by_type(range(len(EVENTS))), every, lambda _event: True, lambda _event: True)


def _possible_names(rules: RuleSet) -> dict[str, bool]:
    """Whether a rule can match events of each name, whatever else they are."""
    may_match = rules.screen({"evt.type"})
    event = Event(2, 0, 0, 0, 0, b"", 0, 0)
    possible = {}
    for name in {event.name for event in EVENTS}.union(SYSCALL_NAMES):
        event.name = name
        possible[name] = may_match(event)
    return possible
