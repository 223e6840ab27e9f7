"""What is known of a check on the events of one system call: by its type, and by the class of the call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from falcocore.toolkit import BoundCheck, BoundField, evaluate_check
from falcocore_syscall.live.pushdown.classes import (
    EVERY,
    OPEN_VERDICT,
    Parts,
    Verdict,
    constants,
    decided,
    known_parts,
)
from falcocore_syscall.tables import EVENTS, GENERIC, NATIVE_NAMES, SYSCALL_NAMES, EventFlag

GENERIC_EXIT = 1
_MEMBERSHIP = frozenset({"in", "intersects"})
"""Nothing is in an empty list."""
EVENT_NAMES_OF_CALLS: Mapping[str, str] = {
    "pread64": "pread",
    "pwrite64": "pwrite",
    "prlimit64": "prlimit",
    "_llseek": "llseek",
}
"""Names of events, where they differ from those of the kernel's calls."""
UNKNOWN_CALL = SYSCALL_NAMES[0]
"""What events of calls are named of which the table knows no name."""
CALLS = (UNKNOWN_CALL, *dict.fromkeys(NATIVE_NAMES.values()))
"""All system calls by the kernel's names, those of a newer kernel as one."""
_TYPES = {
    info.name: number
    for number, info in enumerate(EVENTS)
    if number % 2 and info.source == "syscall" and not info.flags & {EventFlag.OLD_VERSION, EventFlag.UNUSED}
}


class _NotKnownError(Exception):
    """A getter has looked at more than the type of the event."""


class _Typed:
    """An event of which the type is all that is known, and, as far as it is asked for, the name."""

    __slots__ = ("name_was_read", "own_name", "type")

    def __init__(self, kind: int, name: str) -> None:
        self.type = kind
        self.own_name = name
        self.name_was_read = False

    @property
    def name(self) -> str:
        self.name_was_read = True
        return self.own_name

    @property
    def result(self) -> None:
        if self.type not in GENERIC:
            raise _NotKnownError

    def __getattr__(self, _name: str) -> Any:
        raise _NotKnownError


_UNKNOWN: Final = object()


class Checks:
    """The checks of a rule set, each once, and what is known of them by call.

    The same macro makes many checks that say the same; `number` is what they share.
    """

    def __init__(self, checks: Iterable[BoundCheck]) -> None:
        self._numbers: dict[int, int] = {}
        self._distinct: list[BoundCheck] = []
        found: dict[Any, int] = {}
        for check in checks:
            number = found.setdefault(_identity(check), len(self._distinct))
            if number == len(self._distinct):
                self._distinct.append(check)
            self._numbers[id(check)] = number
        self._verdicts: dict[tuple[int, int], Verdict] = {}
        self._parts: dict[str, Mapping[str, Parts]] = {}
        self._by_name = frozenset(
            number for number, check in enumerate(self._distinct) if _reads_name(check.left)
        )

    def number(self, check: BoundCheck) -> int:
        """The number of what a check says."""
        return self._numbers[id(check)]

    def reads_name(self, check: BoundCheck) -> bool:
        """True for a check that calls of one type may differ in, because of their names."""
        return self.number(check) in self._by_name

    def of_call(self, call: str) -> CallChecks:
        """What is known of the checks on the events of a call."""
        name = EVENT_NAMES_OF_CALLS.get(call, call)
        kind = _TYPES.get(name, GENERIC_EXIT)
        shared = call if kind != GENERIC_EXIT else ""
        parts = self._parts.get(shared)
        if parts is None:
            parts = self._parts[shared] = known_parts(shared, has_result=bool(shared))
        return CallChecks(self, kind, name, parts, self._distinct)

    def by_class(self, number: int, parts: Parts) -> Verdict:
        """What classes say of a check; `parts` live as long as this."""
        key = number, id(parts)
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = self._verdicts[key] = decided(self._distinct[number], parts)
        return verdict


class CallChecks:
    """What is known of each check on the events of one call."""

    def __init__(
        self, checks: Checks, kind: int, name: str, parts: Mapping[str, Parts], distinct: Sequence[BoundCheck]
    ) -> None:
        self.kind = kind
        self._checks = checks
        self._name = name
        self._parts = parts
        self._distinct = distinct
        self._values: dict[str, Any] = {}
        self._verdicts: dict[int, Verdict] = {}

    def decide(self, check: BoundCheck) -> Verdict:
        """The classes in which a check holds for every event of the call, and those in which for none."""
        number = self._checks.number(check)
        verdict = self._verdicts.get(number)
        if verdict is None:
            verdict = self._verdicts[number] = self._decided(number)
        return verdict

    def _decided(self, number: int) -> Verdict:
        check = self._distinct[number]
        left = check.left
        if check.operator.name in _MEMBERSHIP and not check.compares_operand and not list(constants(check)):
            return Verdict(fails=EVERY)
        if not isinstance(left, BoundField) or check.compares_operand:
            return OPEN_VERDICT
        parts = self._parts.get(left.label)
        if parts is not None:
            return self._checks.by_class(number, parts)
        value = self._value(left)
        if value is _UNKNOWN:
            return OPEN_VERDICT
        holds = evaluate_check(check, lambda _bound: value)
        return Verdict(holds=EVERY) if holds else Verdict(fails=EVERY)

    def _value(self, bound: BoundField) -> Any:
        if bound.label not in self._values:
            self._values[bound.label] = value_by_type(bound, self.kind, self._name)
        return self._values[bound.label]


def value_by_type(bound: BoundField, kind: int, name: str) -> Any:
    """The value of a field that is the same for all events of a type and name, else `_UNKNOWN`."""
    return _UNKNOWN if bound.field.of_stream else _read(bound, _Typed(kind, name))


def _read(bound: BoundField, event: _Typed) -> Any:
    try:
        return bound.getter(event)
    except _NotKnownError:
        return _UNKNOWN


def _reads_name(operand: object) -> bool:
    """True for a field whose value depends on the name of a generic event."""
    if not isinstance(operand, BoundField) or operand.field.of_stream:
        return False
    event = _Typed(GENERIC_EXIT, UNKNOWN_CALL)
    _read(operand, event)
    return event.name_was_read


def _identity(check: BoundCheck) -> Any:
    left, right = check.left, check.right
    if not isinstance(left, BoundField) or check.compares_operand:
        return id(check)
    try:
        hash(right)
    except TypeError:
        right = id(right)
    return left.label, check.operator.name, check.modifier, type(right), right
