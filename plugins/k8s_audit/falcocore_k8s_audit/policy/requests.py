"""Sets of requests as one rule of an audit policy can name them.

What matches what is that of the kube-apiserver (apiserver/pkg/audit/policy/checker.go): everything that is
named has to fit, a list fits with one of its entries, and what is left out fits always.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TypeVar

Names = frozenset[str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about. None stands for any; the subresource "" for the resource itself."""

    group: str
    resource: str | None = None
    subresource: str | None = None
    name: str | None = None

    def intersection(self, other: Target) -> Target | None:
        """What both name; None where there is nothing."""
        if self.group != other.group:
            return None
        parts: list[str | None] = []
        for mine, theirs in (
            (self.resource, other.resource),
            (self.subresource, other.subresource),
            (self.name, other.name),
        ):
            if mine is not None and theirs is not None and mine != theirs:
                return None
            parts.append(theirs if mine is None else mine)
        return Target(self.group, *parts)

    def covers(self, other: Target) -> bool:
        """True where it names all that the other does."""
        return self.intersection(other) == other


def _url_intersection(one: str, other: str) -> str | None:
    if matches_url(one, other):
        return other
    return one if matches_url(other, one) else None


def matches_url(pattern: str, url: str) -> bool:
    """True where a pattern fits a path, or every path that another pattern fits."""
    if pattern in ("*", url):
        return True
    return pattern.endswith("*") and url.startswith(pattern.rstrip("*"))


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests that agree with each part; None stands for no restriction.

    `namespaces` and `targets` hold only for requests for resources, `urls` only for others.
    """

    verbs: Names | None = None
    users: Names | None = None
    user_groups: Names | None = None
    namespaces: Names | None = None
    targets: frozenset[Target] | None = None
    urls: Names | None = None

    @property
    def is_for_resources(self) -> bool:
        """True where it names nothing but requests for resources."""
        return self.namespaces is not None or self.targets is not None

    def intersection(self, other: Requests) -> Requests | None:
        """Requests of both, None where there are none; with two sets of groups, more than these."""
        if (self.is_for_resources and other.urls is not None) or (
            other.is_for_resources and self.urls is not None
        ):
            return None
        found = Requests(
            _common(self.verbs, other.verbs),
            _common(self.users, other.users),
            _narrower(self.user_groups, other.user_groups),
            _common(self.namespaces, other.namespaces),
            _pairs(self.targets, other.targets, Target.intersection),
            _pairs(self.urls, other.urls, _url_intersection),
        )
        parts = (found.verbs, found.users, found.namespaces, found.targets, found.urls)
        return None if frozenset() in parts else found

    def covers(self, other: Requests) -> bool:
        """True where every request of the other is surely one of these."""
        return (
            _holds(self.verbs, other.verbs)
            and _holds(self.users, other.users)
            and _holds(self.user_groups, other.user_groups)
            and _holds(self.namespaces, other.namespaces)
            and _all_covered(self.targets, other.targets, Target.covers)
            and _all_covered(self.urls, other.urls, matches_url)
        )

    def union(self, other: Requests) -> Requests | None:
        """Exactly the requests of both, where one rule can name these."""
        if self.covers(other):
            return self
        if other.covers(self):
            return other
        different = [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]
        if len(different) != 1:
            return None
        part = different[0]
        return replace(self, **{part: getattr(self, part) | getattr(other, part)})


EVERY = Requests()


def _common(one: Names | None, other: Names | None) -> Names | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _narrower(one: Names | None, other: Names | None) -> Names | None:
    """A user has to be in one of each; a rule can ask for one of one list only."""
    if one is None or other is None:
        return other if one is None else one
    return other if other < one else one  # noqa: FURB136 - `<` is a subset here, which min() hides


def _pairs(
    one: frozenset[T] | None, other: frozenset[T] | None, meet: Callable[[T, T], T | None]
) -> frozenset[T] | None:
    if one is None or other is None:
        return other if one is None else one
    return frozenset(common for a in one for b in other if (common := meet(a, b)) is not None)


def _holds(one: Names | None, other: Names | None) -> bool:
    return one is None or (other is not None and other <= one)


def _all_covered(
    one: frozenset[T] | None, other: frozenset[T] | None, covers: Callable[[T, T], bool]
) -> bool:
    return one is None or (other is not None and all(any(covers(a, b) for a in one) for b in other))
