"""Registers the bundled rule packs."""

from __future__ import annotations

from pathlib import Path

from falcocore.api import RuleRegistry, hookimpl

_HERE = Path(__file__).parent


@hookimpl
def register_rules(registry: RuleRegistry) -> None:
    """Offer the pack for Kubernetes audit events."""
    registry.add("k8s_audit", "0.1.0", [_HERE / "k8s_audit_rules.yaml"])
