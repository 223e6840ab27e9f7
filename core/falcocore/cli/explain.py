"""`falcocore explain`: why rules do or do not match events, check by check."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from falcocore.alerts import encode_json
from falcocore.app import Project
from falcocore.cli import logs
from falcocore.cli.explained import event_json, event_lines
from falcocore.cli.request import load_rules, open_rules
from falcocore.cli.styled import print_lines
from falcocore.config.settings import SourceSettings
from falcocore.errors import ConfigError, nearest
from falcocore.explain import WatchedRule, explain, watched_rules
from falcocore.options import build
from falcocore.replay import replay, stream_of
from falcocore.rules.loader import LoadResult
from falcocore.stream import Stream


def run(options: argparse.Namespace) -> int:
    """Explain every event of the sources, one source after the other; 1 where the rules have errors."""
    project = open_rules(options)
    settings = project.settings
    logs.set_up(level=settings.log_level, iso8601=settings.format.time_iso8601, stderr=settings.log_stderr)
    if not project.sources:
        raise ConfigError("no source is given", hint="write --source NAME=EVENTS, or NAME=- for stdin")
    loaded = load_rules(project)
    if loaded.errors:
        return 1
    rules = {source.name: watched_rules(loaded, source.name) for source in project.sources}
    _check_names(options.rule, [watched for found in rules.values() for watched in found])
    for source in project.sources:
        _explain_source(source, project, loaded, _chosen(rules[source.name], options.rule), options)
    return 0


def _check_names(names: Sequence[str], rules: Sequence[WatchedRule]) -> None:
    known = [watched.rule.name for watched in rules]
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean `{near}`?" if near else "`falcocore list rules` shows the names"
            raise ConfigError(f"there is no rule `{name}` for the sources that are given", hint=hint)


def _chosen(rules: Sequence[WatchedRule], names: Sequence[str]) -> list[WatchedRule]:
    """Rules that run, and those that are asked for."""
    return [watched for watched in rules if watched.reason is None or watched.rule.name in names]


def _explain_source(
    source: SourceSettings,
    project: Project,
    loaded: LoadResult,
    rules: Sequence[WatchedRule],
    options: argparse.Namespace,
) -> None:
    # Events are what is asked for; without a target they come from standard input, not from a live source.
    source = source if source.target is not None else replace(source, target="-")
    cls = project.host.source(source.name)
    made = build(cls, source.options, f"source {source.instance}", target=source.target)
    names, lists = options.rule, loaded.definitions.lists

    def take(event: Any, stream: Stream) -> None:
        found = explain(rules, event, stream, first=project.settings.load.first)
        shown = [one for one in found.rules if not names or one.watched.rule.name in names]
        if options.json:
            print(encode_json(event_json(source.instance, found, shown)), flush=True)  # noqa: T201
        else:
            print_lines(event_lines(found, shown, lists, brief=options.brief))

    replay(made, stream_of(cls, source.instance, project.settings.format.hostname), take)
