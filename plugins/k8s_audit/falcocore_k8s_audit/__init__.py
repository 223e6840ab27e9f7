"""Kubernetes audit events for falcocore: webhook and file source, `ka.*` and `jevt.*` fields."""
