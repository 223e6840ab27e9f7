"""Servers and commands of container runtimes, run for a test, which is skipped where they can't be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from falcocore_syscall.live.runtimes.unary_calls import RefusedError

SAFETY_S = 60.0
_SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def needs(*programs: str) -> None:
    """Skip the test where a program is missing, or where nobody may run containers."""
    if os.geteuid():
        pytest.skip("only root can run containers")
    missing = [program for program in programs if shutil.which(program, path=_SEARCH) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@contextmanager
def daemon(folder: Path, path: Path, *command: str) -> Iterator[None]:
    """Run a server until the end; its socket is there when the body runs."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=environment())
    try:
        until(lambda: _connect(path))
        yield
    finally:
        process.terminate()
        process.wait(SAFETY_S)


def _connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as tried:
        tried.connect(str(path))


def until(works: Callable[[], object]) -> None:
    """Try until it works; what starts says nothing that could be waited for."""
    end_s = time.monotonic() + SAFETY_S
    while time.monotonic() < end_s:
        with suppress(OSError, RefusedError):
            works()
            return
        time.sleep(0.05)
    works()


def run(*command: str, given: bytes = b"") -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, timeout=SAFETY_S, env=environment())
    if done.returncode:
        pytest.skip(
            f"{command[0]} can't run a container here: {done.stderr.decode(errors='replace').strip()}"
        )
    return done.stdout


def remove(*command: str) -> None:
    subprocess.run(command, capture_output=True, timeout=SAFETY_S, env=environment(), check=False)


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": _SEARCH}
