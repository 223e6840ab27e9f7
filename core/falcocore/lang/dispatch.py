"""Which fields a rule set dispatches on, and what the value of one says about the checks on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from falcocore.lang.bound import BoundCheck, BoundField, BoundNode, checks
from falcocore.lang.evaluate import evaluate_check
from falcocore.lang.partial import reduced
from falcocore.types import Kind

MOST_FIELDS = 4
"""Fields of a key; each costs a look-up for every event."""
MOST_VALUES = 1000
"""Constants that rules may compare a field with for it to be in the key."""

_KINDS = frozenset({Kind.STRING, Kind.UNSIGNED, Kind.SIGNED, Kind.PORT, Kind.BOOL})
"""Types whose equality is that of Python; an address also equals the networks that hold it."""
_SHARE = 0.2
"""Part of the conditions that a field has to rule out: it is extracted for every event."""
_CANDIDATES = 8
"""Fields that are looked at more closely, those that most conditions compare."""
_EQUALITY = frozenset({"=", "!=", "in", "intersects"})
_TOLD_BY_OTHER = _EQUALITY | {"exists"}


class Unmentioned:
    """Stands in a key for every value that no rule compares with; it equals itself only."""

    def __repr__(self) -> str:
        return "a value that no rule mentions"


OTHER = Unmentioned()

Key = tuple[Any, ...]
"""For each field of the dispatch its value, None where it is absent, or OTHER."""


@dataclass(frozen=True, slots=True)
class KeyField:
    """A field to dispatch on, and the values that rules compare it with."""

    bound: BoundField
    mentioned: frozenset[Any]


def key_fields(conditions: Sequence[BoundNode], least_rules: int) -> tuple[KeyField, ...]:
    """The fields that rule out the most conditions, each at least `least_rules`.

    What counts is how many conditions can't hold for a value that none of them mentions: most values are
    such, and a field that is compared often may rule out nothing (as in `not never_true`).
    """
    uses: Counter[str] = Counter()
    values: dict[str, set[Any]] = {}
    fields: dict[str, BoundField] = {}
    for condition in conditions:
        named: dict[str, BoundField] = {}
        for check in checks(condition):
            field = _compared_field(check)
            if field is not None:
                named[field.label] = field
                values.setdefault(field.label, set()).update(_constants(check))
        fields |= named
        uses.update(named.keys())
    least = max(least_rules, len(conditions) * _SHARE)
    candidates = [
        KeyField(fields[label], frozenset(values[label]))
        for label, count in uses.most_common(_CANDIDATES)
        if count >= least and len(values[label]) <= MOST_VALUES
    ]
    ranked = [(_ruled_out(conditions, field), field) for field in candidates]
    ranked.sort(key=lambda entry: -entry[0])
    return tuple(field for count, field in ranked if count >= least)[:MOST_FIELDS]


def _ruled_out(conditions: Sequence[BoundNode], field: KeyField) -> int:
    """The conditions that can't hold where the field has a value that none of them mentions."""
    decide = Knowledge((field,), (OTHER,)).decide
    return sum(reduced(condition, decide) is False for condition in conditions)


def _compared_field(check: BoundCheck) -> BoundField | None:
    """The plain field that a check compares with constants for equality."""
    left = check.left
    if (
        check.operator.name in _EQUALITY
        and isinstance(left, BoundField)
        and left.type.kind in _KINDS
        and not (left.is_list or left.field.several or left.field.of_stream or check.compares_operand)
    ):
        return left
    return None


def _constants(check: BoundCheck) -> Iterable[Any]:
    if check.modifier is None and not check.operator.takes_list:
        return (check.right,)
    constants: Iterable[Any] = check.right
    return constants


class Knowledge:
    """What a key says about checks."""

    def __init__(self, fields: Sequence[KeyField], key: Key) -> None:
        self._values = {field.bound.label: value for field, value in zip(fields, key, strict=True)}

    def decide(self, check: BoundCheck) -> bool | None:
        """The outcome of a check; None where the key does not tell."""
        left = check.left
        if not isinstance(left, BoundField) or left.label not in self._values or check.compares_operand:
            return None
        value = self._values[left.label]
        if value is OTHER and check.operator.name not in _TOLD_BY_OTHER:
            return None
        # OTHER is there, and equals no constant: what holds for it holds for every value it stands for.
        return evaluate_check(check, lambda _bound: value)
