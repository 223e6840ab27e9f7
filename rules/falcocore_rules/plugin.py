"""Registers the bundled rule packs."""

from __future__ import annotations

from pathlib import Path

from falcocore.api import RuleRegistry, hookimpl

_HERE = Path(__file__).parent


@hookimpl
def register_rules(registry: RuleRegistry) -> None:
    """Offer the packs for Kubernetes audit events and for system calls, with their tests."""
    audit, stable = _HERE / "k8s_audit_rules.yaml", _HERE / "syscall_rules.yaml"
    registry.add("k8s_audit", "0.2.0", [audit], _tests("k8s_audit_rules", "k8s_audit_site"))
    registry.add("syscall", "0.1.0", [stable], _tests("syscall_rules"))
    # No source has this name: it is loaded only where it is asked for. It uses lists and macros of the other.
    incubating = [stable, _HERE / "syscall_incubating_rules.yaml"]
    tests = _tests("syscall_rules", "syscall_incubating_rules")
    registry.add("syscall-incubating", "0.1.0", incubating, tests)


def _tests(*names: str) -> list[Path]:
    return [_HERE / "tests" / f"{name}.test.yaml" for name in names]
