"""The hooks that a plugin implements. They wire at start-up; none is called per event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from falcocore.registry import (
        CommandRegistry,
        FieldRegistry,
        OutputRegistry,
        RuleRegistry,
        SourceRegistry,
    )

PROJECT = "falcocore"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Decorator for a plugin's function that implements the hook of the same name."""


@hookspec
def register_sources(registry: SourceRegistry) -> None:
    """Offer event sources: `registry.add(MySource)`. Entry point `source.NAME`."""


@hookspec
def register_fields(registry: FieldRegistry) -> None:
    """Offer fields of a source: `registry.add("k8s_audit", FIELDS)`. Entry point `fields.SOURCE`.

    A field set for somebody else's source is an entry point `fields.SOURCE.NAME`.
    """


@hookspec
def register_outputs(registry: OutputRegistry) -> None:
    """Offer outputs: `registry.add(MyOutput)`. Entry point `output.NAME`."""


@hookspec
def register_rules(registry: RuleRegistry) -> None:
    """Offer a rule pack: `registry.add("name", "1.0.0", paths, tests)`. Entry point `rules.NAME`."""


@hookspec
def register_commands(registry: CommandRegistry) -> None:
    """Offer a sub-command: `registry.add("name", help, configure, run)`. Entry point `command.NAME`."""
