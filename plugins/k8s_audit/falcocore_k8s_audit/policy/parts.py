"""What a check says about the part of a request that it is about, as far as a policy can test that."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from falcocore.toolkit import BoundCheck, BoundField, evaluate_check
from falcocore_k8s_audit.policy.levels import path_of


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


def part_of(bound: BoundField) -> Part | None:
    """The part of a request that a field is."""
    if bound.field.name == Part.USER_GROUPS.value:
        return Part.USER_GROUPS
    path = path_of(bound)
    return None if path is None else _PARTS.get(path)


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


def known_of(part: Part, literals: Sequence[Literal]) -> Known:
    """What literals that are all about one part say together."""
    if part is Part.USER_GROUPS:
        return _known_groups(literals)
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
