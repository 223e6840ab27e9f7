"""Registers the outputs."""

from __future__ import annotations

from falcocore.api import OutputRegistry, hookimpl


@hookimpl
def register_outputs(registry: OutputRegistry) -> None:
    """Offer `stdout`, `file`, `program` and `http`."""
    from falcocore_outputs.file import FileOutput
    from falcocore_outputs.http import HttpOutput
    from falcocore_outputs.program import ProgramOutput
    from falcocore_outputs.stdout import StdoutOutput

    registry.add(StdoutOutput)
    registry.add(FileOutput)
    registry.add(ProgramOutput)
    registry.add(HttpOutput)
