"""Rules that never alert, because an earlier one takes all that they match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.lang.implication import Claim, Every, claim, implies, labels
from falcocore.rules.loader import LoadedRule


@dataclass(frozen=True, slots=True)
class _Candidate:
    loaded: LoadedRule
    condition: Claim
    fields: frozenset[str]
    parts: tuple[frozenset[str], ...]
    """The fields of each part that has to hold."""

    def may_cover(self, later: _Candidate) -> bool:
        """False where a part has to hold of which the other condition says nothing."""
        return all(fields & later.fields for fields in self.parts)


def shadowed_rules(rules: Iterable[LoadedRule]) -> Iterator[Diagnostic]:
    """A warning for each rule that can be shown to be covered by an earlier one of its source.

    That holds where only the first rule that matches an event alerts; rules that don't run cover nothing.
    """
    earlier: dict[str, list[_Candidate]] = {}
    for loaded in rules:
        if loaded.rule is None or loaded.reason is not None:
            continue
        candidate = _candidate(loaded, claim(loaded.rule.condition))
        before = earlier.setdefault(loaded.rule.source, [])
        for other in before:
            if other.may_cover(candidate) and implies(candidate.condition, other.condition):
                yield _warning(loaded, other.loaded)
                break
        else:
            # What a covered rule would cover is covered by the same.
            before.append(candidate)


def _candidate(loaded: LoadedRule, condition: Claim) -> _Candidate:
    parts = condition.parts if isinstance(condition, Every) else (condition,)
    return _Candidate(loaded, condition, labels(condition), tuple(map(labels, parts)))


def _warning(covered: LoadedRule, by: LoadedRule) -> Diagnostic:
    name, other = covered.definition.name, by.definition.name
    message = f"rule `{name}` never alerts: whatever it matches, rule `{other}` matches before it"
    hint = f"move it before `{other}`, narrow that rule, or set `rule_matching: all`"
    related = (("the earlier rule", by.definition.span),)
    return Diagnostic(
        Code.WARN_SHADOWED_RULE, message, covered.definition.span, f'rule "{name}"', hint, related
    )
