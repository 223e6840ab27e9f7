"""`falcocore status`: how a running process is doing."""

from __future__ import annotations

import argparse
import time

import msgspec

from falcocore.cli.figures import count, duration, size
from falcocore.cli.listing import Row, show_part
from falcocore.cli.request import open_state
from falcocore.control.client import ask
from falcocore.control.protocol import ControlError
from falcocore.control.report import OutputReport, Report, SourceReport


def run(options: argparse.Namespace) -> int:
    """Ask the process that owns the state directory, and show what it says."""
    answer = ask(open_state(options), "status")
    if options.format == "json":
        print(answer.decode())  # noqa: T201
        return 0
    try:
        report = msgspec.json.decode(answer, type=Report)
    except msgspec.ValidationError as error:
        raise ControlError(
            f"the answer of the running process is not understood: {error}",
            hint="it may be of another version; --format json shows what it says",
        ) from None
    _show(report)
    return 0


def _show(report: Report) -> None:
    for line in _summary(report):
        print(line)  # noqa: T201
    now_s = time.time()
    show_part("Sources", [_source_row(source) for source in report.sources])
    figures = [_figure_row(it.instance, *item) for it in report.sources for item in it.figures.items()]
    show_part("Figures of sources", figures)
    show_part("Outputs", [_output_row(output, now_s) for output in report.outputs])
    alerts = report.alerts
    show_part("Alerts by priority", [_number_row("priority", *item) for item in alerts.by_priority.items()])
    show_part("Alerts by rule", [_number_row("rule", *item) for item in alerts.by_rule.items()])
    show_part("Field failures", [_number_row("field", *item) for item in report.field_failures.items()])


def _summary(report: Report) -> list[str]:
    alerts, outbox = report.alerts, report.outbox
    copies = count(alerts.second_copies, "second copy", "second copies")
    lines = [
        f"falcocore {report.version}, process {report.pid}, running for {duration(report.uptime_s)}, "
        f"state in {report.directory}",
        f"{count(sum(source.events for source in report.sources), 'event')}, "
        f"{count(alerts.total, 'alert')}{f', {copies} left out' if alerts.second_copies else ''}, "
        f"{count(report.rules.count, 'rule')} (generation {report.rules.generation})",
    ]
    if outbox is None:
        lines.append("no outbox: alerts go straight to the outputs")
    elif outbox.size_bytes is None:
        lines.append(f"outbox {outbox.path} can't be read now: {outbox.error}")
    else:
        lines.append(f"outbox {outbox.path}: {size(outbox.size_bytes)} of {size(outbox.limit_bytes)}")
    return lines


def _source_row(source: SourceReport) -> Row:
    cells = msgspec.to_builtins(source)
    del cells["figures"]
    return {name: _figure(value) for name, value in cells.items()}


def _figure_row(instance: str, name: str, value: int | str) -> Row:
    return {"instance": instance, "figure": name, "value": _figure(value)}


def _figure(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def _output_row(output: OutputReport, now_s: float) -> Row:
    return {
        "name": output.name,
        "state": _state(output, now_s),
        "waiting": _number(output.backlog),
        "oldest": "" if output.oldest_s is None else duration(now_s - output.oldest_s),
        "delivered": _number(output.delivered),
        "refused": _number(output.refused),
        "dead letters": _number(output.dead_letters),
        "dropped": ", ".join(f"{number:,} {reason}" for reason, number in output.dropped.items()),
        "failures": _number(output.failures),
        "last error": output.last_error or "",
    }


def _state(output: OutputReport, now_s: float) -> str:
    if not output.configured:
        return "not configured"
    if output.failing_since_s is None:
        return "ok"
    failing = f"failing for {duration(now_s - output.failing_since_s)}"
    if not output.backlog:
        return failing
    if output.next_try_s is None or output.next_try_s <= now_s:
        return f"{failing}, trying"
    return f"{failing}, next try in {duration(output.next_try_s - now_s)}"


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _number_row(what: str, name: str, number: int) -> Row:
    return {what: name, "count": f"{number:,}"}
