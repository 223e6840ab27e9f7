"""`falcocore profile`: what rules cost on recorded events."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from falcocore.app import Project
from falcocore.cli import logs
from falcocore.cli.explained import cut
from falcocore.cli.request import load_rules, open_rules
from falcocore.config.settings import SourceSettings
from falcocore.errors import ConfigError
from falcocore.explain import watched_rules
from falcocore.options import build
from falcocore.profile import Cost, Profile, profile
from falcocore.replay import Take, replay, stream_of
from falcocore.rules.loader import LoadResult


def run(options: argparse.Namespace) -> int:
    """Measure each source's rules on its events; 1 where the rules have errors."""
    project = open_rules(options)
    settings = project.settings
    logs.set_up(level=settings.log_level, iso8601=settings.format.time_iso8601, stderr=settings.log_stderr)
    if not project.sources:
        raise ConfigError("no source is given", hint="write --source NAME=EVENTS")
    for source in project.sources:
        _check_target(source)
    loaded = load_rules(project)
    if loaded.errors:
        return 1
    found = {source.instance: _profile(source, project, loaded) for source in project.sources}
    if options.json:
        print(msgspec.json.encode([_json(name, one) for name, one in found.items()]).decode())  # noqa: T201
    else:
        for name, one in found.items():
            _show(name, one, options.top)
    return 0


def _check_target(source: SourceSettings) -> None:
    """Events are read several times, so they have to be in a file."""
    if source.target is None or not os.path.exists(source.target):
        where = "nothing is named" if source.target is None else f"{source.target} is no file or directory"
        hint = f"record them to a file first: --source {source.name}=FILE"
        raise ConfigError(f"source {source.instance}: events are read more than once, and {where}", hint=hint)


def _profile(source: SourceSettings, project: Project, loaded: LoadResult) -> Profile:
    cls = project.host.source(source.name)

    def replay_events(take: Take) -> None:
        made = build(cls, source.options, f"source {source.instance}", target=source.target)
        replay(made, stream_of(cls, source.instance, project.settings.format.hostname), take)

    rules = [one for one in watched_rules(loaded, source.name) if one.reason is None]
    return profile(rules, replay_events, first=project.settings.load.first)


def _show(name: str, found: Profile, top: int) -> None:
    events, rules = found.events, len(found.rules)
    print(f"{name}: {events:,} events, {rules} rules, {found.matches:,} matches")  # noqa: T201
    if not events:
        return
    print(  # noqa: T201
        f"  {found.dispatched_ns / events / 1000:.2f} µs an event, {found.whole_ns / events / 1000:.2f} µs "
        f"without dispatch: it spares {found.spared:.0%}"
    )
    keys = ", ".join(found.keys)
    spared = f"{found.left:.1f} of {rules} rules are tried for an event, on average"
    print(  # noqa: T201
        f"  dispatched on {keys}: {found.combinations:,} combinations, {spared}"
        if keys
        else f"  no field is worth a dispatch: {spared}"
    )
    for title, costs in (("rule", found.rules), ("check", found.checks)):
        print()  # noqa: T201
        for line in _table(title, costs[:top] if top else costs):
            print(line)  # noqa: T201


def _table(title: str, costs: Sequence[Cost]) -> Iterator[str]:
    yield f"{'ms':>12}{'µs each':>12}{'tried':>14}{'true':>14}  {title}"
    for cost in costs:
        times = f"{cost.time_ns / 1e6:12,.2f}{cost.each_ns / 1000:12,.2f}"
        yield f"{times}{cost.tried:14,}{cost.true:14,}  {cut(cost.name)}"


def _json(name: str, found: Profile) -> dict[str, Any]:
    return {
        "source": name,
        "events": found.events,
        "matches": found.matches,
        "time_ns": found.dispatched_ns,
        "time_without_dispatch_ns": found.whole_ns,
        "dispatched_on": found.keys,
        "combinations": found.combinations,
        "rules_tried_for_an_event": found.left,
        "rules": [_cost_json("rule", cost) for cost in found.rules],
        "checks": [_cost_json("check", cost) for cost in found.checks],
    }


def _cost_json(title: str, cost: Cost) -> dict[str, Any]:
    return {title: cost.name, "tried": cost.tried, "true": cost.true, "time_ns": cost.time_ns}
