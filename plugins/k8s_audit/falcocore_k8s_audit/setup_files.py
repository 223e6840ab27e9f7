"""The API server's two files, held against the rules and the webhook: audit policy and kubeconfig."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from falcocore.api import ConfigError, Finding
from falcocore.toolkit import RuleSet, SourceFile
from falcocore_k8s_audit.address import Address
from falcocore_k8s_audit.policy.check import findings_of
from falcocore_k8s_audit.policy.reader import read_policy
from falcocore_k8s_audit.webhook_options import Door

_USUAL_PORTS = {"http": 80, "https": 443}
_SHOWN = 5
POLICY, WEBHOOK = "audit policy", "webhook configuration"
_MAKE_POLICY = "`falcocore k8s-audit policy` prints one under which every rule can fire"
_MAKE_WEBHOOK = "`falcocore k8s-audit webhook-config --url URL` prints one"


def findings_about_file(
    path: Path, address: Address, doors: Sequence[Door], rules: RuleSet | None
) -> Iterator[Finding]:
    """What a file means for the webhook; `doors` are its paths, with tokens that were read."""
    try:
        text = path.read_text("utf-8-sig")
        document = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        problem = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        yield Finding("file", ok=False, detail=f"{path} can't be read: {problem}", remedy="give it anew")
        return
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind == "Policy":
        yield _about_policy(path, text, rules)
    elif kind == "Config":
        yield _about_webhook(path, document, address, doors)
    else:
        detail = f"{path} is of kind {kind}" if kind else f"{path} has no kind"
        remedy = "give an audit policy (kind: Policy) or a webhook configuration (kind: Config)"
        yield Finding("file", ok=False, detail=detail, remedy=remedy)


def _about_policy(path: Path, text: str, rules: RuleSet | None) -> Finding:
    try:
        policy = read_policy(SourceFile(str(path), text))
    except ConfigError as error:
        return Finding(POLICY, ok=False, detail=error.message, remedy=_MAKE_POLICY)
    if rules is None:
        return Finding(POLICY, ok=True, detail=f"{path} is valid; there are no rules to hold it against")
    silent = [finding.rule for finding in findings_of(rules.rules, policy) if not finding.can_fire]
    if not silent:
        return Finding(POLICY, ok=True, detail=f"{path} silences no rule")
    names = ", ".join(silent[:_SHOWN]) + (", ..." if len(silent) > _SHOWN else "")
    detail = f"under {path} {len(silent)} of {len(rules.rules)} rules can't fire: {names}"
    remedy = f"`falcocore k8s-audit check {path}` says why; {_MAKE_POLICY}"
    return Finding(POLICY, ok=False, detail=detail, remedy=remedy)


def _about_webhook(path: Path, document: dict[str, Any], address: Address, doors: Sequence[Door]) -> Finding:
    problem = _mistake(document, address, doors)
    if problem is None:
        return Finding(WEBHOOK, ok=True, detail=f"{path} leads to this webhook")
    return Finding(WEBHOOK, ok=False, detail=f"{path}: {problem}", remedy=_MAKE_WEBHOOK)


def _mistake(document: dict[str, Any], address: Address, doors: Sequence[Door]) -> str | None:
    """Why the API server would not come to this webhook, or not be let in; None where it would."""
    context = _named(document, "contexts", "context", document.get("current-context"))
    cluster = _named(document, "clusters", "cluster", context.get("cluster"))
    user = _named(document, "users", "user", context.get("user"))
    server = cluster.get("server")
    if not isinstance(server, str):
        return "its current-context leads to no cluster with a server"
    try:
        url = urlsplit(server)
        port = url.port or _USUAL_PORTS.get(url.scheme)
    except ValueError as error:
        return f"{server} is no URL: {error}"
    scheme = "https" if address.is_secure else "http"
    if url.scheme != scheme:
        return f"{server} is not {scheme}, which the webhook speaks"
    if address.port not in (0, port):
        return f"{server} leads to port {port}, and the webhook listens on {address.port}"
    if address.is_loopback and url.hostname not in (address.host, "localhost", "127.0.0.1", "::1"):
        return f"{server} is another address than {address.host}, which only this machine reaches"
    door = next((door for door in doors if door.path == url.path), None)
    if door is None:
        return f"{server} has a path that the webhook doesn't serve"
    if door.tokens is not None:
        token = user.get("token")
        if not isinstance(token, str):
            return "it shows no token, and the webhook asks for one"
        if door.tokens.owner(token) is None:
            return "the webhook doesn't know its token"
    return None


def _named(document: dict[str, Any], part: str, kind: str, name: object) -> dict[str, Any]:
    """The entry of a kubeconfig's list that has a name; empty where there is none."""
    entries = document.get(part)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(kind), dict):
            found: dict[str, Any] = entry[kind]
            return found
    return {}
