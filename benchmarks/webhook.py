"""What the webhook does under load, and how long its clients wait."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.serving import Running, distinct, percentiles, post, serving
from benchmarks.workload import rule_file

CONNECTIONS = (1, 4, 16)
STDOUT = "stdout_output: {enabled: true}"
SINGLE_POSTS = 300


def main(lines: list[bytes]) -> None:
    """Print one figure a line."""
    rules = rule_file().read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = folder / "events.jsonl"
        events.write_bytes(b"\n".join(distinct(lines, 2)))
        for workers in (1, 2):
            with serving(folder, rules, STDOUT, "--workers", str(workers)) as running:
                _saturate(running, events, workers)
        with serving(folder, rules, STDOUT) as running:
            post(running, events, rate=4000, seconds=1)  # The first body has the rules' code made.
            steady = post(running, events, rate=4000, seconds=30)
            print(f"webhook, 4,000 events/s in POSTs of 400: {percentiles(steady)}")
        with serving(folder, rules, STDOUT) as running:
            print(
                f"webhook, one event's POST to its alert on stdout: p50 {_to_alert_ms(running, lines):.1f} ms"
            )


def _saturate(running: Running, events: Path, workers: int) -> None:
    rates = []
    for connections in CONNECTIONS:
        measured = post(running, events, rate=0, seconds=5, connections=connections)
        rates.append(f"{measured['events'] / measured['seconds']:,.0f}")
    shown = ", ".join(f"{rate} on {count}" for rate, count in zip(rates, CONNECTIONS, strict=True))
    processes = "1 process" if workers == 1 else f"{workers} processes"
    print(f"webhook, {processes}: events/s {shown} connections; {running.peak_bytes / 1e6:.0f} MB at most")


def _to_alert_ms(running: Running, lines: list[bytes]) -> float:
    """Median of the time from the beginning of a POST to the line on stdout."""
    url = urlsplit(running.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port)
    template = json.loads(lines[0])
    taken_ms = []
    with running.alerts.open(encoding="utf-8") as alerts:
        for number in range(SINGLE_POSTS):
            event = {**template, "auditID": f"single-{number}", "verb": "delete"}
            event["objectRef"] = {"resource": "configmaps", "namespace": "n", "name": f"single-{number}"}
            started_s = time.perf_counter()
            connection.request("POST", url.path, json.dumps(event), {"Content-Type": "application/json"})
            connection.getresponse().read()
            # 200 comes after the line was written.
            assert f"single-{number}" in alerts.readline()
            taken_ms.append((time.perf_counter() - started_s) * 1e3)
    return sorted(taken_ms)[len(taken_ms) // 2]
