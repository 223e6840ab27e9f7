"""`falcocore test`: unit tests of rules, reported as pytest does."""

from __future__ import annotations

import argparse
import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from falcocore.alerts import escape_line
from falcocore.cli import logs
from falcocore.cli.explained import cut, rule_lines
from falcocore.cli.styled import Line, plain, print_lines, print_piece
from falcocore.host import PluginHost
from falcocore.ruletest.coverage import Gap, Report
from falcocore.ruletest.junit import write_junit
from falcocore.ruletest.running import Outcome
from falcocore.ruletest.session import FileOutcome, Session, find_files


def run(options: argparse.Namespace) -> int:
    """Run the tests; 1 where one fails, none is there, or too little is covered."""
    logs.set_up(level=logging.WARNING, iso8601=False, stderr=True)
    started = time.perf_counter()
    host = PluginHost()
    session = Session(host, options.keywords)
    files = [_run_file(session, path) for path in find_files(options.paths, host)]
    for lines in (_broken(files), _failures(files)):
        print_lines(lines)
    report = session.coverage.report()
    if options.coverage or options.fail_under is not None:
        print_lines(_coverage(report, show_gaps=options.coverage))
    if options.junit is not None:
        write_junit(Path(options.junit), files, _described)
    print_lines([_summary(files, session.left_out, time.perf_counter() - started)])
    too_little = options.fail_under is not None and report.percent < options.fail_under
    if too_little:
        print(  # noqa: T201
            f"the coverage is {report.percent:.2f} %, less than the {options.fail_under:g} % of --fail-under"
        )
    cases = [case for file in files for case in file.cases]
    bad = not cases or any(case.problems for case in cases) or any(file.errors for file in files)
    return 1 if bad or too_little else 0


def _run_file(session: Session, path: Path) -> FileOutcome:
    """Run one file, with a sign for each of its cases as it ends."""
    print_piece(f"{path} ")
    outcome = session.run(
        path, lambda case: print_piece("F", "red") if case.problems else print_piece(".", "green")
    )
    print_piece("E\n" if outcome.errors else "\n", "red")
    return outcome


def _broken(files: Sequence[FileOutcome]) -> Iterator[Line]:
    for file in files:
        if file.errors:
            yield ()
            yield ((f"--- {file.path} can't be run ---", "bold red"),)
            for error in file.errors:
                for line in error.splitlines():
                    yield ((escape_line(line), ""),)


def _failures(files: Sequence[FileOutcome]) -> Iterator[Line]:
    for file in files:
        for case in file.cases:
            if case.problems:
                yield ()
                yield ((f"--- {escape_line(case.name)} ({case.file}:{case.line}) ---", "bold red"),)
                yield from _problem_lines(case)


def _problem_lines(case: Outcome) -> Iterator[Line]:
    for problem in case.problems:
        yield ((escape_line(problem.text), "red"),)
        for number, explained in problem.explained:
            yield ((f"  event {number}:", "bold"),)
            yield from rule_lines(explained, case.lists, brief=True, indent="    ")


def _described(case: Outcome) -> str:
    return "\n".join(plain(line) for line in _problem_lines(case))


def _coverage(report: Report, *, show_gaps: bool) -> Iterator[Line]:
    yield ()
    yield (
        (f"coverage: {report.percent:.2f} %", "bold"),
        (f" ({report.alerted} of {report.rules} rules alerted, ", ""),
        (f"gaps: {len(report.missing)}, and {len(report.exempt)} with a reason)", ""),
    )
    for exemption in report.idle:
        what = ", ".join(str(one) for one in (exemption.rule, exemption.check) if isinstance(one, str))
        yield ((f"  `uncovered` speaks of what is covered, or not there: {what or 'nothing'}", "yellow"),)
    if show_gaps:
        for rule, gaps in itertools.groupby(report.missing, lambda gap: gap.rule):
            yield ((f"  {escape_line(rule)}", "bold"),)
            for gap in gaps:
                yield ((f"    {gap.what}", "red"), (f"  {cut(gap.check or '')}", ""), (_where(gap), "dim"))
        for gap, reason in report.exempt:
            text = f"{gap.rule}: {gap.what}  {gap.check or ''}"
            yield ((f"  {cut(text)} ({cut(reason)})", "dim"),)


def _where(gap: Gap) -> str:
    if gap.place is None:
        return ""
    line, column = gap.place.span.position
    return f"  {gap.place.span.file.name}:{line}:{column}"


def _summary(files: Sequence[FileOutcome], left_out: int, took_s: float) -> Line:
    cases = [case for file in files for case in file.cases]
    failed = sum(bool(case.problems) for case in cases)
    broken = sum(bool(file.errors) for file in files)
    counts = [
        (failed, "failed"),
        (len(cases) - failed, "passed"),
        (broken, "file broken" if broken == 1 else "files broken"),
        (left_out, "left out"),
    ]
    text = ", ".join(f"{count} {word}" for count, word in counts if count) or "no tests"
    return ((f"{text} in {took_s:.2f} s", "bold red" if failed or broken or not cases else "bold green"),)
