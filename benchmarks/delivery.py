"""From alerts to an HTTP receiver by way of the outbox, and what the webhook's clients feel of it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.serving import ONE_IN_A_HUNDRED, distinct, percentiles, post, serving
from benchmarks.workload import ROOT

EVERY_EVENT = """
- rule: Every event
  desc: Each event raises an alert.
  condition: ka.auditid exists
  output: user=%ka.user.name verb=%ka.verb target=%ka.target.name/%ka.target.resource uri=%ka.uri
  priority: NOTICE
  source: k8s_audit
"""


@contextmanager
def receiving(expected: int) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """(port, process) of a receiver."""
    command = [sys.executable, "-m", "benchmarks.receiver", str(expected)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process
        finally:
            process.terminate()


def delivered_per_s(lines: list[bytes], options: str) -> float:
    """Alerts a second at the receiver, between its first and its last."""
    with tempfile.TemporaryDirectory() as name, receiving(len(lines)) as (port, receiver):
        folder = Path(name)
        (folder / "events.jsonl").write_bytes(b"\n".join(distinct(lines, 1)) + b"\n")
        (folder / "rules.yaml").write_text(EVERY_EVENT, encoding="utf-8")
        (folder / "falcocore.yaml").write_text(
            f"json_output: true\noutbox: {{path: {name}/state}}\n"
            f"outputs: {{hook: {{type: http, options: {{url: 'http://127.0.0.1:{port}/', {options}}}}}}}\n",
            encoding="utf-8",
        )
        arguments = ["-c", str(folder / "falcocore.yaml"), "-r", str(folder / "rules.yaml")]
        source = ["--source", f"k8s_audit={folder / 'events.jsonl'}"]
        subprocess.run(
            [sys.executable, "-m", "falcocore", "run", *source, *arguments],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        assert receiver.stdout is not None
        measured = json.loads(receiver.stdout.readline())
        return float(measured["alerts"] / measured["seconds"])


def main(lines: list[bytes]) -> None:
    """Print one figure a line."""
    batched = delivered_per_s(lines, "body: array")
    single = delivered_per_s(lines[:5000], "body: single")
    print(f"through the outbox to HTTP: {batched:,.0f} alerts/s in batches, {single:,.0f} one by one")
    with tempfile.TemporaryDirectory() as name, receiving(1 << 40) as (port, _):
        folder = Path(name)
        events = folder / "events.jsonl"
        events.write_bytes(b"\n".join(distinct(lines, 4)))
        outputs = (
            f"outputs: {{hook: {{type: http, options: {{url: 'http://127.0.0.1:{port}/', body: array}}}}}}"
        )
        with serving(folder, ONE_IN_A_HUNDRED, outputs) as running:
            kept = post(running, events, rate=4000, seconds=15)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = folder / "events.jsonl"
        events.write_bytes(b"\n".join(distinct(lines, 4)))
        with serving(folder, ONE_IN_A_HUNDRED, "stdout_output: {enabled: true}") as running:
            straight = post(running, events, rate=4000, seconds=15)
    print(
        f"a POST of 400 events at 4,000 events/s: {percentiles(straight)}; "
        f"with the outbox {percentiles(kept)}"
    )
