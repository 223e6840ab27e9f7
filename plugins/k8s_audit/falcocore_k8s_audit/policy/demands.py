"""What rules need of an audit policy: of which requests, how much, and at which stages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote

from falcocore.toolkit import Projectable, fields_read
from falcocore_k8s_audit.policy.cases import Case, cases, possible
from falcocore_k8s_audit.policy.levels import Level, Need, Stage, level_of, reads_managed_fields
from falcocore_k8s_audit.policy.parts import OF_OBJECT, Known, Part
from falcocore_k8s_audit.policy.requests import Names, Requests, Target
from falcocore_k8s_audit.policy.resources import NAMES_OF_GROUPS, ApiResources, Cluster

_INCOMPLETE_ESCAPE = re.compile(r"%.?\Z")
_NOT_IN_PATTERNS = re.compile("[*\N{REPLACEMENT CHARACTER}]")
"""What a pattern can't hold, and what stands for bytes that are no text."""
NOT_FOR_RESOURCES = Requests(urls=frozenset({"*"}))
_COMPLETED_NAME = frozenset({"create"})
_COMPLETED_NAMESPACE = frozenset({"create", "update"})
"""Verbs with which an event has a name or namespace from the body where the URL has none.

A policy sees the URL's alone, and takes the missing one as an empty text.
"""


@dataclass(frozen=True, slots=True)
class Demand:
    """Requests that a rule may match, without those of `exclusions`, and what it needs of them."""

    rule: str
    requests: Requests
    exclusions: tuple[Requests, ...]
    need: Need

    def of(self, requests: Requests) -> Requests | None:
        """Those of some requests that the rule may match; None where it matches none."""
        common = self.requests.intersection(requests)
        if common is None or any(exclusion.covers(common) for exclusion in self.exclusions):
            return None
        return common


def demands_of(rules: Iterable[Projectable], cluster: Cluster) -> list[Demand]:
    """The demands of each rule, one for each of its cases."""
    found: dict[tuple[Requests, tuple[Requests, ...], str], Need] = {}
    for rule in rules:
        for stage in Stage:
            left = possible(rule.condition, stage, Level.REQUEST_RESPONSE)
            read = fields_read(left, rule.captures)
            need = Need(
                max((level_of(bound) for bound in read), default=Level.METADATA),
                frozenset({stage}),
                any(reads_managed_fields(bound) for bound in read),
            )
            need = replace(need, level=max(need.level, Level.METADATA))
            for case in cases(left):
                for requests, exclusions in requests_of(case, cluster):
                    key = (requests, exclusions, rule.name)
                    found[key] = found.get(key, Need()) | need
    return [Demand(name, requests, exclusions, need) for (requests, exclusions, name), need in found.items()]


def joined(demands: Iterable[Demand]) -> list[Demand]:
    """Fewer for planning, of several rules each: where two differ in one part only, one names both."""
    return _joined(_joined(demands))


def _joined(demands: Iterable[Demand]) -> list[Demand]:
    left: list[Demand] = []
    for demand in demands:
        for index, other in enumerate(left):
            if other.need == demand.need and other.exclusions == demand.exclusions:
                union = other.requests.union(demand.requests)
                if union is not None:
                    left[index] = replace(other, requests=union)
                    break
        else:
            left.append(demand)
    return left


Split = tuple[Requests, tuple[Requests, ...]]
"""Requests as a policy rule can name them, and some of these that are none after all."""


def requests_of(case: Case, cluster: Cluster) -> Iterator[Split]:
    """The requests that a case may be of."""
    for requests, exclusions in _splits(case, cluster):
        if not any(exclusion.covers(requests) for exclusion in exclusions):
            yield requests, exclusions


def _splits(case: Case, cluster: Cluster) -> Iterator[Split]:
    resources = cluster.resources
    verbs, users, groups = case[Part.VERB], case[Part.USER], case[Part.USER_GROUPS]
    base = Requests(verbs.values, users.values, groups.values)
    exclusions = [Requests(user_groups=groups.excluded)] if groups.excluded else []
    if verbs.values is None and verbs.excluded:
        exclusions.append(Requests(verbs=verbs.excluded))
    if users.values is None and users.excluded:
        exclusions.append(Requests(users=users.excluded))
    if cluster.trusts_group_names:
        named = frozenset(group for group, start in NAMES_OF_GROUPS.items() if users.excludes_prefix(start))
        exclusions += [Requests(user_groups=named)] if named else []
    urls = _urls(case[Part.URI])
    may_be_other = all(case[part].may_be_absent for part in OF_OBJECT)
    # The API server gives every resource request a resource; a URL without one (/api/v1//x) is not found.
    of_resources = (
        list(_resource_requests(case, base, resources)) if case[Part.RESOURCE].may_be_present else []
    )
    if may_be_other and urls is None and any(requests == base for requests, _ in of_resources):
        yield base, (*exclusions, *_excluded_targets(case, resources))
        return
    if may_be_other:
        yield replace(base, urls=urls or NOT_FOR_RESOURCES.urls), tuple(exclusions)
    for requests, own in of_resources:
        others = () if requests.is_for_resources else (NOT_FOR_RESOURCES,)
        yield requests, (*exclusions, *others, *own)


