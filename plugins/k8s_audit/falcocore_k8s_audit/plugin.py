"""Registers source, fields and command. What a hook needs is imported in it, to keep listings fast."""

from __future__ import annotations

from falcocore.api import CommandRegistry, FieldRegistry, SourceRegistry, hookimpl


@hookimpl
def register_sources(registry: SourceRegistry) -> None:
    """Offer the source `k8s_audit`."""
    from falcocore_k8s_audit.source import K8sAuditSource

    registry.add(K8sAuditSource)


@hookimpl
def register_fields(registry: FieldRegistry) -> None:
    """Offer the `ka.*`, `jevt.*` and `json.*` fields."""
    from falcocore_k8s_audit.fields import FIELDS

    registry.add("k8s_audit", FIELDS)


@hookimpl
def register_commands(registry: CommandRegistry) -> None:
    """Offer `falcocore k8s-audit`."""
    from falcocore_k8s_audit.policy.commands import HELP, configure, run

    registry.add("k8s-audit", HELP, configure, run)
