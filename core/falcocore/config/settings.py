"""What the configuration says, checked and frozen; everything later works with this and not with files."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from falcocore.alerts import AlertFormat
from falcocore.config.legacy import (
    engine_source,
    http_output,
    plugin_sources,
    program_output,
    syslog_output,
    unserved_outputs,
    webserver_source,
)
from falcocore.config.tree import Warn
from falcocore.config.values import Reader
from falcocore.errors import ConfigError
from falcocore.outbox.limits import Limits, WhenFull
from falcocore.rules.additions import Addition
from falcocore.rules.loader import LoadSettings
from falcocore.rules.selection import Selection
from falcocore.types import Priority
from falcocore.wanted import Wanted


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One source to run. `instance` tells two of the same name apart; `restart` is for when it fails.

    `workers` is the number of processes that share its work.
    """

    name: str
    instance: str
    target: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    restart: bool = False
    workers: int = 1


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """One output; `type` is the name of the output class."""

    name: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """The outbox. `enabled` is None where it depends on the outputs; `path` None for the default."""

    enabled: bool | None = None
    path: Path | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration. `rules_files` is None where the key is missing: default packs are loaded then."""

    rules_files: tuple[str, ...] | None
    load: LoadSettings
    format: AlertFormat
    static_fields: Mapping[str, str]
    sources: tuple[SourceSettings, ...]
    outputs: tuple[OutputSettings, ...]
    outbox: OutboxSettings
    log_level: int
    log_stderr: bool


def read_settings(
    config: Mapping[str, Any], warn: Warn, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Settings from a merged configuration.

    A value of the wrong type is warned of, and the key's default taken, as Falco does silently.

    Raises:
        ConfigError: a value that can't mean anything, such as an unknown priority.
    """
    reader = Reader(config, warn)
    return Settings(
        rules_files=_rules_files(reader),
        load=_load_settings(reader),
        format=_format(reader, environment),
        static_fields=_static_fields(reader),
        sources=_sources(reader, warn),
        outputs=_outputs(reader, warn),
        outbox=_outbox(reader.inner("outbox")),
        log_level=_log_level(reader),
        log_stderr=reader.boolean("log_stderr", True),
    )


def _rules_files(reader: Reader) -> tuple[str, ...] | None:
    if reader.has("rules_file") and reader.has("rules_files"):
        raise ConfigError("rules_file and rules_files are both given", hint="keep rules_files")
    key = "rules_file" if reader.has("rules_file") else "rules_files"
    return tuple(reader.texts(key)) if reader.has(key) else None


def _load_settings(reader: Reader) -> LoadSettings:
    return LoadSettings(
        first=reader.choice("rule_matching", ("first", "all")) == "first",
        least_priority=_priority(reader),
        selections=tuple(_selection(entry) for entry in reader.entries("rules")),
        additions=tuple(_addition(entry) for entry in reader.entries("append_output")),
    )


def _priority(reader: Reader, key: str = "priority") -> Priority:
    try:
        return Priority.parse(reader.text(key, "debug"))
    except ValueError as error:
        raise ConfigError(f"{reader.path(key)}: {error}") from None


def _selection(entry: Reader) -> Selection:
    for operation in ("enable", "disable"):
        if entry.has(operation):
            what = entry.inner(operation)
            rule, tag = what.text("rule", None), what.text("tag", None)
            if rule is None and tag is None:
                break
            return Selection(operation == "enable", rule, tag)
    raise ConfigError(
        f"{entry.where} says nothing",
        hint="write `- enable: {rule: NAME}` or `- disable: {tag: TAG}`; `*` fits anything",
    )


def _addition(entry: Reader) -> Addition:
    match = entry.inner("match")
    raw: list[str] = []
    formatted: dict[str, str] = {}
    for item in entry.items("extra_fields"):
        if isinstance(item, str):
            raw.append(item)
        elif isinstance(item, dict) and len(item) == 1 and all(isinstance(v, str) for v in item.values()):
            ((key, template),) = item.items()
            if key in formatted:
                raise ConfigError(f"{entry.where}.extra_fields: `{key}` is given twice")
            formatted[key] = template
        else:
            raise ConfigError(f"{entry.where}.extra_fields: an entry is a field's name, or `key: TEMPLATE`")
    return Addition(
        source=match.text("source", None),
        rule=match.text("rule", None),
        tags=frozenset(match.texts("tags")),
        output=entry.text("extra_output", None),
        fields=tuple(raw),
        formatted=tuple(formatted.items()),
        suggested=entry.boolean("suggested_output", False),
    )


