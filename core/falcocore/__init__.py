"""falcocore: events in, rules matched, alerts out. Plugins import from `falcocore.api`."""

__version__ = "0.1.0"
