"""Which fields a rule set dispatches on, and what the value of one says about the checks on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
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
_PREFIX = "startswith"
_MOST_LENGTHS = 16
"""Different lengths of prefixes; each costs a look-up for a value that is not mentioned."""
_TOLD_BY_OTHER = _EQUALITY | {"exists"}


@dataclass(frozen=True, slots=True)
class Unmentioned:
    """Stands in a key for every value that no rule compares with.

    Where prefixes are looked at, for those whose longest prefix that a rule mentions is `prefix`; None where
    no rule mentions one.
    """

    prefix: str | None = None

    def __repr__(self) -> str:
        return "a value that no rule mentions"


OTHER = Unmentioned()

Key = tuple[Any, ...]
"""For each field of the dispatch its value, None where it is absent, or what stands for it."""


@dataclass(frozen=True, slots=True)
class KeyField:
    """A field to dispatch on, and the values and prefixes that rules compare it with."""

    bound: BoundField
    mentioned: frozenset[Any]
    prefixes: frozenset[str] = frozenset()

    def classifier(self) -> Callable[[Any, Unmentioned], Any]:
        """The function from a value of the field, and OTHER, to what stands for the value in a key."""
        # A value that rules mention stands for itself, and so does absence.
        known = {None: None, **{value: value for value in self.mentioned}}
        if not self.prefixes:
            return known.get
        others = {prefix: Unmentioned(prefix) for prefix in self.prefixes}
        lengths = sorted({len(prefix) for prefix in self.prefixes}, reverse=True)

        def classify(value: Any, other: Unmentioned) -> Any:
            found = known.get(value, other)
            if found is other:
                for length in lengths:
                    longest = others.get(value[:length])
                    if longest is not None:
                        return longest
            return found

        return classify


def key_fields(
    conditions: Sequence[BoundNode], least_rules: int, *, prefixes: bool = False
) -> tuple[KeyField, ...]:
    """The fields that rule out the most conditions, each at least `least_rules`.

    What counts is how many conditions can't hold for a value that none of them mentions: most values are
    such, and a field that is compared often may rule out nothing (as in `not never_true`). With `prefixes`,
    also a field that is compared by `startswith` may be one; to find its place in a key costs more.
    """
    uses: dict[str, list[BoundNode]] = {}
    found: dict[str, _Constants] = {}
    for condition in conditions:
        for check in checks(condition):
            field = _compared_field(check, prefixes=prefixes)
            if field is None:
                continue
            found.setdefault(field.label, _Constants(field)).add(check)
            used = uses.setdefault(field.label, [])
            if not used or used[-1] is not condition:
                used.append(condition)
    least = max(least_rules, len(conditions) * _SHARE)
    candidates = [
        found[label].key_field()
        for label in sorted(uses, key=lambda label: -len(uses[label]))[:_CANDIDATES]
        if len(uses[label]) >= least and found[label].are_few
    ]
    ranked = [(_ruled_out(uses[field.bound.label], field), field) for field in candidates]
    ranked.sort(key=lambda entry: -entry[0])
    return tuple(field for count, field in ranked if count >= least)[:MOST_FIELDS]


@dataclass(slots=True)
class _Constants:
    """What rules compare one field with."""

    field: BoundField
    values: set[Any] = dataclasses.field(default_factory=set)
    prefixes: set[str] = dataclasses.field(default_factory=set)

    def add(self, check: BoundCheck) -> None:
        (self.prefixes if check.operator.name == _PREFIX else self.values).update(_constants(check))

    @property
    def are_few(self) -> bool:
        lengths = {len(prefix) for prefix in self.prefixes}
        return len(self.values) + len(self.prefixes) <= MOST_VALUES and len(lengths) <= _MOST_LENGTHS

    def key_field(self) -> KeyField:
        return KeyField(self.field, frozenset(self.values), frozenset(self.prefixes))


def _ruled_out(conditions: Sequence[BoundNode], field: KeyField) -> int:
    """The conditions that can't hold where the field has a value that none of them mentions."""
    decide = Knowledge((field,), (OTHER,)).decide
    return sum(reduced(condition, decide) is False for condition in conditions)


def _compared_field(check: BoundCheck, *, prefixes: bool) -> BoundField | None:
    """The plain field that a check compares with constants, for equality or a prefix."""
    left = check.left
    name = check.operator.name
    if (
        (name in _EQUALITY or (prefixes and name == _PREFIX and check.modifier is None))
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
        self._prefixes = {field.bound.label: field.prefixes for field in fields}

    def decide(self, check: BoundCheck) -> bool | None:
        """The outcome of a check; None where the key does not tell."""
        left = check.left
        if not isinstance(left, BoundField) or left.label not in self._values or check.compares_operand:
            return None
        value = self._values[left.label]
        if isinstance(value, Unmentioned) and check.operator.name not in _TOLD_BY_OTHER:
            return self._has_prefix(check, left.label, value.prefix)
        # It is there, and equals no constant: what holds for it holds for every value it stands for.
        return evaluate_check(check, lambda _bound: value)

    def _has_prefix(self, check: BoundCheck, label: str, longest: str | None) -> bool | None:
        """Whether values begin with the check's constant, which is one of the mentioned prefixes."""
        if (
            check.operator.name != _PREFIX
            or check.modifier is not None
            or check.right not in self._prefixes[label]
        ):
            return None
        return longest is not None and longest.startswith(check.right)
