"""The wiring: configuration, plugins and rule files become an engine that is ready to run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from falcocore import rulefiles
from falcocore.config.loader import load_config
from falcocore.config.settings import (
    OutputSettings,
    Settings,
    SourceSettings,
    read_settings,
    with_unique_instances,
)
from falcocore.control.outbox import OutboxCommands
from falcocore.control.protocol import NoArguments, taking
from falcocore.control.server import ControlServer
from falcocore.control.status import StatusCommand
from falcocore.counters import Counters
from falcocore.delivering import Delivering, delivering_for
from falcocore.destination import Destination
from falcocore.engine import Engine
from falcocore.errors import ConfigError
from falcocore.fields import FieldTable
from falcocore.host import PluginHost
from falcocore.options import build
from falcocore.output import Output
from falcocore.rules.loader import Catalogue, LoadResult, load
from falcocore.runner import Runner
from falcocore.shard import Shard
from falcocore.shards import ShardedRunner
from falcocore.source import Source
from falcocore.stream import Stream
from falcocore.writer import Writer

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for. `sources` are texts NAME or NAME=TARGET."""

    config: Path | None = None
    overrides: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    workers: int | None = None


class Tables(Mapping[str, FieldTable]):
    """The field table of each installed source, made when it is first asked for."""

    def __init__(self, host: PluginHost, static_fields: Mapping[str, str]) -> None:
        self._host = host
        self._static = static_fields
        self._names = sorted({*host.names("source"), *host.field_sources()})
        self._made: dict[str, FieldTable] = {}

    def __getitem__(self, source: str) -> FieldTable:
        if source not in self._names:
            raise KeyError(source)
        if source not in self._made:
            self._made[source] = self._host.fields_for(source, self._static)
        return self._made[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(slots=True)
class Project:
    """Everything that was read: the host, the settings, the sources that run, and where rules come from."""

    host: PluginHost
    settings: Settings
    sources: tuple[SourceSettings, ...]
    rule_files: list[Path]
    tables: Tables

    def load_rules(self) -> LoadResult:
        """Read and compile the rule files; where no source was named, as if every installed one ran."""
        running = frozenset(source.name for source in self.sources) or frozenset(self.tables)
        files = rulefiles.read_files(self.rule_files)
        return load(files, Catalogue(self.tables, running), self.settings.load)


def open_settings(request: Request, warn: Warn, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the configuration, for commands that need nothing else.

    Raises:
        ConfigError: something in it can't be used.
    """
    config: dict[str, Any] = load_config(request.config, request.overrides, warn, environment)
    return read_settings(config, warn, environment)


def open_project(request: Request, warn: Warn, environment: Mapping[str, str] = os.environ) -> Project:
    """Read the configuration and find the sources and rule files that it and the command line name.

    Raises:
        ConfigError: something in the configuration or on the command line can't be used.
        PluginError: a source or pack that is not installed, or broken.
    """
    settings = open_settings(request, warn, environment)
    host = PluginHost()
    sources = _requested_sources(request.sources, settings) if request.sources else settings.sources
    for source in sources:
        host.source(source.name)
    if request.workers is not None:
        sources = tuple(replace(source, workers=request.workers) for source in sources)
    if request.rules:
        files = rulefiles.named_files(request.rules, host)
    elif settings.rules_files is not None:
        files = rulefiles.configured_files(settings.rules_files, host, warn)
    else:
        files = rulefiles.default_files((source.name for source in sources), host)
    return Project(host, settings, sources, files, Tables(host, settings.static_fields))


def _requested_sources(requested: Sequence[str], settings: Settings) -> tuple[SourceSettings, ...]:
    """The sources of the command line, with the options that the configuration has for them."""
    configured = {source.name: source for source in reversed(settings.sources)}
    found = []
    for text in requested:
        name, given, target = text.partition("=")
        if given and not target:
            hint = f"write --source {name} to run it live, or name what it reads"
            raise ConfigError(f"--source {text} names no target", hint=hint)
        known = configured.get(name, SourceSettings(name, name))
        found.append(replace(known, target=target) if given else known)
    return with_unique_instances(found)


@dataclass(slots=True)
class Application:
    """An engine that is ready to be opened and run, and what is shown of it."""

    engine: Engine
    runners: list[Runner | ShardedRunner]
    counters: Counters

    @property
    def sources(self) -> list[Source | ShardedRunner]:
        """The sources, in order."""
        return [runner.source for runner in self.runners]


def assemble(project: Project, loaded: LoadResult) -> Application:
    """Make sources, outputs, writer and engine.

    Raises:
        ConfigError: an option of a source or output that can't be used.
        PluginError: an output that is not installed, or broken.
    """
    settings, counters = project.settings, Counters()
    engine: Engine | None = None

    def stop(_reason: str) -> None:
        if engine is not None:
            engine.stop(1)

    sources = [(source, make_source(project, source)) for source in project.sources]
    is_live = any(made.progress() is None for _, made in sources)
    keeps_state = any(made.keeps_state for _, made in sources)
    delivering = delivering_for(
        settings, _destinations(project), counters, stop, is_live=is_live, keeps_state=keeps_state
    )
    writer = Writer(delivering.sink, settings.format)
    for source, made in sources:
        if made.keeps_state and delivering.directory is not None:
            made.state = delivering.directory.of_source(source.instance)
    runners = [_runner(project, source, made, loaded, writer, counters) for source, made in sources]
    restart = frozenset(source.instance for source in project.sources if source.restart)
    engine = Engine(runners, writer, delivering, restart, _control(delivering, runners, counters))
    return Application(engine, runners, counters)


def make_source(project: Project, source: SourceSettings) -> Source:
    """A source with its options; it is not opened.

    Raises:
        ConfigError: an option can't be used.
        PluginError: it is not installed, or broken.
        SourceError: its target can't be used.
    """
    cls, where = project.host.source(source.name), f"source {source.instance}"
    made: Source = build(cls, source.options, where, target=source.target)
    if source.workers > 1 and not made.shardable:
        raise ConfigError(
            f"{where} can't run in several processes",
            hint="leave out --workers, or `workers` in its configuration",
        )
    return made


def _runner(
    project: Project,
    source: SourceSettings,
    made: Source,
    loaded: LoadResult,
    writer: Writer,
    counters: Counters,
) -> Runner | ShardedRunner:
    alert_format, plugin = project.settings.format, made.plugin_name or made.name
    stream = Stream(source.name, source.instance, plugin, alert_format.hostname)
    rules = loaded.rule_sets[source.name]
    if source.workers == 1:
        return Runner(made, stream, rules, writer, counters)
    return ShardedRunner(Shard(made, stream, rules, alert_format), source.workers, writer, counters)


def _control(
    delivering: Delivering, runners: Sequence[Runner | ShardedRunner], counters: Counters
) -> ControlServer | None:
    """The control socket with all that can be asked there."""
    directory = delivering.directory
    if directory is None:
        return None
    status = StatusCommand(directory.path, runners, counters, delivering.report)
    outbox = OutboxCommands(directory.outbox, delivering.retry_now)
    commands = {"status": taking(NoArguments, lambda _none: status.report()), **outbox.handlers()}
    return ControlServer(directory, commands)


def _destinations(project: Project) -> list[Destination]:
    return [
        Destination(
            output.name, make_output(project.host, output), output.wanted.function(f"output {output.name}")
        )
        for output in project.settings.outputs
    ]


def make_output(host: PluginHost, settings: OutputSettings) -> Output:
    """A configured output.

    Raises:
        ConfigError: an option that can't be used.
        PluginError: it is not installed, or broken.
    """
    made: Output = build(host.output(settings.type), settings.options, f"output {settings.name}")
    return made
