"""From alerts to an HTTP receiver by way of the outbox, and what the webhook's clients feel of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workload import ROOT

EVERY_EVENT = """
- rule: Every event
  desc: Each event raises an alert.
  condition: ka.auditid exists
  output: user=%ka.user.name verb=%ka.verb target=%ka.target.name/%ka.target.resource uri=%ka.uri
  priority: NOTICE
  source: k8s_audit
"""
ONE_IN_A_HUNDRED = """
- rule: One in a hundred
  desc: An event in a hundred raises an alert.
  condition: ka.useragent = bench-alert
  output: user=%ka.user.name verb=%ka.verb target=%ka.target.name/%ka.target.resource uri=%ka.uri
  priority: NOTICE
  source: k8s_audit
"""


def distinct(lines: list[bytes], copies: int) -> Iterator[bytes]:
    """The events several times, each copy with ids of its own; one in a hundred is marked."""
    number = 0
    for copy in range(copies):
        for line in lines:
            number += 1
            line = re.sub(rb'"auditID":"[^"]*"', b'"auditID":"%d-%d"' % (copy, number), line, count=1)
            if number % 100 == 0:
                line = re.sub(rb'"userAgent":"[^"]*"', b'"userAgent":"bench-alert"', line, count=1)
            yield line


@dataclass(frozen=True)
class Running:
    """A falcocore that serves its webhook, and the folder it works in."""

    process: subprocess.Popen[str]
    url: str
    folder: Path

    @property
    def peak_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0


@contextmanager
def serving(folder: Path, rules: str, outputs: str, *more: str) -> Iterator[Running]:
    """A falcocore with a webhook on a free port of loopback."""
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    (folder / "falcocore.yaml").write_text(
        f"json_output: true\noutbox: {{path: {folder}/state}}\n{outputs}\n", encoding="utf-8"
    )
    arguments = ["-c", str(folder / "falcocore.yaml"), "-r", str(folder / "rules.yaml"), *more]
    source = ["--source", "k8s_audit=http://127.0.0.1:0/k8s-audit"]
    with (folder / "log").open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "falcocore", "run", *source, *arguments]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=log, text=True) as process:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "listening on" in line)
            found = re.search(r"http://\S+", line)
            assert found is not None
            try:
                yield Running(process, found[0], folder)
            finally:
                process.terminate()
                process.communicate()


def post(
    running: Running, events: Path, *, rate: int, seconds: float, connections: int = 1
) -> dict[str, Any]:
    """What a client in another process measured."""
    arguments = [running.url, str(events), str(rate), str(seconds), str(connections)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.poster", *arguments],
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


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
        f"a POST of 400 events at 4,000 events/s: {_percentiles(straight)}; "
        f"with the outbox {_percentiles(kept)}"
    )


def _percentiles(measured: dict[str, Any]) -> str:
    return f"p50 {measured['p50_ms']:.1f} ms, p99 {measured['p99_ms']:.1f} ms"
