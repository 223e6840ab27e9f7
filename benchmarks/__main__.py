"""`make bench`: reading rules, decoding events, and the way from bytes to alerts."""

from __future__ import annotations

import io

from benchmarks.measure import best_s
from benchmarks.workload import audit_lines, rule_files
from falcocore.alerts import AlertFormat, Match
from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, load
from falcocore.ruleset import Matcher
from falcocore.source import Stream
from falcocore.yamltree.nodes import read_documents
from falcocore_k8s_audit.decode import Decoded

EVENTS = 20_000


def main() -> None:
    """Print one figure a line."""
    paths = rule_files()
    files = [SourceFile(path.name, path.read_text(encoding="utf-8")) for path in paths]
    catalogue = Catalogue({"k8s_audit": PluginHost().fields_for("k8s_audit")}, frozenset({"k8s_audit"}))
    yaml_s = best_s(lambda: [list(read_documents(file)) for file in files])
    load_s = best_s(lambda: load(files, catalogue))
    rules = load(files, catalogue).rule_sets["k8s_audit"]
    print(f"rules: {len(rules.rules)} of {', '.join(file.name for file in files)}")
    print(f"loading rules: {load_s * 1e3:.0f} ms, {load_s / yaml_s:.1f} times reading their YAML")

    lines = audit_lines(EVENTS)
    size = sum(map(len, lines)) / len(lines)
    print(f"events: {len(lines)} of {size:.0f} bytes")
    block = [lines[at : at + 400] for at in range(0, len(lines), 400)]
    decode_s = best_s(lambda: _decode(block), rounds=3)
    alert_format = AlertFormat("host", json_output=True)
    found: list[int] = []
    whole_s = best_s(lambda: found.append(_alerts(block, rules.match, alert_format)), rounds=3)
    count = len(lines)
    print(f"decoding: {count / decode_s:,.0f} events/s")
    share = f"{decode_s / whole_s:.0%} of decoding"
    print(f"bytes to alerts: {count / whole_s:,.0f} events/s, {share}, {found[-1]} alerts")


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
                alert = alert_format.alert(Match(rule, event.time_ns, event.key, values, "k8s_audit"))
                out.write(alert.line)
                alerts += 1
    return alerts


if __name__ == "__main__":
    main()
