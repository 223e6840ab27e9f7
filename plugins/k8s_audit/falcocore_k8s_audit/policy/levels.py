"""Audit levels and stages, and what of them a field asks for."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from falcocore.toolkit import GENERIC_FIELDS, BoundField
from falcocore_k8s_audit.pointer import parse_pointer
from falcocore_k8s_audit.request import SCALAR_PATHS

Path = tuple[str, ...]


class Level(enum.IntEnum):
    """How much of a request is recorded; each level holds what the ones before it do."""

    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3

    @property
    def word(self) -> str:
        """The level as policies and events spell it."""
        return _WORDS[self]


_WORDS: Final = ("None", "Metadata", "Request", "RequestResponse")
LEVELS: Final = dict(zip(_WORDS, Level, strict=True))
"""Levels by their words."""


class Stage(enum.StrEnum):
    """How far a request has come when an event is made of it."""

    REQUEST_RECEIVED = "RequestReceived"
    RESPONSE_STARTED = "ResponseStarted"
    RESPONSE_COMPLETE = "ResponseComplete"
    PANIC = "Panic"


ALL_STAGES: Final = frozenset(Stage)


@dataclass(frozen=True, slots=True)
class Need:
    """What has to be recorded of a request. `managed_fields`: with who set which part of an object."""

    level: Level = Level.NONE
    stages: frozenset[Stage] = frozenset()
    managed_fields: bool = False

    def __or__(self, other: Need) -> Need:
        return Need(
            max(self.level, other.level),
            self.stages | other.stages,
            self.managed_fields or other.managed_fields,
        )


NOTHING: Final = Need()

_POINTERS = frozenset({"jevt.value", "json.value"})
_TIMES = frozenset({"jevt.rawtime", "json.rawtime"})
_WHOLE = frozenset({"jevt.obj", "json.obj", "evt.plugininfo"})
_BODIES = {"requestObject": Level.REQUEST, "responseObject": Level.REQUEST_RESPONSE}
_MANAGED: tuple[Path, ...] = (
    ("metadata", "managedFields"),
    ("items", "*", "metadata", "managedFields"),
    ("rows", "*", "object", "metadata", "managedFields"),
)
"""Where managed fields stand in a body: of an object, of each in a list, of each in a table."""


def is_time(bound: BoundField) -> bool:
    """True for the event's time in nanoseconds."""
    return bound.field.name in _TIMES


def path_of(bound: BoundField) -> Path | None:
    """Where in an event the one value of a field stands; None where it is made from more than that."""
    if bound.field.name in _POINTERS:
        return parse_pointer(bound.label[len(bound.field.name) + 1 : -1])
    return SCALAR_PATHS.get(bound.field.name)


def level_of(bound: BoundField) -> Level:
    """The level from which on a field says all that it can."""
    path = path_of(bound)
    if bound.field.name in _POINTERS and path is not None:
        # The event's own level is not the same under another policy, so that rules see the highest.
        return Level.REQUEST_RESPONSE if path[0] == "level" else _BODIES.get(path[0], Level.METADATA)
    if bound.field.name in _WHOLE:
        return Level.REQUEST_RESPONSE
    if bound.field in GENERIC_FIELDS or bound.field.name.startswith("static."):
        return Level.METADATA
    # A field set of somebody else need not say what it reads; then it may read everything.
    words = [LEVELS[word] for word in bound.field.needs if word in LEVELS]
    return max(words, default=Level.REQUEST_RESPONSE)


def reads_managed_fields(bound: BoundField) -> bool:
    """True for a field that may show the managed fields of a body."""
    path = path_of(bound)
    if bound.field.name in _POINTERS and path is not None:
        return path[0] in _BODIES and any(_meet(path[1:], managed) for managed in _MANAGED)
    return level_of(bound) > Level.METADATA and not bound.field.name.startswith("ka.")


def _meet(one: Path, other: Path) -> bool:
    """True where one path leads to the other, or through it."""
    return all("*" in (a, b) or a == b for a, b in zip(one, other, strict=False))


def absent_at(bound: BoundField, stage: Stage, level: Level) -> bool:
    """True for a field that no event has that is made at this stage and level.

    When a request is received, nothing is known yet of its body and its answer.
    """
    if bound.field in GENERIC_FIELDS or bound.field.name in _WHOLE:
        return False
    path = path_of(bound)
    if path is not None:
        body = _BODIES.get(path[0])
        if stage is Stage.REQUEST_RECEIVED and (body is not None or path[0] == "responseStatus"):
            return True
        return body is not None and level < body
    needed = [LEVELS[word] for word in bound.field.needs if word in LEVELS]
    if not bound.field.name.startswith("ka.") or not needed:
        return False
    return max(needed) > (Level.METADATA if stage is Stage.REQUEST_RECEIVED else level)
