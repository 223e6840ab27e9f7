"""Registers the outputs."""

from __future__ import annotations

from falcocore.api import OutputRegistry, hookimpl


@hookimpl
def register_outputs(registry: OutputRegistry) -> None:
    """Offer `stdout`, `file` and `syslog`."""
    from falcocore_outputs.file import FileOutput
    from falcocore_outputs.stdout import StdoutOutput
    from falcocore_outputs.syslog.output import SyslogOutput

    registry.add(StdoutOutput)
    registry.add(FileOutput)
    registry.add(SyslogOutput)
