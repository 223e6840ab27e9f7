"""From parsed arguments to what the application is asked for."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from falcocore.app import Project, Request, open_project, open_settings
from falcocore.errors import ConfigError
from falcocore.rules.loader import LoadResult
from falcocore.ruleset import Rule
from falcocore.state import StateDirectory, state_directory


def request_of(options: argparse.Namespace) -> Request:
    """The request that the arguments make; a command may lack some of them."""
    return Request(
        config=Path(options.config) if options.config is not None else None,
        overrides=tuple(options.overrides),
        sources=tuple(getattr(options, "sources", ())),
        rules=tuple(getattr(options, "rules", ())),
        workers=getattr(options, "workers", None),
    )


def print_note(text: str) -> None:
    """Say what is odd about the configuration, for commands that keep no log."""
    print(f"Warning: {text}", file=sys.stderr)  # noqa: T201


def open_rules(options: argparse.Namespace) -> Project:
    """The project for a command that shows rules: those that a run would load, else all packs."""
    project = open_project(request_of(options), print_note)
    if not project.rule_files:
        project.rule_files = [
            file for name in project.host.names("rules") for file in project.host.pack(name).files
        ]
    return project


def load_rules(project: Project) -> LoadResult:
    """The rules of a project; what is wrong with them is said on stderr."""
    loaded = project.load_rules()
    for error in loaded.errors:
        print(error, file=sys.stderr)  # noqa: T201
    for selection in loaded.idle_selections:
        print_note(f"`rules` in the configuration: `{selection}` fits no rule")
    return loaded


def active_rules(options: argparse.Namespace, source: str) -> tuple[Rule, ...]:
    """The rules of one source that a run with the arguments of `add_rule_arguments` would match, in order.

    Warnings go to stderr.

    Raises:
        ConfigError: the configuration or a rule file can't be used; the mistakes are said on stderr.
        PluginError: a source, field set or pack that is not installed, or broken.
    """
    project = open_project(replace(request_of(options), sources=(source,)), print_note)
    loaded = load_rules(project)
    if loaded.errors:
        hint = "`falcocore validate FILE` shows every mistake of a file"
        raise ConfigError("the rules can't be used", hint=hint)
    return loaded.rule_sets[source].rules


def open_state(options: argparse.Namespace) -> StateDirectory:
    """The state directory that a run with the same arguments would take; nothing is made or locked."""
    return state_directory(open_settings(request_of(options), print_note).outbox.path)
