"""`make bench`: from starting to delivery, and what other programs take for a part of it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import orjson

from benchmarks import delivery, webhook
from benchmarks.many_rules import varied_rules
from benchmarks.measure import best_s
from benchmarks.memory import replay
from benchmarks.policy import print_spared
from benchmarks.workload import BUNDLED, audit_lines, newest_rule_files, rule_file, strange_lines
from falcocore.alerts import AlertFormat, Match
from falcocore.fields import FieldTable
from falcocore.host import PluginHost
from falcocore.lang.diagnostics import Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.text import SourceFile, Text
from falcocore.rules.items import Item
from falcocore.rules.loader import Catalogue, load
from falcocore.rules.reader import read_items
from falcocore.ruleset import Matcher, RuleSet
from falcocore.stream import Stream
from falcocore.yamltree.nodes import read_documents
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.files import BLOCK_BYTES
from falcocore_k8s_audit.lines import whole_lines
from falcocore_k8s_audit.record import Record

_struct = msgspec.json.Decoder(Record)

EVENTS = 20_000
MANY_RULES = 1000
REPLAYS = 50
"""Times that the events are read for the peak of the memory: a million in all."""


def main() -> None:
    """Print one figure a line."""
    _starting()
    _parsing()
    rules = _loading()
    lines = audit_lines(EVENTS)
    _matching(rules, lines)
    _many_rules(rules, lines)
    _memory(lines)
    print_spared(sorted({BUNDLED, rule_file()}), _fields(), lines)
    delivery.main(lines)
    webhook.main(lines)
    # In a process of its own: the peak of a child's memory begins with that of its parent.
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", "benchmarks.syscall"], check=True)
    subprocess.run([sys.executable, "-m", "benchmarks.live"], check=True)


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


def _loading() -> RuleSet:
    file = _source_file(rule_file())
    catalogue = Catalogue({"k8s_audit": _fields()}, frozenset({"k8s_audit"}))
    yaml_s = best_s(lambda: list(read_documents(file)))
    load_s = best_s(lambda: load([file], catalogue))
    rules = load([file], catalogue).rule_sets["k8s_audit"]
    ratio = f"{load_s / yaml_s:.1f} times reading their YAML"
    print(f"loading {len(rules.rules)} rules: {load_s * 1e3:.0f} ms, {ratio}")
    return rules


def _matching(rules: RuleSet, lines: list[bytes]) -> None:
    """From the bytes of a file to rendered lines, on one core; nothing is kept, as in the command."""
    count, size = len(lines), sum(map(len, lines)) / len(lines)
    pieces = _pieces(lines)
    plain_s = best_s(lambda: _for_each(lines, _struct.decode))
    decode_s = best_s(lambda: deque(_decoded(pieces), maxlen=0))
    found: list[int] = []
    whole_s = best_s(lambda: found.append(_alerts(pieces, rules.match)))
    print(f"msgspec into the struct, {count} events of {size:.0f} bytes: {count / plain_s:,.0f} events/s")
    print(f"decoding with all that it promises: {count / decode_s:,.0f} events/s")
    share = f"{plain_s / whole_s:.0%} of msgspec's rate, {decode_s / whole_s:.0%} of decoding's"
    print(f"bytes to alerts: {count / whole_s:,.0f} events/s, {share}, {found[-1]} alerts")
    dropped_s = best_s(lambda: _for_each(lines, orjson.loads))
    kept_s = best_s(lambda: [orjson.loads(line) for line in lines], rounds=3)
    print(
        f"orjson only parsing, each event dropped at once: {count / dropped_s:,.0f} events/s, "
        f"{dropped_s / whole_s:.1f} times that; all kept: {count / kept_s:,.0f} events/s, "
        f"{kept_s / whole_s:.1f} times that"
    )


def _many_rules(rules: RuleSet, lines: list[bytes]) -> None:
    """The cost of many rules against few, and of a stream in which each event names something new."""
    pieces, strange = _pieces(lines), _pieces(strange_lines(lines))
    many = RuleSet.compiled("k8s_audit", varied_rules(rules.rules, MANY_RULES, _fields()), first=True)
    events = [event for decoded in _decoded(pieces) for event in decoded.events]
    few_s = best_s(lambda: _match(events, rules.match))
    many_s = best_s(lambda: _match(events, many.match))
    per_event = f"{few_s / len(events) * 1e6:.2f} us an event"
    ratio = f"{many_s / few_s:.2f} times that"
    print(f"matching {len(rules.rules)} rules: {per_event}; {MANY_RULES} rules: {ratio}")
    usual_s = best_s(lambda: _alerts(pieces, rules.match))
    many_whole_s = best_s(lambda: _alerts(pieces, many.match))
    strange_s = best_s(lambda: _alerts(strange, rules.match))
    print(f"bytes to alerts with {MANY_RULES} rules: {many_whole_s / usual_s:.2f} times the cost")
    print(f"a new verb and resource with each event: {strange_s / usual_s:.2f} times the cost")


def _memory(lines: list[bytes]) -> None:
    seconds, peak_bytes = replay(rule_file(), lines, REPLAYS)
    count = len(lines) * REPLAYS
    print(
        f"{count:,} events through a pipe: {count / seconds:,.0f} events/s, {peak_bytes / 1e6:.0f} MB at most"
    )


def _fields() -> FieldTable:
    return PluginHost().fields_for("k8s_audit")


def _source_file(path: Path) -> SourceFile:
    return SourceFile(path.name, path.read_text(encoding="utf-8"))


def _conditions(files: list[SourceFile]) -> list[object]:
    """The tree of every condition, parsed anew."""
    items = [item for file in files for item in read_items(file, Report()) if isinstance(item, Item)]
    texts: list[Text] = [item.values["condition"] for item in items if "condition" in item.values]
    return [parse_condition(text) for text in texts]


def _pieces(lines: list[bytes]) -> list[bytes]:
    """A file of the lines, as it is read."""
    content = b"\n".join(lines) + b"\n"
    return [content[at : at + BLOCK_BYTES] for at in range(0, len(content), BLOCK_BYTES)]


def _for_each(lines: list[bytes], work: Callable[[bytes], object]) -> None:
    for line in lines:
        work(line)


def _decoded(pieces: list[bytes]) -> Iterator[Decoded]:
    for block in whole_lines(pieces):
        decoded = Decoded()
        decoded.read_lines(block, lambda line, _byte: f"bench:{line}")
        yield decoded


def _match(events: list[AuditEvent], match: Matcher) -> None:
    stream = Stream("k8s_audit", "k8s_audit", "k8saudit", "host")
    for event in events:
        match(event, stream)


def _alerts(pieces: list[bytes], match: Matcher) -> int:
    alert_format = AlertFormat("host", json_output=True)
    stream = Stream("k8s_audit", "k8s_audit", "k8saudit", "host")
    out = io.StringIO()
    alerts = 0
    for decoded in _decoded(pieces):
        for event in decoded.events:
            stream.num += 1
            for rule, values in match(event, stream):
                alert = alert_format.alert(Match(rule, event.time_ns, event.key, values, "k8s_audit", {}))
                out.write(alert.line)
                alerts += 1
    return alerts


if __name__ == "__main__":
    main()
