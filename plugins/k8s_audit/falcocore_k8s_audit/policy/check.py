"""Which rules can't fire under an audit policy, and what of it stands in their way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from falcocore.toolkit import BoundField, Projectable, fields_read
from falcocore_k8s_audit.policy.cases import cases, possible
from falcocore_k8s_audit.policy.demands import Demand, requests_of
from falcocore_k8s_audit.policy.levels import ALL_STAGES, Level, Need, Stage, absent_at, level_of
from falcocore_k8s_audit.policy.policy import Policy, PolicyRule
from falcocore_k8s_audit.policy.requests import Requests, Target
from falcocore_k8s_audit.policy.resources import BUILT_IN, ApiResources, Cluster

_ONLY_BUILT_IN = Cluster(ApiResources(BUILT_IN.groups, complete=True))
_ANY = Cluster()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a policy keeps from one rule: to fire, or to show all that it wants to. One reason a line."""

    rule: str
    can_fire: bool
    reasons: tuple[str, ...]


def findings_of(
    rules: Iterable[Projectable], policy: Policy, resources: ApiResources | None = None
) -> Iterator[Finding]:
    """A finding for each rule that the policy keeps something from.

    Without a list of the cluster's resources, a resource is looked for in the groups that come with
    Kubernetes if it is in one of them.
    """
    for rule in rules:
        found = _Check(rule, policy, resources).finding()
        if found is not None:
            yield found


def never_fire(rules: Iterable[Projectable], resources: ApiResources | None = None) -> list[str]:
    """The names of the rules that no event can match, whatever the policy."""
    return [rule.name for rule in rules if not _Check(rule, Policy(()), resources).is_possible]


@dataclass(frozen=True, slots=True)
class _Way:
    """A rule of the policy that decides about requests at a stage at which a rule may fire."""

    stage: Stage
    through: PolicyRule


class _Check:
    def __init__(self, rule: Projectable, policy: Policy, resources: ApiResources | None) -> None:
        self._rule = rule
        self._policy = policy
        self._cluster = _ONLY_BUILT_IN if resources is None else Cluster(resources)

    def finding(self) -> Finding | None:
        ways = list(self._ways(level=None, stages=None))
        if ways:
            reasons = tuple(self._missing(ways))
            return Finding(self._rule.name, True, reasons) if reasons else None
        if not self.is_possible:
            return None
        return Finding(self._rule.name, False, tuple(dict.fromkeys(self._obstacles())))

    @property
    def is_possible(self) -> bool:
        """True where an event may match the rule if everything is recorded."""
        return any(self._demands(stage, Level.REQUEST_RESPONSE) for stage in Stage)

    def _obstacles(self) -> Iterator[str]:
        """What would have to be otherwise in the policy for the rule to fire."""
        if by_stage := list(self._ways(level=None, stages=ALL_STAGES)):
            yield from map(_omission, by_stage)
        elif by_level := list(self._ways(level=Level.REQUEST_RESPONSE, stages=None)):
            yield from map(self._shortage, by_level)
        elif both := list(self._ways(level=Level.REQUEST_RESPONSE, stages=ALL_STAGES)):
            for way in both:
                yield _omission(way)
                yield self._shortage(way)
        else:
            yield from self._refusals()

    def _refusals(self) -> Iterator[str]:
        nothing = [rule for rule in self._policy.rules if rule.recorded.level is Level.NONE]
        found = [
            rule
            for rule in nothing
            for stage in Stage
            for demand in self._demands(stage, Level.REQUEST_RESPONSE)
            if demand.of(rule.requests) is not None
        ]
        for rule in dict.fromkeys(found):
            yield f"{_place(rule)} records nothing of its requests"
        if not found:
            yield "no rule of the policy names its requests, so that nothing of them is recorded"

    def _shortage(self, way: _Way) -> str:
        level = way.through.recorded.level
        wanted = [f for f in fields_read(self._rule.condition, ()) if _is_missing(f, way.stage, level)]
        needed = max(level_of(f) for f in wanted) if wanted else Level.REQUEST_RESPONSE
        names = ", ".join(f.label for f in wanted)
        return f"{_place(way.through)} records level {level.word}; {needed.word} is needed for {names}"

    def _missing(self, ways: Sequence[_Way]) -> Iterator[str]:
        """What alerts can't show because of the level."""
        lacking: dict[PolicyRule, dict[str, None]] = {}
        for way in ways:
            for bound in self._rule.captures:
                if _is_missing(bound, way.stage, way.through.recorded.level):
                    lacking.setdefault(way.through, {})[bound.label] = None
        for rule, labels in lacking.items():
            yield f"{_place(rule)} records level {rule.recorded.level.word}, without {', '.join(labels)}"

    def _ways(self, *, level: Level | None, stages: frozenset[Stage] | None) -> Iterator[_Way]:
        """The ways to fire, as if all that is recorded were so at a level or at some stages."""
        for index, rule in enumerate(self._policy.rules):
            if rule.recorded.level is Level.NONE:
                continue
            earlier = self._policy.rules[:index]
            for stage in Stage:
                if stage not in (rule.recorded.stages if stages is None else stages):
                    continue
                for demand in self._demands(stage, rule.recorded.level if level is None else level):
                    common = self._common(demand, rule.requests)
                    if common is not None and not any(one.requests.covers(common) for one in earlier):
                        yield _Way(stage, rule)
                        break

    def _common(self, demand: Demand, requests: Requests) -> Requests | None:
        """The requests of a policy's rule that a demand is for; resources that there are not, are in none.

        That is, unless the demand itself names such a resource.
        """
        if self._cluster is _ONLY_BUILT_IN and requests.targets is not None:
            named = demand.requests.targets
            if named is None or any(self._is_there(target) for target in named):
                there = frozenset(target for target in requests.targets if self._is_there(target))
                return demand.of(replace(requests, targets=there)) if there else None
        return demand.of(requests)

    def _is_there(self, target: Target) -> bool:
        return target.resource is None or target.group in self._cluster.resources.groups_of(target.resource)

    def _demands(self, stage: Stage, level: Level) -> list[Demand]:
        """What the rule may match of one stage, recorded at a level."""
        found = []
        for case in cases(possible(self._rule.condition, stage, level)):
            splits = list(requests_of(case, self._cluster))
            if not splits and self._cluster is _ONLY_BUILT_IN:
                splits = list(requests_of(case, _ANY))
            found += [Demand(self._rule.name, *split, Need()) for split in splits]
        return found


def _is_missing(bound: BoundField, stage: Stage, level: Level) -> bool:
    return absent_at(bound, stage, level) and not absent_at(bound, stage, Level.REQUEST_RESPONSE)


def _omission(way: _Way) -> str:
    return f"{_place(way.through)} omits the stage {way.stage.value}"


def _place(rule: PolicyRule) -> str:
    if rule.place is None:
        return "a rule of the policy"
    line, column = rule.place.position
    return f"{rule.place.file.name}:{line}:{column}"
