"""Registers source, fields and command. What a hook needs is imported in it, to keep listings fast."""

from __future__ import annotations

from falcocore.api import CommandRegistry, FieldRegistry, SourceRegistry, hookimpl


@hookimpl
def register_sources(registry: SourceRegistry) -> None:
    """Offer the source `syscall`."""
    from falcocore_syscall.source import SyscallSource

    registry.add(SyscallSource)


@hookimpl
def register_fields(registry: FieldRegistry) -> None:
    """Offer the fields of events, processes, descriptors, users and containers."""
    from falcocore_syscall.fields import FIELDS

    registry.add("syscall", FIELDS)


@hookimpl
def register_commands(registry: CommandRegistry) -> None:
    """Offer `falcocore record`."""
    from falcocore_syscall.record_command import HELP, configure, run

    registry.add("record", HELP, configure, run)
