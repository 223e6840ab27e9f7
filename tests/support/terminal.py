"""The command line on a terminal: what people see, where a pipe gets something else."""

from __future__ import annotations

import os
import pty
import re
import sys
import threading

import pytest

from tests.support.command_line import falcocore

_STYLES = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    """The lines that a command writes to a terminal of 200 columns."""
    for name, value in (("TERM", "xterm"), ("COLUMNS", "200"), ("LINES", "50"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    master, slave = pty.openpty()
    said: list[bytes] = []
    reading = threading.Thread(target=_read_to_end, args=(master, said))
    reading.start()
    with open(slave, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert falcocore(*arguments) == 0
    reading.join()
    os.close(master)
    text = _STYLES.sub("", b"".join(said).decode())
    return [line for line in text.splitlines() if line.strip()]


def _read_to_end(descriptor: int, said: list[bytes]) -> None:
    """What is written to a terminal until its other side is closed, which is an error on Linux."""
    try:
        while piece := os.read(descriptor, 4096):
            said.append(piece)
    except OSError:
        pass