def _resource_requests(case: Case, base: Requests, resources: ApiResources) -> Iterator[Split]:
    """Those for resources: in the groups that are known, and in any other."""
    base = replace(base, namespaces=_completed(case[Part.NAMESPACE], base.verbs, _COMPLETED_NAMESPACE))
    exclusions = tuple(_excluded_targets(case, resources))
    targets = _targets(case, base.verbs, resources)
    if targets is None:
        yield base, exclusions
        return
    if targets:
        yield replace(base, targets=targets), exclusions
    if not resources.complete and _listed(case[Part.GROUP]) is None:
        # What is in other groups is not worth cuts of its own.
        yield base, (in_known_groups(resources),)


def in_known_groups(resources: ApiResources) -> Requests:
    """Every request in the groups that are known."""
    return Requests(targets=frozenset(map(Target, resources.groups)))


def _completed(known: Known, verbs: Names | None, completed: Names) -> Names | None:
    """The values that a policy sees for a part, which may come from the body instead."""
    values = _listed(known)
    if values is None or (verbs is not None and not verbs & completed):
        return values
    return values | {""}


def _listed(known: Known) -> Names | None:
    """The values of a part, "" for its absence; None where they can't be listed."""
    if not known.may_be_present:
        return frozenset({""})
    return known.values


def _targets(case: Case, verbs: Names | None, resources: ApiResources) -> frozenset[Target] | None:
    """What the requests are about, in the groups that are known; None where it may be anything."""
    groups = _listed(case[Part.GROUP])
    names = _completed(case[Part.NAME], verbs, _COMPLETED_NAME)
    subresources = _listed(case[Part.SUBRESOURCE])
    kinds = case[Part.RESOURCE].values
    if kinds is None and subresources is not None and "" in subresources:
        subresources = None  # A policy can't ask for the resource itself where it names none.
    if groups is None and names is None and subresources is None and kinds is None:
        return None
    return frozenset(
        replace(target, name=name)
        for target in _kinds(kinds, subresources, groups, resources)
        for name in (names or (None,))
    )


def _kinds(
    kinds: Names | None, subresources: Names | None, groups: Names | None, resources: ApiResources
) -> Iterator[Target]:
    """Each resource with each subresource, in the groups given or else in those that have it."""
    for subresource in subresources or (None,):
        if kinds is None and groups is None and subresource is not None:
            found = resources.with_subresource(subresource)
            yield from (Target(group, kind, subresource) for group, kind in found)
            continue
        for kind in kinds or (None,):
            within = resources.groups if kind is None else resources.groups_of(kind)
            yield from (Target(group, kind, subresource) for group in (within if groups is None else groups))


def _excluded_targets(case: Case, resources: ApiResources) -> Iterator[Requests]:
    """Requests that a case is not of, because of what they are about."""
    if case[Part.NAMESPACE].excluded and case[Part.NAMESPACE].values is None:
        yield Requests(namespaces=case[Part.NAMESPACE].excluded)
    kinds = case[Part.RESOURCE].values
    found = {Target(group) for group in case[Part.GROUP].excluded}
    found |= {
        Target(group, kind)
        for kind in case[Part.RESOURCE].excluded
        if kinds is None
        for group in resources.groups_of(kind)
    }
    subresources = case[Part.SUBRESOURCE].excluded - {""}
    if kinds is not None and not case[Part.SUBRESOURCE].may_be_absent:
        subresources |= {""}
    if subresources:
        found.update(_kinds(kinds, subresources, None, resources))
    if kinds is not None:
        whole = _kinds(kinds, None, None, resources)
        found |= {replace(target, name=name) for target in whole for name in case[Part.NAME].excluded}
    if found:
        yield Requests(targets=frozenset(found))


def _urls(known: Known) -> Names | None:
    """Patterns for the paths of URIs; None where any may be.

    A rule sees the URI as it was sent, a policy its path decoded. So what a rule asks for says what the
    path is, but what it excludes says nothing: `/healthz` may be sent as `/health%7A`.
    """
    if known.values is not None:
        return frozenset(_pattern(uri, is_prefix=False) for uri in known.values)
    if known.prefixes:
        return frozenset({_pattern(max(known.prefixes, key=len), is_prefix=True)})
    return None


def _pattern(uri: str, *, is_prefix: bool) -> str:
    path, query, _ = uri.partition("?")
    is_prefix = is_prefix and not query
    if is_prefix:
        path = _INCOMPLETE_ESCAPE.sub("", path)
    path = unquote(path)
    if stop := _NOT_IN_PATTERNS.search(path):
        path, is_prefix = path[: stop.start()], True
    if not path.startswith("/") or path == "/":
        return "*"  # The path of a request for no path at all is empty, and shown as "/".
    return f"{path}*" if is_prefix else path
