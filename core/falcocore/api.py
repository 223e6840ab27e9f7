"""Everything that a plugin may import. What is not here may change without notice."""

from __future__ import annotations

from falcocore.diagnosis import Circumstances, Finding
from falcocore.errors import (
    ConfigError,
    FalcocoreError,
    OutputError,
    OutputGone,
    PermanentRefusal,
    PluginError,
    SourceError,
)
from falcocore.fields import Argument, ArgumentKind, Field, Getter, Several, depends_on
from falcocore.hookspecs import hookimpl
from falcocore.notice import Notice
from falcocore.output import Alert, Output
from falcocore.registry import (
    CommandRegistry,
    FieldRegistry,
    OutputRegistry,
    RuleRegistry,
    SourceRegistry,
)
from falcocore.source import Batch, Event, Progress, Reason, Sent, Source
from falcocore.types import FieldType, Priority, Value

__all__ = [
    "Alert",
    "Argument",
    "ArgumentKind",
    "Batch",
    "Circumstances",
    "CommandRegistry",
    "ConfigError",
    "Event",
    "FalcocoreError",
    "Field",
    "FieldRegistry",
    "FieldType",
    "Finding",
    "Getter",
    "Notice",
    "Output",
    "OutputError",
    "OutputGone",
    "OutputRegistry",
    "PermanentRefusal",
    "PluginError",
    "Priority",
    "Progress",
    "Reason",
    "RuleRegistry",
    "Sent",
    "Several",
    "Source",
    "SourceError",
    "SourceRegistry",
    "Value",
    "depends_on",
    "hookimpl",
]
