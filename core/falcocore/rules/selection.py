"""Which rules run: their own `enabled`, the configuration's `rules:`, and the least severe priority."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from falcocore.rules.collection import RuleDefinition
from falcocore.types import Priority


@dataclass(frozen=True, slots=True)
class Selection:
    """One entry of `rules:`. `rule` may hold `*`; `tag` is exact; both given, both have to fit."""

    enable: bool
    rule: str | None = None
    tag: str | None = None

    def fits(self, rule: RuleDefinition) -> bool:
        """True where the entry speaks of the rule."""
        if self.rule is not None and not fits_pattern(rule.name, self.rule):
            return False
        return self.tag is None or self.tag in rule.tags

    def __str__(self) -> str:
        parts = [
            f"{key}: {value}" for key, value in (("rule", self.rule), ("tag", self.tag)) if value is not None
        ]
        return f"{'enable' if self.enable else 'disable'} {{{', '.join(parts)}}}"


def fits_pattern(name: str, pattern: str) -> bool:
    """True where the whole name fits a pattern in which `*` stands for any text."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    at = len(first)
    for part in middle:
        # The leftmost place leaves the most for the parts behind it.
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return name.startswith(first) and name.endswith(last) and at + len(last) <= len(name)


def reason_not_to_run(rule: RuleDefinition, selections: Sequence[Selection], least: Priority) -> str | None:
    """Why a rule does not run; None where it does. The last entry that speaks of a rule decides."""
    if rule.priority > least:
        return f"its priority {rule.priority.label} is less severe than `priority: {least.label.lower()}`"
    enabled, reason = rule.enabled, "its rule file says `enabled: false`"
    for selection in selections:
        if selection.fits(rule):
            enabled, reason = selection.enable, f"the configuration's `rules` say {selection}"
    return None if enabled else reason


def without_effect(selections: Iterable[Selection], rules: Sequence[RuleDefinition]) -> list[Selection]:
    """Entries that speak of no rule, most likely misspelt."""
    return [selection for selection in selections if not any(selection.fits(rule) for rule in rules)]
