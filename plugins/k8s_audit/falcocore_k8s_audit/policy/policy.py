"""An audit policy, and what the kube-apiserver records under it.

The order of decisions is that of apiserver/pkg/audit/policy/checker.go and pkg/audit/request.go: the first
rule that names a request decides, without one nothing is recorded, and levels leave out bodies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from falcocore.toolkit import Span
from falcocore_k8s_audit.policy.levels import ALL_STAGES, LEVELS, Level, Need
from falcocore_k8s_audit.policy.requests import Requests, Target, matches_url

Json: TypeAlias = Any
Document: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule: which requests, and what is recorded of them, with what the whole policy says of that."""

    requests: Requests
    recorded: Need
    place: Span | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in order."""

    rules: tuple[PolicyRule, ...]

    def deciding(self, request: Request) -> PolicyRule | None:
        """The rule that decides about a request; None where there is none, and nothing is recorded."""
        return next((rule for rule in self.rules if request.is_among(rule.requests)), None)

    def recorded(self, event: Document) -> Document | None:
        """What is recorded of a request of which this event would be the whole record; None for nothing."""
        rule = self.deciding(Request.of(event))
        if rule is None or rule.recorded.level is Level.NONE:
            return None
        if event.get("stage") in ALL_STAGES - rule.recorded.stages:
            return None
        level = min(rule.recorded.level, LEVELS.get(event.get("level", ""), Level.REQUEST_RESPONSE))
        kept = {**event, "level": level.word}
        for body, least in (("requestObject", Level.REQUEST), ("responseObject", Level.REQUEST_RESPONSE)):
            if level < least:
                kept.pop(body, None)
            elif body in kept and not rule.recorded.managed_fields and (body, event.get("verb")) != _RAW:
                kept[body] = _without_managed_fields(kept[body])
        return kept


@dataclass(frozen=True, slots=True)
class Request:
    """What a policy sees of a request. `target` is None for a request that is for no resource."""

    verb: str
    user: str | None
    user_groups: Sequence[str]
    target: Target | None
    namespace: str
    path: str

    @classmethod
    def of(cls, event: Document) -> Request:
        """The request that an event was made of.

        An event's object may have its name and namespace from the body, which a policy does not see.
        """
        user, ref = event.get("user") or {}, event.get("objectRef")
        verb, uri = event.get("verb", ""), event.get("requestURI", "")
        path = unquote(urlsplit(f"http://host{uri}").path) if uri.startswith("/") else uri
        target, namespace = None, ""
        if ref is not None:
            namespace, name = _named_in(path)
            if not name and verb in _BY_QUERY:
                name = ref.get("name", "")
            target = Target(
                ref.get("apiGroup", ""), ref.get("resource", ""), ref.get("subresource", ""), name
            )
        return cls(verb, user.get("username"), user.get("groups") or (), target, namespace, path)

    def is_among(self, requests: Requests) -> bool:
        """True where a rule that names these requests is about this one."""
        return (
            (requests.verbs is None or self.verb in requests.verbs)
            and (requests.users is None or self.user in requests.users)
            and (requests.user_groups is None or not requests.user_groups.isdisjoint(self.user_groups))
            and self._is_about(requests)
        )

    def _is_about(self, requests: Requests) -> bool:
        if requests.is_for_resources:
            target = self.target
            return (
                target is not None
                and (requests.namespaces is None or self.namespace in requests.namespaces)
                and (requests.targets is None or any(one.covers(target) for one in requests.targets))
            )
        if requests.urls is not None:
            return self.target is None and any(matches_url(pattern, self.path) for pattern in requests.urls)
        return True


_BY_QUERY = frozenset({"list", "watch", "deletecollection"})
"""Verbs whose object may be named by the field selector in the query."""
_SPECIAL_VERBS = frozenset({"watch", "proxy"})
_PARTS_OF_NAMESPACES = frozenset({"status", "finalize"})
_RAW = ("requestObject", "patch")
"""The body that is recorded as it was sent."""


def _named_in(path: str) -> tuple[str, str]:
    """(namespace, name) in the path of a request for a resource (apiserver/pkg/endpoints/request)."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts and parts[0] in _SPECIAL_VERBS:
        parts = parts[1:]
    namespace = ""
    if len(parts) > 1 and parts[0] == "namespaces":
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _PARTS_OF_NAMESPACES:
            parts = parts[2:]
    return namespace, parts[1] if len(parts) > 1 else ""


def _without_managed_fields(body: Json) -> Json:
    """A copy of an object, list or table."""
    if not isinstance(body, dict):
        return body
    copy = dict(body)
    if isinstance(copy.get("metadata"), dict):
        copy["metadata"] = {k: v for k, v in copy["metadata"].items() if k != "managedFields"}
    if isinstance(copy.get("items"), list):
        copy["items"] = [_without_managed_fields(item) for item in copy["items"]]
    if isinstance(copy.get("rows"), list):
        copy["rows"] = list(_rows(copy["rows"]))
    return copy


def _rows(rows: Sequence[Json]) -> Iterator[Json]:
    for row in rows:
        has_object = isinstance(row, dict) and "object" in row
        yield {**row, "object": _without_managed_fields(row["object"])} if has_object else row
