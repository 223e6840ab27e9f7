"""`falcocore run`: sources in, alerts out, until they end or a signal comes."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
import time
from collections.abc import Awaitable, Callable

from falcocore.app import Application, Project, assemble, open_project
from falcocore.cli import logs
from falcocore.cli.request import print_note, request_of
from falcocore.errors import ConfigError, FalcocoreError
from falcocore.first_minute import look_after_a_minute
from falcocore.lang.diagnostics import Code
from falcocore.rules.loader import LoadResult

log = logging.getLogger("falcocore")

_SUMMED_UP = {
    Code.WARN_UNUSED_MACRO: "macro",
    Code.WARN_UNUSED_LIST: "list",
}
"""Warnings that come in dozens with files that are in order; a run gives their number only."""


def run(options: argparse.Namespace) -> int:
    """Run until every source has ended; the exit status."""
    notes: list[str] = []
    try:
        project = open_project(request_of(options), notes.append)
    except FalcocoreError:
        # Nothing says yet what log lines look like, and a note often says why.
        for note in notes:
            print_note(note)
        raise
    settings = project.settings
    logs.set_up(level=settings.log_level, iso8601=settings.format.time_iso8601, stderr=settings.log_stderr)
    for note in notes:
        log.warning(note)
    if not project.sources:
        installed = ", ".join(project.host.names("source")) or "none is installed"
        print(  # noqa: T201
            "falcocore run: no source is given\n"
            "  use --source NAME or --source NAME=TARGET, or `sources` in the configuration; "
            f"sources: {installed}",
            file=sys.stderr,
        )
        return 2
    loaded = project.load_rules()
    _report_rules(loaded)
    application = assemble(project, loaded)
    del loaded  # the trees of all rules, which nothing reads any more
    _spare_the_collector()
    started = time.monotonic()
    application.engine.open()

    def say_what_starts() -> None:
        for line in start_lines(application):
            log.info(line)

    status = asyncio.run(application.engine.run(watches_of(project, application), say_what_starts))
    if log.isEnabledFor(logging.INFO):
        totals = application.counters.totals_line(time.monotonic() - started)
        logs.print_line(totals, iso8601=settings.format.time_iso8601)
    return status


def _spare_the_collector() -> None:
    """What is there by now stays, and events are freed as they go: looking for cycles finds little.

    Measured: a thirteenth of the time from bytes to alerts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _report_rules(loaded: LoadResult) -> None:
    """Show what was said about the rules; errors end the run."""
    summed: dict[Code, int] = {}
    for diagnostic in loaded.diagnostics:
        if diagnostic.code in _SUMMED_UP:
            summed[diagnostic.code] = summed.get(diagnostic.code, 0) + 1
        elif not diagnostic.is_error:
            log.warning("%s", diagnostic)
    for code, count in summed.items():
        words = f"{_SUMMED_UP[code]} is" if count == 1 else f"{_SUMMED_UP[code]}s are"
        log.info("%d %s not used (`falcocore validate` shows more)", count, words)
    for selection in loaded.idle_selections:
        log.warning("`rules` in the configuration: `%s` fits no rule", selection)
    if loaded.errors:
        count = len(loaded.errors)
        text = "\n".join(str(diagnostic) for diagnostic in loaded.errors)
        raise ConfigError(f"the rules have {count} {'mistake' if count == 1 else 'mistakes'}:\n{text}")


def start_lines(application: Application) -> list[str]:
    """For each source what it does, with how many rules, and what to do next."""
    lines = []
    for runner in application.runners:
        count = len(runner.rules.rules)
        rules = f"{count} {'rule' if count == 1 else 'rules'}"
        step = runner.source.next_step()
        lines.append(f"{runner.name}: {runner.source.banner()} with {rules}{f'. {step}' if step else ''}")
    return lines


def watches_of(project: Project, application: Application) -> dict[str, Callable[[], Awaitable[None]]]:
    """What runs beside the sources."""

    async def look() -> None:
        await look_after_a_minute(application.runners, application.counters)

    watches: dict[str, Callable[[], Awaitable[None]]] = {"look after a minute": look}
    if (shown := display(project, application)) is not None:
        watches["display"] = shown
    return watches


def display(project: Project, application: Application) -> Callable[[], Awaitable[None]] | None:
    """The progress bar, on a terminal and for sources that have an end; None where it is not wanted."""
    if not sys.stderr.isatty() or not any(source.progress() for source in application.sources):
        return None
    if sys.stdout.isatty() and any(output.type == "stdout" for output in project.settings.outputs):
        return None  # alerts and bar would be written over each other
    from falcocore.cli.progress import watcher

    return watcher(application)
