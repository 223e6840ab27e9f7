"""Audit policies from YAML, refused where the kube-apiserver would refuse or misunderstand them.

The schema is `Policy` of audit.k8s.io/v1 (apiserver/pkg/apis/audit/v1/types.go), the rules of validity those
of apiserver/pkg/apis/audit/validation. The server passes over keys that it does not know, which makes a rule
with a misspelled one hold for everything; here they are mistakes, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from falcocore.api import ConfigError
from falcocore.toolkit import (
    Code,
    Diagnostic,
    Mapping,
    Node,
    Scalar,
    Sequence,
    SourceFile,
    Span,
    YamlError,
    boolean,
    nearest,
    read_documents,
)
from falcocore_k8s_audit.policy.levels import ALL_STAGES, LEVELS, Level, Need, Stage
from falcocore_k8s_audit.policy.policy import Policy, PolicyRule
from falcocore_k8s_audit.policy.requests import Names, Requests, Target

API_VERSION: Final = "audit.k8s.io/v1"
_API_VERSIONS = (API_VERSION, "audit.k8s.io/v1beta1")
_POLICY_KEYS = ("apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields")
_LISTS = {"users": "users", "userGroups": "user_groups", "verbs": "verbs", "namespaces": "namespaces"}
_RULE_KEYS = (
    "level",
    *_LISTS,
    "resources",
    "nonResourceURLs",
    "omitStages",
    "omitManagedFields",
)
_RESOURCE_KEYS = ("group", "resources", "resourceNames")
_GROUP = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")


def read_policy(file: SourceFile) -> Policy:
    """The policy of a file.

    Raises:
        ConfigError: it is not valid; the message holds every mistake with its line and column.
    """
    reader = _Reader()
    policy = reader.policy(file)
    if reader.mistakes:
        raise ConfigError("\n\n".join(map(str, reader.mistakes)))
    return policy


@dataclass(slots=True)
class _Reader:
    mistakes: list[Diagnostic] = field(default_factory=list)

    def policy(self, file: SourceFile) -> Policy:
        try:
            documents = list(read_documents(file))
        except YamlError as error:
            self.mistakes.append(error.diagnostic)
            return Policy(())
        if len(documents) != 1 or not isinstance(documents[0], Mapping):
            place = documents[min(1, len(documents) - 1)].span if documents else Span(file, 0, 1)
            self._mistake("a policy is one YAML mapping", place, f"begin with `apiVersion: {API_VERSION}`")
            return Policy(())
        root = documents[0]
        self._check_keys(root, _POLICY_KEYS)
        self._check_text(root, "apiVersion", _API_VERSIONS)
        self._check_text(root, "kind", ("Policy",))
        stages = self._stages(root)
        keeps = not self._flag(root, "omitManagedFields", default=False)
        rules = tuple(self._rule(node, stages, keeps) for node in self._mappings(root, "rules"))
        if not rules:
            self._mistake("a policy needs a rule", root.span, "the API server refuses one with no `rules`")
        return Policy(rules)

    def _rule(self, node: Mapping, omitted: frozenset[Stage], keeps: bool) -> PolicyRule:
        self._check_keys(node, _RULE_KEYS)
        word = self._check_text(node, "level", tuple(LEVELS))
        lists = {part: self._names(node, key) for key, part in _LISTS.items()}
        urls = self._urls(node)
        targets = [target for one in self._mappings(node, "resources") for target in self._targets(one)]
        requests = Requests(**lists, targets=frozenset(targets) if targets else None, urls=urls)
        if urls is not None and requests.is_for_resources:
            hint = "make two rules of it, one with `resources` and `namespaces`, one with `nonResourceURLs`"
            self._mistake("a rule is for resources or for other URLs, not for both", node.span, hint)
        need = Need(
            LEVELS.get(word, Level.NONE),
            ALL_STAGES - omitted - self._stages(node),
            not self._flag(node, "omitManagedFields", default=not keeps),
        )
        return PolicyRule(requests, need, node.span)

    def _targets(self, node: Mapping) -> Iterator[Target]:
        self._check_keys(node, _RESOURCE_KEYS)
        group = self._text(found) if (found := node.get("group")) is not None else ""
        if group and not _GROUP.fullmatch(group):
            hint = "the core group is an empty text, others are named without a version: apps"
            self._mistake(f"`{group}` can't be an API group", self._place(node, "group"), hint)
        names = self._names(node, "resourceNames")
        patterns = self._names(node, "resources")
        if names and not patterns:
            self._mistake("`resourceNames` needs `resources`", self._place(node, "resourceNames"))
        for pattern in patterns or ("*",):
            if pattern.endswith("/"):
                self._mistake(f"`{pattern}` names no subresource", self._place(node, "resources"))
            resource, subresource = _pattern(pattern)
            yield from (Target(group, resource, subresource, name) for name in names or (None,))

    def _urls(self, node: Mapping) -> Names | None:
        for item in self._items(node, "nonResourceURLs"):
            url = self._text(item)
            if url != "*" and not url.startswith("/"):
                self._mistake(f"`{url}` does not begin with /", item.span)
            elif "*" in url[:-1]:
                self._mistake(f"`{url}` has a * that is not its last character", item.span)
        return self._names(node, "nonResourceURLs")

    def _stages(self, node: Mapping) -> frozenset[Stage]:
        found = set()
        for item in self._items(node, "omitStages"):
            word = self._text(item)
            if word in ALL_STAGES:
                found.add(Stage(word))
            else:
                self._mistake(f"`{word}` is no stage", item.span, _choice(word, tuple(Stage)))
        return frozenset(found)

    def _names(self, node: Mapping, key: str) -> Names | None:
        """The texts of a list; None, no restriction, where it is missing or empty."""
        return frozenset(self._text(item) for item in self._items(node, key)) or None

    def _items(self, node: Mapping, key: str) -> list[Node]:
        value = node.get(key)
        if value is None or (isinstance(value, Scalar) and value.is_null):
            return []
        if isinstance(value, Sequence):
            return value.items
        self._mistake(f"`{key}` has to be a list", value.span)
        return []

    def _mappings(self, node: Mapping, key: str) -> Iterator[Mapping]:
        for item in self._items(node, key):
            if isinstance(item, Mapping):
                yield item
            else:
                self._mistake(f"an entry of `{key}` has to be a mapping", item.span)

    def _text(self, node: Node) -> str:
        if not isinstance(node, Scalar):
            self._mistake("this has to be a text", node.span)
            return ""
        if node.is_null:
            return ""
        if node.plain and (boolean(node.value) is not None or _NUMBER.fullmatch(node.value)):
            self._mistake(f"`{node.value}` is no text", node.span, f'write it in quotes: "{node.value}"')
        return node.value

    def _flag(self, node: Mapping, key: str, *, default: bool) -> bool:
        value = node.get(key)
        if value is None or (isinstance(value, Scalar) and value.is_null):
            return default
        flag = boolean(value.value) if isinstance(value, Scalar) and value.plain else None
        if flag is None:
            self._mistake(f"`{key}` has to be true or false", value.span)
        return bool(flag)

    def _check_text(self, node: Mapping, key: str, allowed: tuple[str, ...]) -> str:
        value = node.get(key)
        if value is None:
            self._mistake(f"`{key}` is missing", node.span, f"it has to be {' or '.join(allowed)}")
            return ""
        text = self._text(value)
        if text not in allowed:
            self._mistake(f"`{text}` is no {key} of a policy", value.span, _choice(text, allowed))
        return text

    def _check_keys(self, node: Mapping, known: tuple[str, ...]) -> None:
        for key, (place, _) in node.entries.items():
            if key not in known:
                self._mistake(f"`{key}` is no key here", place.span, _choice(key, known))
        for place in node.repeated:
            self._mistake(f"`{place.value}` stands twice here", place.span)

    def _place(self, node: Mapping, key: str) -> Span:
        value = node.get(key)
        return node.span if value is None else value.span

    def _mistake(self, message: str, place: Span, hint: str | None = None) -> None:
        self.mistakes.append(Diagnostic(Code.YAML_VALIDATE, message, place, hint=hint))


def _choice(word: str, known: tuple[str, ...]) -> str:
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near else f"there is {', '.join(known)}"


def _pattern(text: str) -> tuple[str | None, str | None]:
    """(resource, subresource) of a pattern. As the server reads it, `pods/*` is pods, too."""
    if text == "*":
        return None, None
    resource, _, subresource = text.partition("/")
    if resource == "*":
        return None, subresource
    return resource, None if subresource == "*" else subresource
