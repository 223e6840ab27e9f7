"""A falcocore that serves its webhook, and a client that posts to it, each in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workload import ROOT

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
    alerts: Path
    """Its standard output."""

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
    with (folder / "alerts").open("w", encoding="utf-8") as alerts:
        command = [sys.executable, "-m", "falcocore", "run", *source, *arguments]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=alerts, text=True) as process:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "listening on" in line)
            found = re.search(r"http://\S+", line)
            assert found is not None
            try:
                yield Running(process, found[0], folder / "alerts")
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


def percentiles(measured: dict[str, Any]) -> str:
    return f"p50 {measured['p50_ms']:.1f} ms, p99 {measured['p99_ms']:.1f} ms"
