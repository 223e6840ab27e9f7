"""The progress bar, on a terminal that a test holds the other side of."""

from __future__ import annotations

import asyncio
import logging
import os
import pty
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from falcocore.app import Application, Project, Request, assemble, open_project
from falcocore.cli import logs
from falcocore.cli.progress import watcher
from falcocore.cli.run import display
from tests.support.demo_distribution import demo_site


@pytest.fixture(autouse=True)
def site(tmp_path: Path) -> Iterator[None]:
    with demo_site(tmp_path):
        yield


class Terminal:
    """A pseudo terminal: `stream` is the program's side, `until` reads on the user's."""

    def __init__(self) -> None:
        self._user, program = pty.openpty()
        self.stream: TextIO = open(program, "w", encoding="utf-8")  # noqa: SIM115 - closed below
        self._seen = b""

    def close(self) -> None:
        self.stream.close()
        os.close(self._user)

    def until(self, text: str) -> str:
        """What was shown up to and with `text`; waits for it."""
        while text.encode() not in self._seen:
            readable, _, _ = select.select([self._user], [], [], 20)
            assert readable, f"{text!r} was not shown, but {self._seen!r}"
            self._seen += os.read(self._user, 65536)
        shown, _, self._seen = self._seen.partition(text.encode())
        return shown.decode() + text


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    for name, value in (("TERM", "xterm"), ("COLUMNS", "200"), ("LINES", "50"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    made = Terminal()
    yield made
    monkeypatch.undo()
    made.close()


def opened(folder: Path, *sources: str, overrides: tuple[str, ...] = ()) -> tuple[Project, Application]:
    config = folder / "c.yaml"
    config.touch()
    project = open_project(Request(config, overrides, sources), list[str]().append)
    return project, assemble(project, project.load_rules())


def test_the_bar_shows_how_far_each_source_is(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, application = opened(tmp_path, "demo=a", "quiet", "demo=b")
    first, _, second = application.sources
    vars(first)["done"], vars(second)["done"] = 250, 500
    application.counters.alerts["R"] = 1234
    monkeypatch.setattr(sys, "stderr", terminal.stream)

    async def watch() -> tuple[str, str]:
        bar = asyncio.ensure_future(_run(application))
        before = await asyncio.to_thread(terminal.until, "500/900 bytes")
        vars(first)["done"], vars(second)["done"] = 750, 900
        after = await asyncio.to_thread(terminal.until, "900/900 bytes")
        bar.cancel()
        await asyncio.wait([bar])
        assert bar.cancelled()
        return before, after

    before, after = asyncio.run(watch())
    assert "demo " in before
    assert "demo-2 " in before
    assert "250/900 bytes" in before
    assert "1,234 alerts" in before
    assert " events/s" in before
    assert "750/900 bytes" in after
    # A source without an end has no bar.
    assert "quiet" not in before + after


async def _run(application: Application) -> None:
    await watcher(application)()


def test_log_lines_stand_above_the_bar(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, application = opened(tmp_path, "demo=a")
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.set_up(level=logging.INFO, iso8601=True, stderr=True)

    async def watch() -> str:
        bar = asyncio.ensure_future(_run(application))
        await asyncio.to_thread(terminal.until, "0/900 bytes")
        logging.getLogger("falcocore").warning("look here")
        said = await asyncio.to_thread(terminal.until, "Warning: look here")
        bar.cancel()
        await asyncio.wait([bar])
        return said

    try:
        said = asyncio.run(watch())
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
    # The line of the bar is erased before the line of the log is written.
    assert "\x1b[2K" in said
    assert "alerts" not in said.rpartition("\x1b[2K")[2]


@pytest.mark.parametrize(
    ("stderr", "stdout", "sources", "overrides", "wanted"),
    [
        (True, False, ("demo=a",), (), True),
        (True, False, ("demo", "demo=a"), (), True),
        # Nobody looks, or there is no end to come to.
        (False, False, ("demo=a",), (), False),
        (False, True, ("demo=a",), (), False),
        (True, False, ("demo",), (), False),
        (True, False, ("quiet",), (), False),
        # Alerts on the same terminal would be written over it.
        (True, True, ("demo=a",), (), False),
        (True, True, ("demo=a",), ("outputs.o={type: file, options: {filename: /dev/null}}",), True),
    ],
)
def test_the_bar_is_shown_where_it_is_of_use(
    stderr: bool,
    stdout: bool,
    sources: tuple[str, ...],
    overrides: tuple[str, ...],
    wanted: bool,
    tmp_path: Path,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project, application = opened(tmp_path, *sources, overrides=overrides)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        monkeypatch.setattr(sys, "stderr", terminal.stream if stderr else nowhere)
        monkeypatch.setattr(sys, "stdout", terminal.stream if stdout else nowhere)
        assert (display(project, application) is not None) is wanted
        monkeypatch.undo()
