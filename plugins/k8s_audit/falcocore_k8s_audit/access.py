"""Fields of roles and role bindings in the request."""

from __future__ import annotations

from collections.abc import Iterator

from falcocore.api import Field
from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.raw import text
from falcocore_k8s_audit.reading import (
    EACH,
    REQUEST,
    GetText,
    GetTexts,
    indexed,
    indexed_texts_at,
    keyed,
    length,
    listing,
    paths,
    scalar,
    text_at,
    texts_at,
)

_SUBJECTS = ("requestObject", "subjects")
_RULES = ("requestObject", "rules")
_RULE_PARTS = (
    ("apiGroups", "The API groups that the role's rules are for; an index picks a rule."),
    ("resources", "The resources that the role's rules are for; an index picks a rule."),
    ("verbs", "What the role's rules allow; an index picks a rule."),
    ("nonResourceURLs", "The URLs that the role's rules are for; an index picks a rule."),
)


def _subjects(event: AuditEvent) -> Iterator[dict[str, str]]:
    for path in paths(event, (*_SUBJECTS, EACH)):
        found = {key: event.find((*path, key)) for key in ("kind", "name", "namespace")}
        yield {key: text(raw) for key, raw in found.items() if raw is not None}


def _names(kind: str) -> GetTexts:
    def get(event: AuditEvent) -> list[str]:
        return [it["name"] for it in _subjects(event) if it.get("kind") == kind and "name" in it]

    return get


def _account_names(event: AuditEvent) -> list[str]:
    accounts = [it for it in _subjects(event) if it.get("kind") == "ServiceAccount"]
    return [f"{it['namespace']}:{it['name']}" for it in accounts if "namespace" in it and "name" in it]


def _has_name(name: str) -> GetText:
    def get(event: AuditEvent) -> str | None:
        if length(event, _SUBJECTS) is None:
            return None
        return "true" if any(it.get("name") == name for it in _subjects(event)) else "false"

    return get


def access_fields() -> Iterator[Field]:
    """The fields that read a role or a binding."""
    yield listing("ka.req.role.rules", "The role's rules, each as JSON.", texts_at(*_RULES, EACH), REQUEST)
    for key, doc in _RULE_PARTS:
        yield indexed(f"ka.req.role.rules.{key}", doc, indexed_texts_at(*_RULES, EACH, key, EACH), REQUEST)
    yield scalar(
        "ka.req.binding.role",
        "The name of the role that is bound.",
        text_at("requestObject", "roleRef", "name"),
        REQUEST,
    )
    yield listing(
        "ka.req.binding.subjects",
        "Those that the role is bound to, each as JSON.",
        texts_at(*_SUBJECTS, EACH),
        REQUEST,
    )
    for prefix, kind, noun in (
        ("user", "User", "users"),
        ("group", "Group", "groups"),
        ("serviceaccount", "ServiceAccount", "service accounts"),
    ):
        doc = f"The names of the {noun} that the role is bound to."
        yield listing(f"ka.req.binding.subjects.{prefix}_names", doc, _names(kind), REQUEST)
    yield listing(
        "ka.req.binding.subjects.serviceaccount_ns_names",
        "The service accounts that the role is bound to, each as namespace:name.",
        _account_names,
        REQUEST,
    )
    yield keyed(
        "ka.req.binding.subject.has_name",
        "Whether the role is bound to somebody of this name: true or false.",
        _has_name,
        REQUEST,
    )
