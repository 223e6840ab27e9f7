"""Peak memory of the installed command while a great many events go through it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path


def replay(rules: Path, lines: list[bytes], times: int) -> tuple[float, int]:
    """(seconds, peak of the resident memory in bytes) of reading the lines, `times` times, from a pipe."""
    command = [sys.executable, "-m", "falcocore", "run", "--source", "k8s_audit=-", "-r", str(rules)]
    block = b"\n".join(lines) + b"\n"
    started = time.perf_counter()
    with subprocess.Popen(
        [*command, "-o", "json_output=true"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        for _ in range(times):
            process.stdin.write(block)
        process.stdin.flush()
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        process.stdin.close()
        process.wait()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    return time.perf_counter() - started, int(peak[1]) * 1024 if peak else 0