def _format(reader: Reader, environment: Mapping[str, str]) -> AlertFormat:
    return AlertFormat(
        hostname=environment.get("FALCO_HOSTNAME") or socket.gethostname(),
        json_output=reader.boolean("json_output", False),
        include_output=reader.boolean("json_include_output_property", True),
        include_tags=reader.boolean("json_include_tags_property", True),
        include_message=reader.boolean("json_include_message_property", False),
        include_output_fields=reader.boolean("json_include_output_fields_property", True),
        time_iso8601=reader.boolean("time_format_iso_8601", False),
    )


def _static_fields(reader: Reader) -> Mapping[str, str]:
    fields = reader.inner("static_fields")
    return {key: fields.text(key, "") for key in fields}


def _sources(reader: Reader, warn: Warn) -> tuple[SourceSettings, ...]:
    found: list[SourceSettings] = []
    for entry in reader.entries("sources"):
        name = entry.required_text("name")
        options = dict(entry.mapping("options"))
        found.append(
            SourceSettings(
                name,
                entry.text("instance", name),
                entry.text("target", None),
                options,
                entry.boolean("restart", False),
                entry.number("workers", 1, least=1),
            )
        )
    legacy = (*plugin_sources(reader, warn), *webserver_source(reader), *engine_source(reader))
    for name, target, options in legacy:
        if any(source.name == name for source in found):
            wanted = f"{name}={target}" if target else name
            warn(
                f"`plugins`, `webserver` or `engine` asks for the source {wanted}, which is left out: "
                f"there is a source {name} already; list both under `sources` to run both"
            )
        else:
            found.append(SourceSettings(name, name, target, options))
    return with_unique_instances(found)


def with_unique_instances(sources: list[SourceSettings]) -> tuple[SourceSettings, ...]:
    """The sources, the second of the same instance name called NAME-2, and so on."""
    taken: set[str] = set()
    unique = []
    for source in sources:
        names = (f"{source.instance}-{number}" if number > 1 else source.instance for number in count(1))
        instance = next(name for name in names if name not in taken)
        taken.add(instance)
        unique.append(replace(source, instance=instance))
    return tuple(unique)


def _outputs(reader: Reader, warn: Warn) -> tuple[OutputSettings, ...]:
    """The outputs that are configured; stdout unless there is another, or it was switched off."""
    found: list[OutputSettings] = []
    file = reader.inner("file_output")
    if file.boolean("enabled", False):
        options = {
            "filename": file.required_text("filename"),
            "keep_alive": file.boolean("keep_alive", False),
        }
        found.append(OutputSettings("file_output", "file", options))
    for kind, falcos in (
        ("program", program_output(reader)),
        ("http", http_output(reader)),
        ("syslog", syslog_output(reader, warn)),
    ):
        if falcos is not None:
            found.append(OutputSettings(f"{kind}_output", kind, falcos))
    for name in reader.inner("outputs"):
        # Falco's removed rate limiter had its settings under the same key.
        if name in {"rate", "max_burst"}:
            continue
        entry = reader.inner("outputs").inner(name)
        kind, options = entry.text("type", name), dict(entry.mapping("options"))
        found.append(OutputSettings(name, kind, options, _wanted(entry)))
    unserved_outputs(reader, warn)
    if reader.inner("stdout_output").boolean("enabled", not found):
        found.insert(0, OutputSettings("stdout_output", "stdout"))
    if not found:
        raise ConfigError(
            "no output is enabled", hint="enable stdout_output, file_output or an entry of `outputs`"
        )
    return tuple(found)


def _wanted(entry: Reader) -> Wanted:
    return Wanted(
        least=_priority(entry, "minimum_priority"),
        rules=tuple(entry.texts("rules")),
        tags=frozenset(entry.texts("tags")),
        sources=frozenset(entry.texts("sources")),
        condition=entry.text("condition", None),
    )


def _outbox(reader: Reader) -> OutboxSettings:
    path = reader.text("path", None)
    words = tuple(word.value for word in WhenFull)
    return OutboxSettings(
        enabled=reader.boolean("enabled", False) if reader.has("enabled") else None,
        path=Path(path) if path else None,
        limits=Limits(
            max_bytes=reader.number("max_size_mb", 1024, least=1) << 20,
            max_age_s=reader.number("max_age_hours", 7 * 24, least=1) * 3600,
            when_full=WhenFull(reader.choice("when_full", words)),
            duplicates_s=reader.number("duplicates_minutes", 30) * 60,
        ),
    )


_LEVELS = {
    "emergency": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "notice": logging.INFO,
    "info": logging.INFO,
    "informational": logging.INFO,
    "debug": logging.DEBUG,
}


def _log_level(reader: Reader) -> int:
    return _LEVELS[reader.choice("log_level", tuple(_LEVELS), default="info")]
