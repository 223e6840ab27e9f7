"""Replaying a capture, beside sysdig on the same file: `python -m benchmarks.syscall`."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.syscall_workload import make
from benchmarks.workload import CONFORMANCE, ROOT

CAPTURE = ROOT / "tests" / "data" / "syscall" / "modern_mini.scap"
UPSTREAM = CONFORMANCE / "upstream-rules" / "falco_rules.yaml"
BUNDLED = ROOT / "rules" / "falcocore_rules" / "syscall_rules.yaml"
REPETITIONS = 240
"""Three million events: the start of the process counts little."""
ROUNDS = 3
SYSDIG_FILTER = "evt.type=open and fd.name startswith /etc"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took; the seconds are those of the fastest round."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def main() -> None:
    """Print the rates of both, and what they need."""
    rules = BUNDLED if BUNDLED.exists() else UPSTREAM
    if not rules.exists():
        print("replaying a capture: no rules for system calls are here")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workload.scap"
        count = make(CAPTURE, path, REPETITIONS)
        ours = measure(
            [sys.executable, "-m", "falcocore", "run", "--source", f"syscall={path}", "-r", str(rules)]
        )
        print(_line(f"replaying {count:,} events", count, ours))
        if not _has_sysdig():
            print("sysdig is not installed: nothing to compare with")
            return
        theirs = measure(["sysdig", "-r", str(path), SYSDIG_FILTER])
        print(_line("sysdig on the same file", count, theirs))
        wall, cpu = theirs.wall_s / ours.wall_s, theirs.cpu_s / ours.cpu_s
        print(f"that is {wall:.2f} of sysdig's rate by wall, {cpu:.2f} by CPU; to reach: 0.45, at least 0.20")


def measure(command: list[str]) -> Cost:
    """Run a command some times."""
    costs = [_run(command) for _ in range(ROUNDS)]
    return Cost(
        min(cost.wall_s for cost in costs),
        min(cost.cpu_s for cost in costs),
        max(cost.peak_bytes for cost in costs),
    )


def _run(command: list[str]) -> Cost:
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} has ended with status {process.returncode}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, _peak_bytes(usage))


def _peak_bytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * 1024


def _line(what: str, count: int, cost: Cost) -> str:
    rates = f"{count / cost.wall_s:,.0f} events/s by wall, {count / cost.cpu_s:,.0f} by CPU"
    return f"{what}: {rates}, {cost.peak_bytes / 1e6:.0f} MB at most"


def _has_sysdig() -> bool:
    """Whether sysdig can be run; as root on Debian it is installed where it is not there."""
    if shutil.which("sysdig") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "sysdig"], check=False, capture_output=True)
    return shutil.which("sysdig") is not None


if __name__ == "__main__":
    main()
