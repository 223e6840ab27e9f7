"""What tests cover: rules that alerted, and for each check whether it was ever true, and ever false."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import UNSET

from falcocore.explain import EventExplanation, Fate, WatchedRule
from falcocore.lang.printer import print_condition
from falcocore.lang.text import Place
from falcocore.lang.trace import Part
from falcocore.ruletest.model import Exemption

Identity = tuple[str, str, tuple[str, ...]]
"""Source and name of a rule, and its checks: the same for two loads of one file."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What no test covers: a rule that never alerted, or an outcome that a check of it never had."""

    rule: str
    check: str | None = None
    outcome: bool | None = None
    place: Place | None = None

    @property
    def what(self) -> str:
        """What never was."""
        return "never alerted" if self.check is None else f"never {str(self.outcome).lower()}"


@dataclass(slots=True)
class _Covered:
    checks: tuple[Part, ...]
    alerted: bool = False
    outcomes: list[set[bool]] = field(default_factory=list)


@dataclass(slots=True)
class Coverage:
    """Collects what events came to."""

    exemptions: list[Exemption] = field(default_factory=list)
    _rules: dict[Identity, _Covered] = field(default_factory=dict)
    _known: dict[WatchedRule, Identity] = field(default_factory=dict)

    def expect(self, rules: Iterable[WatchedRule]) -> None:
        """Rules that tests should cover, whatever becomes of them."""
        for watched in rules:
            self._covered(watched)

    def add(self, event: EventExplanation) -> None:
        """One more event."""
        for one in event.rules:
            covered = self._covered(one.watched)
            covered.alerted = covered.alerted or one.fate is Fate.ALERTS
            for seen, step in zip(covered.outcomes, one.condition.checks(), strict=True):
                if step.outcome is not None:
                    seen.add(step.outcome)

    def _covered(self, watched: WatchedRule) -> _Covered:
        identity = self._known.get(watched)
        if identity is None:
            checks = tuple(watched.condition.checks())
            texts = tuple(print_condition(part.node) for part in checks)
            identity = self._known[watched] = (watched.rule.source, watched.rule.name, texts)
            self._rules.setdefault(identity, _Covered(checks, outcomes=[set() for _ in checks]))
        return self._rules[identity]

    @property
    def wanted(self) -> int:
        """How much there is to cover: each rule's alert, and both outcomes of each of its checks."""
        return sum(1 + 2 * len(covered.checks) for covered in self._rules.values())

    def gaps(self) -> Iterator[Gap]:
        """What is not covered, in order of the rules."""
        for (_, name, texts), covered in self._rules.items():
            if not covered.alerted:
                yield Gap(name)
            for text, part, seen in zip(texts, covered.checks, covered.outcomes, strict=True):
                for outcome in (True, False):
                    if outcome not in seen:
                        yield Gap(name, text, outcome, part.node.place)

    def report(self) -> Report:
        """The gaps, apart from those that are right."""
        gaps = list(self.gaps())
        reasons = [(gap, next((e for e in self.exemptions if _speaks_of(e, gap)), None)) for gap in gaps]
        used = {id(exemption) for _, exemption in reasons if exemption is not None}
        return Report(
            wanted=self.wanted,
            missing=tuple(gap for gap, exemption in reasons if exemption is None),
            exempt=tuple((gap, exemption.reason) for gap, exemption in reasons if exemption is not None),
            idle=tuple(exemption for exemption in self.exemptions if id(exemption) not in used),
            rules=len(self._rules),
            alerted=sum(covered.alerted for covered in self._rules.values()),
        )


@dataclass(frozen=True, slots=True)
class Report:
    """The coverage of all tests. `idle` are exemptions of something that is covered, or not there."""

    wanted: int
    missing: Sequence[Gap]
    exempt: Sequence[tuple[Gap, str]]
    idle: Sequence[Exemption]
    rules: int
    alerted: int

    @property
    def percent(self) -> float:
        """The covered part of what there is to cover, 100 where there is nothing."""
        wanted = self.wanted - len(self.exempt)
        return 100 * (wanted - len(self.missing)) / wanted if wanted else 100.0


def _speaks_of(exemption: Exemption, gap: Gap) -> bool:
    return (
        (exemption.rule is UNSET or exemption.rule == gap.rule)
        and (exemption.check is UNSET or exemption.check == gap.check)
        and (exemption.outcome is UNSET or exemption.outcome is gap.outcome)
        and (exemption.rule is not UNSET or exemption.check is not UNSET)
    )
