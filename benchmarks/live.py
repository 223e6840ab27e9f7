"""What watching this machine costs: `python -m benchmarks.live`, as root, with gcc."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.workload import ROOT
from falcocore_syscall.live.bpf import calls
from falcocore_syscall.live.bpf.btf import Btf, Kind

LOAD = Path(__file__).with_name("live_load.c")
RULES = ROOT / "rules" / "falcocore_rules" / "syscall_rules.yaml"
UNINTERESTING = "/usr/share/common-licenses/GPL-2"
ROUNDS = 7
CALLS, OPENS, EXECS = 2_000_000, 300_000, 3_000
TASKS = 60
RATE_S = 3
RATES = (5_000, 10_000, 20_000, 30_000, 40_000, 60_000)
EMITTED_A_SECOND = 100_000
_EMPTY_PROGRAM = struct.pack("<BBhi", 0xB7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)
"""Returns 0: what any program on the hook costs at least."""
_CPU_CLOCK = 2
"""Of the number of a process's clock: it counts the nanoseconds that the scheduler has given."""
_TOTALS = re.compile(r"([\d,]+) events, ([\d,]+) alerts")
_LOST = re.compile(r"(\d+) of \d+ system calls were lost")

EMITTED_RULE = """
- rule: emitted and never matched
  desc: The kernel is not asked for arguments.
  condition: evt.type in (open, openat) and fd.name startswith {path} and proc.cmdline = nobody-has-this-line
  output: "%fd.name"
  priority: NOTICE
"""
ALERTED_RULE = """
- rule: opened
  desc: Each open is an alert.
  condition: evt.type in (open, openat) and fd.name startswith {path}
  output: A file was opened (file=%fd.name process=%proc.name command=%proc.cmdline user=%user.name)
  priority: NOTICE
"""


@dataclass(slots=True)
class Watched:
    """What became of a run of the engine."""

    events: int = 0
    alerts: int = 0
    lost: int = 0
    cpu_s: float = 0.0
    peak_bytes: int = 0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)


def main() -> None:
    """Print one figure a line."""
    if os.geteuid() != 0 or shutil.which("gcc") is None:
        print("watching this machine: needs root and gcc")
        return
    with tempfile.TemporaryDirectory() as folder:
        load = Path(folder) / "load"
        subprocess.run(["gcc", "-O2", "-o", str(load), str(LOAD)], check=True)
        _calls(load)
        _workload(Path(folder))
        _rates(load, Path(folder))


