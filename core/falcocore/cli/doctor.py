"""`falcocore doctor`: what keeps sources from working, and what to do about it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from falcocore.app import Project, make_source, open_project
from falcocore.cli.listing import on_one_line, show
from falcocore.cli.request import open_state, print_note, request_of
from falcocore.config.settings import SourceSettings
from falcocore.control.client import NotRunningError, ask
from falcocore.control.protocol import ControlError
from falcocore.control.report import Report
from falcocore.diagnosis import Circumstances, Finding
from falcocore.errors import FalcocoreError
from falcocore.rules.loader import LoadResult

CORE = "falcocore"
"""Where findings come from that are about no single source."""


@dataclass(frozen=True, slots=True)
class Row:
    """A finding, and the source that has it."""

    source: str
    finding: Finding


def run(options: argparse.Namespace) -> int:
    """Ask every source, and show what was found; 1 where anything is not as it should be."""
    rows = list(_rows(options))
    if options.as_json:
        print(msgspec.json.encode([_object(row) for row in rows]).decode())  # noqa: T201
    else:
        show([_cells(row) for row in rows], as_json=False)
    return 0 if all(row.finding.ok for row in rows) else 1


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    request = request_of(options)
    project = open_project(request, print_note)
    is_configured = bool(project.sources)
    if not is_configured:
        installed = tuple(project.host.names("source"))
        project = open_project(replace(request, sources=installed), lambda _said_already: None)
    loaded = project.load_rules()
    yield Row(CORE, _about_rules(loaded))
    running, finding = _running(options)
    yield Row(CORE, finding)
    files = tuple(map(Path, options.files))
    for source in project.sources:
        events = None if running is None else _events(running, source)
        rules = None if loaded.errors else loaded.rule_sets.get(source.name)
        circumstances = Circumstances(rules, events, files)
        yield from _of_source(project, source, circumstances, is_configured=is_configured)


def _of_source(
    project: Project, source: SourceSettings, circumstances: Circumstances, *, is_configured: bool
) -> Iterable[Row]:
    """What a source says, or why it can't be asked; nothing of one that nobody has asked for and that can't
    be without a target.
    """
    try:
        made = make_source(project, source)
    except FalcocoreError as error:
        if not is_configured:
            return []
        return [Row(source.instance, _refusal("options", error))]
    try:
        findings = list(made.diagnose(circumstances))
    except FalcocoreError as error:
        findings = [_refusal("diagnosis", error)]
    if not findings:
        findings = [Finding("options", ok=True, detail="it has nothing more to look at")]
    return [Row(source.instance, finding) for finding in findings]


def _refusal(name: str, error: FalcocoreError) -> Finding:
    return Finding(name, ok=False, detail=error.message, remedy=error.hint or "")


def _about_rules(loaded: LoadResult) -> Finding:
    if loaded.errors:
        first, count = loaded.errors[0], len(loaded.errors)
        detail = f"{count} {'mistake' if count == 1 else 'mistakes'}; the first: {first}"
        return Finding("rules", ok=False, detail=detail, remedy="`falcocore validate FILE` shows every one")
    count = sum(len(rules.rules) for rules in loaded.rule_sets.values())
    return Finding("rules", ok=True, detail=f"{count} {'rule' if count == 1 else 'rules'}")


def _running(options: argparse.Namespace) -> tuple[Report | None, Finding]:
    """What the process that runs with the same configuration tells, and a finding about it."""
    try:
        report = msgspec.json.decode(ask(open_state(options), "status"), type=Report)
    except NotRunningError:
        return None, Finding("process", ok=True, detail="none is running with this state directory")
    except ControlError as error:
        return None, _refusal("process", error)
    except msgspec.ValidationError as error:
        remedy = "start it again with this version"
        return None, Finding(
            "process", ok=False, detail=f"its answer is not understood: {error}", remedy=remedy
        )
    return report, Finding("process", ok=True, detail=f"process {report.pid} is running")


def _events(report: Report, source: SourceSettings) -> int | None:
    found = (it.events for it in report.sources if (it.instance, it.source) == (source.instance, source.name))
    return next(found, None)


def _object(row: Row) -> dict[str, object]:
    return {"source": row.source, **msgspec.to_builtins(row.finding)}


def _cells(row: Row) -> dict[str, str]:
    finding = row.finding
    word = "FAILS" if not finding.ok else "warning" if finding.remedy else "ok"
    return {
        "source": row.source,
        "check": finding.name,
        "result": on_one_line(f"{word}: {finding.detail}" if finding.detail else word),
        "what to do": on_one_line(finding.remedy),
    }
