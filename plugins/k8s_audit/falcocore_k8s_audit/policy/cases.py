"""A condition as cases: for each what it says about the parts of a request that a policy can test."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from falcocore.toolkit import (
    BoundAnd,
    BoundCheck,
    BoundField,
    BoundNode,
    BoundNot,
    BoundOr,
    evaluate_check,
    reduced,
    weakened,
)
from falcocore_k8s_audit.policy.levels import Level, Stage, absent_at, is_time, path_of


class Part(enum.Enum):
    """A part of a request that a policy can test, by its place in an event."""

    VERB = ("verb",)
    USER = ("user", "username")
    URI = ("requestURI",)
    GROUP = ("objectRef", "apiGroup")
    RESOURCE = ("objectRef", "resource")
    SUBRESOURCE = ("objectRef", "subresource")
    NAMESPACE = ("objectRef", "namespace")
    NAME = ("objectRef", "name")
    USER_GROUPS = "ka.user.groups"
    """The one with many values; it has no single place."""


_PARTS = {part.value: part for part in Part}
OF_OBJECT: Final = (Part.GROUP, Part.RESOURCE, Part.SUBRESOURCE, Part.NAMESPACE, Part.NAME)
"""What only requests for resources have."""

_STAGE = ("stage",)
_EQUALITY = frozenset({"=", "in", "intersects"})
_COMPARISON = _EQUALITY | {"!="}

USERS_OF_KUBERNETES: Final = (
    "system:apiserver",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
    *(
        f"system:serviceaccount:kube-system:{name}"
        for name in (
            "coredns",
            "cronjob-controller",
            "daemon-set-controller",
            "deployment-controller",
            "endpoint-controller",
            "endpointslice-controller",
            "endpointslicemirroring-controller",
            "generic-garbage-collector",
            "horizontal-pod-autoscaler",
            "job-controller",
            "kube-proxy",
            "namespace-controller",
            "node-controller",
            "persistent-volume-binder",
            "pod-garbage-collector",
            "replicaset-controller",
            "replication-controller",
            "resourcequota-controller",
            "root-ca-cert-publisher",
            "service-account-controller",
            "statefulset-controller",
        )
    ),
)
"""Users that ask for much in every cluster: no policy says "begins with system:", but one can name these."""

MOST_CASES = 200
"""Cases of one condition; what would make more of them is left out, which lets more events pass."""


def part_of(bound: BoundField) -> Part | None:
    """The part of a request that a field is."""
    if bound.field.name == Part.USER_GROUPS.value:
        return Part.USER_GROUPS
    path = path_of(bound)
    return None if path is None else _PARTS.get(path)


def possible(condition: BoundNode, stage: Stage, level: Level) -> BoundNode | bool:
    """What is left of a condition for the events of one stage, recorded at a level."""

    def decide(check: BoundCheck) -> bool | None:
        left = check.left
        if not isinstance(left, BoundField) or check.compares_operand:
            return None
        if path_of(left) == _STAGE:
            return evaluate_check(check, lambda _bound: stage.value)
        if absent_at(left, stage, level):
            return False
        if is_time(left):
            return _of_time(check)
        return None

    return reduced(condition, decide)


def _of_time(check: BoundCheck) -> bool | None:
    """Every event has a time, and none of 1970: macros that always or never hold are written so."""
    if check.operator.name == "exists":
        return True
    return False if check.operator.name == "=" and check.right == "0" else None


@dataclass(frozen=True, slots=True)
class Literal:
    """A check of a part of a request that has to hold, or must not."""

    part: Part
    check: BoundCheck
    holds: bool

    def allows(self, value: str) -> bool:
        """True where it lets the part have the value."""
        return evaluate_check(self.check, lambda _bound: value) is self.holds

    @property
    def allows_absence(self) -> bool:
        """True where the part may be missing: a check on what is absent is false."""
        return not self.holds

    @property
    def constants(self) -> frozenset[str]:
        """The texts that it compares with for equality."""
        check = self.check
        if check.operator.name not in _COMPARISON:
            return frozenset()
        return frozenset((check.right,) if isinstance(check.right, str) else check.right)

    @property
    def is_prefix(self) -> bool:
        """True where it asks how the value begins."""
        return self.check.operator.name == "startswith" and self.check.modifier is None

    @property
    def values(self) -> frozenset[str] | None:
        """All values that it allows, where these can be listed."""
        if not self.holds or self.check.operator.name not in _EQUALITY:
            return None
        return frozenset(value for value in self.constants if self.allows(value))


@dataclass(frozen=True, slots=True)
class Known:
    """What a case says about one part: `values` where they can be listed, and some that it excludes."""

    values: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    may_be_absent: bool = True
    may_be_present: bool = True
    prefixes: tuple[str, ...] = ()
    """Texts that the value begins with."""
    refused_prefixes: tuple[str, ...] = ()
    """Texts that the value does not begin with."""

    @property
    def is_possible(self) -> bool:
        """False where no request can be such."""
        present = self.may_be_present and (self.values is None or bool(self.values))
        return present or self.may_be_absent

    def excludes_prefix(self, prefix: str) -> bool:
        """True where no value that begins so is possible."""
        return any(map(prefix.startswith, self.refused_prefixes)) or not all(
            prefix.startswith(one) or one.startswith(prefix) for one in self.prefixes
        )


ANYTHING: Final = Known()


@dataclass(frozen=True, slots=True)
class Case:
    """One way to fulfil a condition, as far as a policy can tell."""

    known: Mapping[Part, Known]

    def __getitem__(self, part: Part) -> Known:
        return self.known.get(part, ANYTHING)


def cases(condition: BoundNode | bool) -> Iterator[Case]:
    """The cases of a condition. Every event that it holds for is of one of them."""
    projected = condition if isinstance(condition, bool) else weakened(condition, _testable)
    if projected is False:
        return
    for literals in _alternatives(projected, holds=True):
        case = _case(literals)
        if case is not None:
            yield case


def _testable(check: BoundCheck) -> bool:
    left = check.left
    return isinstance(left, BoundField) and not check.compares_operand and part_of(left) is not None


def _alternatives(node: BoundNode | bool, *, holds: bool) -> list[tuple[Literal, ...]]:
    """The disjunctive normal form of a condition, or of its negation."""
    match node:
        case bool():
            return [()] if node is holds else []
        case BoundCheck(left):
            part = part_of(left) if isinstance(left, BoundField) else None
            return [()] if part is None else [(Literal(part, node, holds),)]
        case BoundNot(child):
            return _alternatives(child, holds=not holds)
        case BoundAnd(children) | BoundOr(children):
            parts = [_alternatives(child, holds=holds) for child in children]
            if isinstance(node, BoundOr) is holds:
                either = [literals for part in parts for literals in part]
                return either if len(either) <= MOST_CASES else [()]
            return _product(sorted(parts, key=len))


def _product(parts: Iterable[Sequence[tuple[Literal, ...]]]) -> list[tuple[Literal, ...]]:
    found: list[tuple[Literal, ...]] = [()]
    for part in parts:
        if len(found) * len(part) <= MOST_CASES:
            found = [(*left, *right) for left in found for right in part]
    return found


def _case(literals: Iterable[Literal]) -> Case | None:
    by_part: dict[Part, list[Literal]] = defaultdict(list)
    for literal in literals:
        by_part[literal.part].append(literal)
    known = {
        part: _known_groups(of) if part is Part.USER_GROUPS else _known(part, of)
        for part, of in by_part.items()
    }
    return Case(MappingProxyType(known)) if all(one.is_possible for one in known.values()) else None


def _known(part: Part, literals: Sequence[Literal]) -> Known:
    listed = [values for literal in literals if (values := literal.values) is not None]
    values = None
    if listed:
        common = frozenset.intersection(*listed)
        values = frozenset(v for v in common if all(literal.allows(v) for literal in literals))
    # An empty text is what a policy sees where a part is missing, which is not what a rule excludes.
    candidates = frozenset().union(*(literal.constants for literal in literals)) - {""}
    if part is Part.USER:
        candidates = candidates.union(USERS_OF_KUBERNETES)
    return Known(
        values,
        frozenset(v for v in candidates if not all(literal.allows(v) for literal in literals)),
        may_be_absent=all(literal.allows_absence for literal in literals),
        may_be_present=all(literal.holds or literal.check.operator.name != "exists" for literal in literals),
        prefixes=tuple(one.check.right for one in literals if one.is_prefix and one.holds),
        refused_prefixes=tuple(one.check.right for one in literals if one.is_prefix and not one.holds),
    )


def _known_groups(literals: Sequence[Literal]) -> Known:
    """Of a user's groups: one of `values` is among them, none of `excluded` is."""
    required = [literal.constants for literal in literals if literal.holds and literal.constants]
    refused = [
        literal.constants
        for literal in literals
        if not literal.holds and literal.check.operator.name == "intersects"
    ]
    return Known(
        min(required, key=len, default=None),
        frozenset().union(*refused),
        may_be_absent=all(literal.allows_absence for literal in literals),
    )