def _calls(load: Path) -> None:
    """Each way of watching in turn, round by round, so that what else the machine does meets all alike."""
    ways: dict[str, Callable[[], contextlib.AbstractContextManager[object]]] = {
        "alone": contextlib.nullcontext,
        "empty": empty_program,
        "watched": engine,
    }
    found: dict[tuple[str, str], list[float]] = {}
    loads = {"getppid": (CALLS, "-"), "open": (OPENS, UNINTERESTING), "exec": (EXECS // ROUNDS, "-")}
    for _ in range(ROUNDS):
        for way, start in ways.items():
            with start():
                for what, (count, path) in loads.items():
                    found.setdefault((way, what), []).append(_run(load, what, count, path))
    ns = {key: statistics.median(values) for key, values in found.items()}
    for what, name in (("getppid", "a call that no rule wants"), ("open", "open and close of such a file")):
        floor, ours = (ns[way, what] - ns["alone", what] for way in ("empty", "watched"))
        print(f"{name}: +{ours:.0f} ns, an empty program +{floor:.0f} ns: {ours / floor:.2f} times")
    share = ns["watched", "exec"] / ns["alone", "exec"] - 1
    print(f"fork and exec: {ns['alone', 'exec'] / 1e3:.0f} us, watched {share:+.1%}")


def _workload(folder: Path) -> None:
    """Compiling and searching: events that reach Python, and what these cost."""
    source = folder / "some.c"
    source.write_text('#include <stdio.h>\n#include <stdlib.h>\nint main(void) { return puts("x"); }\n')
    for name, options in (("push-down on", []), ("push-down off", ["--push-down-off"])):
        with engine(*options) as watched:
            started = time.perf_counter()
            for _ in range(TASKS):
                subprocess.run(["gcc", "-O1", "-o", str(folder / "some"), str(source)], check=True)
                subprocess.run(["find", "/usr/share/doc", "/usr/include", "-name", "no-such"], check=True)
            passed_s = time.perf_counter() - started
        share = watched.cpu_s / passed_s
        print(
            f"compiling and searching, {name}: {watched.events:,} events, {watched.cpu_s * 1e3:.0f} ms of "
            f"CPU in {passed_s:.1f} s ({share:.2%} of a core), {watched.peak_bytes / 1e6:.0f} MB at most"
        )


def _rates(load: Path, folder: Path) -> None:
    path = folder / "opened"
    path.touch()
    rules = folder / "rules.yaml"
    rules.write_text(EMITTED_RULE.format(path=path))
    with engine(rules=rules) as watched:
        _run(load, "rate", EMITTED_A_SECOND * RATE_S, str(path), str(EMITTED_A_SECOND))
    print(
        f"{EMITTED_A_SECOND:,} opens a second that no rule matches: {watched.events:,} in Python, "
        f"{watched.lost} lost"
    )
    rules.write_text(ALERTED_RULE.format(path=path))
    sustained = 0
    for rate in RATES:
        with engine(rules=rules) as watched:
            _run(load, "rate", rate * RATE_S, str(path), str(rate))
        if watched.lost or watched.alerts < rate * RATE_S:
            break
        sustained = rate
    print(f"opens that are alerts, without a loss: {sustained:,} a second")


def _run(load: Path, what: str, count: int, path: str, *more: str) -> float:
    command = [str(load), what, str(count), path, *more]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@contextlib.contextmanager
def empty_program() -> Iterator[None]:
    """A program that does nothing, where ours is."""
    tracepoint = Btf.of_kernel().find("btf_trace_sys_exit", Kind.TYPEDEF)[0]
    program = calls.load_alone(_EMPTY_PROGRAM, "empty", tracepoint)
    link = calls.open_raw_tracepoint(program, "empty")
    try:
        yield
    finally:
        for descriptor in (link, program):
            os.close(descriptor)


@contextlib.contextmanager
def engine(*options: str, rules: Path = RULES) -> Iterator[Watched]:
    """The installed command at work; its CPU is counted from when it watches."""
    watched = Watched()
    push_down = "false" if "--push-down-off" in options else "true"
    source = f"- {{name: syscall, options: {{push_down: {push_down}, drops: {{threshold: 0, rate: 100}}}}}}"
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "falcocore.yaml"
        config.write_text(f"sources:\n{source}\nrules_files: [{rules}]\n")
        process = subprocess.Popen(
            [sys.executable, "-m", "falcocore", "run", "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        text = ""
        for line in process.stderr:
            text += line
            if "watching" in line:
                break
        else:
            raise SystemExit(f"the engine has not started: {text}")
        before_s = _cpu_s(process.pid)
        try:
            yield watched
        finally:
            after_s = _cpu_s(process.pid)
            process.send_signal(signal.SIGTERM)
            text += process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    totals = _TOTALS.search(text)
    if totals is None:
        raise SystemExit(f"the engine has ended without totals: {text}")
    watched.events, watched.alerts = (int(number.replace(",", "")) for number in totals.groups())
    watched.lost = sum(int(number) for number in _LOST.findall(text))
    watched.cpu_s = after_s - before_s
    watched.peak_bytes = _peak_bytes(usage)


def _cpu_s(pid: int) -> float:
    """User and system time of a process so far, from its own clock (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | _CPU_CLOCK)


def _peak_bytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
