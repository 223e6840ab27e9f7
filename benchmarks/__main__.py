"""`make bench`: starting, reading rules, decoding events, and the way from bytes to alerts."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import best_s
from benchmarks.workload import audit_lines, newest_rule_files, rule_file
from falcocore.alerts import AlertFormat, Match
from falcocore.host import PluginHost
from falcocore.lang.diagnostics import Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.text import SourceFile, Text
from falcocore.rules.items import Item
from falcocore.rules.loader import Catalogue, load
from falcocore.rules.reader import read_items
from falcocore.ruleset import Matcher
from falcocore.source import Stream
from falcocore.yamltree.nodes import read_documents
from falcocore_k8s_audit.decode import Decoded

EVENTS = 20_000


def main() -> None:
    """Print one figure a line."""
    _starting()
    _parsing()
    match = _loading()
    _matching(match)


def _starting() -> None:
    """The whole process, against one that only starts Python."""
    python_s = best_s(lambda: subprocess.run([sys.executable, "-c", ""], check=True))
    help_s = best_s(
        lambda: subprocess.run(
            [sys.executable, "-m", "falcocore", "--help"], check=True, stdout=subprocess.DEVNULL
        )
    )
    print(f"falcocore --help: {help_s * 1e3:.0f} ms, {help_s / python_s:.1f} times an empty Python")


def _parsing() -> None:
    """Reading rule files and parsing their conditions, against reading them as YAML."""
    files = [_source_file(path) for path in newest_rule_files()]
    yaml_s = best_s(lambda: [list(read_documents(file)) for file in files])
    parse_s = best_s(lambda: _conditions(files))
    count = len(_conditions(files))
    print(
        f"parsing {count} conditions: {parse_s * 1e3:.0f} ms, {parse_s / yaml_s:.1f} times reading their YAML"
    )


def _loading() -> Matcher:
    file = _source_file(rule_file())
    catalogue = Catalogue({"k8s_audit": PluginHost().fields_for("k8s_audit")}, frozenset({"k8s_audit"}))
    yaml_s = best_s(lambda: list(read_documents(file)))
    load_s = best_s(lambda: load([file], catalogue))
    rules = load([file], catalogue).rule_sets["k8s_audit"]
    ratio = f"{load_s / yaml_s:.1f} times reading their YAML"
    print(f"loading {len(rules.rules)} rules: {load_s * 1e3:.0f} ms, {ratio}")
    return rules.match


def _matching(match: Matcher) -> None:
    lines = audit_lines(EVENTS)
    count, size = len(lines), sum(map(len, lines)) / len(lines)
    blocks = [lines[at : at + 400] for at in range(0, count, 400)]
    decode_s = best_s(lambda: _decode(blocks), rounds=3)
    alert_format = AlertFormat("host", json_output=True)
    found: list[int] = []
    whole_s = best_s(lambda: found.append(_alerts(blocks, match, alert_format)), rounds=3)
    print(f"decoding {count} events of {size:.0f} bytes: {count / decode_s:,.0f} events/s")
    share = f"decoding is {decode_s / whole_s:.0%} of it"
    print(f"bytes to alerts: {count / whole_s:,.0f} events/s, {share}, {found[-1]} alerts")


def _source_file(path: Path) -> SourceFile:
    return SourceFile(path.name, path.read_text(encoding="utf-8"))


def _conditions(files: list[SourceFile]) -> list[object]:
    """The tree of every condition, parsed anew."""
    items = [item for file in files for item in read_items(file, Report()) if isinstance(item, Item)]
    texts: list[Text] = [item.values["condition"] for item in items if "condition" in item.values]
    return [parse_condition(text) for text in texts]


def _decode(blocks: list[list[bytes]]) -> list[Decoded]:
    batches = []
    for lines in blocks:
        decoded = Decoded()
        for line in lines:
            decoded.read(line, "bench")
        batches.append(decoded)
    return batches


def _alerts(blocks: list[list[bytes]], match: Matcher, alert_format: AlertFormat) -> int:
    stream = Stream("k8s_audit", "k8s_audit", "k8saudit", "host")
    out = io.StringIO()
    alerts = 0
    for decoded in _decode(blocks):
        for event in decoded.events:
            stream.num += 1
            for rule, values in match(event, stream):
                alert = alert_format.alert(Match(rule, event.time_ns, event.key, values, "k8s_audit", {}))
                out.write(alert.line)
                alerts += 1
    return alerts


if __name__ == "__main__":
    main()
