"""Registers the outputs."""

from __future__ import annotations

from falcocore.api import OutputRegistry, hookimpl


@hookimpl
def register_outputs(registry: OutputRegistry) -> None:
    """Offer the outputs that come with falcocore."""
    from falcocore_outputs.file import FileOutput
    from falcocore_outputs.http import HttpOutput
    from falcocore_outputs.program import ProgramOutput
    from falcocore_outputs.stdout import StdoutOutput
    from falcocore_outputs.syslog.output import SyslogOutput

    registry.add(StdoutOutput)
    registry.add(FileOutput)
    registry.add(ProgramOutput)
    registry.add(HttpOutput)
    registry.add(SyslogOutput)
