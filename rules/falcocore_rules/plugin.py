"""Registers the bundled rule packs."""

from __future__ import annotations

from pathlib import Path

from falcocore.api import RuleRegistry, hookimpl

_HERE = Path(__file__).parent


@hookimpl
def register_rules(registry: RuleRegistry) -> None:
    """Offer the pack for Kubernetes audit events, with its tests."""
    tests = sorted((_HERE / "tests").glob("k8s_audit_*.test.yaml"))
    registry.add("k8s_audit", "0.2.0", [_HERE / "k8s_audit_rules.yaml"], tests)
