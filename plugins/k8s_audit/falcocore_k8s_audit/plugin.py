"""Registers the source and its fields. What a hook needs is imported in it, to keep listings fast."""

from __future__ import annotations

from falcocore.api import FieldRegistry, SourceRegistry, hookimpl


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
