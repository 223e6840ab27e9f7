"""How the engine ends: told to stop, by a signal to a real process, and with what does not stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from falcocore import engine as engine_module
from falcocore import writer as writer_module
from falcocore.api import Batch, Source
from falcocore.engine import Engine
from falcocore.writer import Writer
from tests.support.small_engine import Accepting, engine_of
from tests.support.small_sources import Blocked, Kept, OnLoop, Word, batches_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")


def test_stop_from_a_thread_drains_every_source() -> None:
    sources, kept = {"a": Accepting(), "b": Accepting()}, Kept()
    engine = engine_of(dict(sources), kept)

    async def run() -> int:
        running = asyncio.create_task(engine.run())
        for source in sources.values():
            await source.began.wait()
        threading.Thread(target=engine.stop).start()
        return await running

    assert asyncio.run(run()) == 0
    assert kept.messages == ["word=hit accepted"] * 2
    engine.stop()  # Too late, and no harm.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_as_soon_as_the_start_was_said_ends_in_order(number: signal.Signals) -> None:
    engine = engine_of({"a": OnLoop(batches_of(["hit"]))}, Kept())
    assert asyncio.run(engine.run(on_start=lambda: os.kill(os.getpid(), number))) == 0


class Deaf(Source):
    """Blocks its thread, and does not stop."""

    name: ClassVar[str] = "small"

    def __init__(self) -> None:
        self.began = threading.Event()
        self.let_go = threading.Event()

    def batches(self) -> Iterator[Batch]:
        self.began.set()
        self.let_go.wait()
        yield from ()


class DeafOnLoop(Source):
    """Has handed a batch over, waits for more, and does not stop."""

    name: ClassVar[str] = "small"

    async def batches(self) -> AsyncIterator[Batch]:
        yield Batch([Word("hit")])
        await asyncio.Event().wait()


def run_and_stop_when(event: threading.Event, engine: Engine) -> int:
    async def run() -> int:
        running = asyncio.create_task(engine.run())
        await asyncio.to_thread(event.wait)
        engine.stop()
        return await running

    return asyncio.run(run())


def test_source_in_a_thread_that_does_not_stop_is_left_behind(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "DRAIN_S", 0.05)
    deaf, other, kept = Deaf(), Accepting(), Kept()
    assert run_and_stop_when(deaf.began, engine_of({"deaf": deaf, "good": other}, kept)) == 1
    assert "source deaf did not end within 0 s and is left behind" in caplog.text
    assert kept.messages == ["word=hit accepted"]
    assert kept.calls == ["open", "close"]
    # Its thread may end later, when there is no event loop any more.
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "source deaf")
    deaf.let_go.set()
    thread.join()


@pytest.mark.parametrize("full", [False, True])
def test_source_on_the_loop_is_left_behind_where_an_output_is_stuck(
    full: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "DRAIN_S", 0.05)
    monkeypatch.setattr(writer_module, "QUEUE_SIZE", 1 if full else 1000)

    class Endless(OnLoop):
        def stop(self) -> None:
            pass

    blocked = Blocked()
    source = Endless(batches_of(*[["hit"]] * 10_000)) if full else DeafOnLoop()
    writers: list[Writer] = []
    assert run_and_stop_when(blocked.entered, engine_of({"a": source}, blocked, writers=writers)) == 1
    assert "source a did not end within 0 s and is left behind" in caplog.text
    assert "the outputs did not take all alerts within 0 s" in caplog.text
    blocked.let_go.set()
    assert writers[0].close(100)


class Process:
    """The engine of `tests.support.small_process`."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self.running = running
        self.stderr: list[str] = []

    def until(self, text: str) -> None:
        """Read stderr up to the line that contains this text."""
        assert self.running.stderr
        for line in self.running.stderr:
            self.stderr.append(line)
            if text in line:
                return
        raise AssertionError(f"{text!r} was not said: {self.stderr}")

    def type(self, line: str) -> None:
        assert self.running.stdin
        self.running.stdin.write(f"{line}\n")
        self.running.stdin.flush()

    def kill(self, number: int) -> None:
        os.kill(self.running.pid, number)

    def messages(self) -> list[str]:
        """The messages of all alerts on stdout, to its end."""
        assert self.running.stdout
        return [line.partition("word=")[2].strip() for line in self.running.stdout]

    def status(self) -> int:
        """The exit status; what is left on stderr is read."""
        assert self.running.stderr
        self.stderr += self.running.stderr
        return self.running.wait()


@contextmanager
def process(*arguments: str) -> Iterator[Process]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "tests.support.small_process", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as running:
        try:
            found = Process(running)
            found.until("ready")
            yield found
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_finishes_what_was_accepted(number: signal.Signals) -> None:
    with process("lines") as running:
        running.type("hit 1")
        running.until("ack 1")
        running.kill(number)
        assert running.messages() == ["hit 1", "hit last"]
        assert running.status() == 0
    assert running.stderr[-1] == "ack 2\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_second_signal_exits_at_once(number: signal.Signals) -> None:
    with process("stubborn") as running:
        running.kill(signal.SIGTERM)
        running.until("SIGTERM: finishing what was accepted; once more to exit at once")
        running.kill(number)
        assert running.status() == 128 + number


def test_first_signal_while_another_source_has_failed_does_not_exit_at_once() -> None:
    with process("failing") as running:
        running.until("source small failed: it is broken")
        running.kill(signal.SIGINT)
        running.until("SIGINT: finishing what was accepted")
        running.type("hit last")
        assert running.messages() == ["hit last"]
        assert running.status() == 1


def test_usr1_reopens_files(tmp_path: Path) -> None:
    path, rotated = tmp_path / "alerts", tmp_path / "alerts.1"
    with process("lines", str(path)) as running:
        for number, word in enumerate(["hit old", "hit new"], 1):
            running.type(word)
            running.until(f"ack {number}")
            if number == 1:
                path.rename(rotated)
                running.kill(signal.SIGUSR1)
                running.until("reopen")
        running.kill(signal.SIGTERM)
        assert running.status() == 0
    assert [line.partition("word=")[2] for line in rotated.read_text("utf-8").splitlines()] == ["hit old"]
    new = [line.partition("word=")[2] for line in path.read_text("utf-8").splitlines()]
    assert new == ["hit new", "hit last"]


def test_closed_standard_output_ends_the_process() -> None:
    with process("lines") as running:
        running.type("hit 1")
        running.until("ack 1")
        assert running.running.stdout
        running.running.stdout.close()
        running.type("hit 2")
        assert running.status() == 1
    told = "".join(running.stderr)
    assert "output stdout: standard output was closed by its reader" in told
    assert "nack 2: standard output was closed by its reader" in told


def test_process_ends_although_nobody_reads_its_alerts() -> None:
    with process("flood") as running:
        running.kill(signal.SIGTERM)
        assert running.status() == 1
    told = "".join(running.stderr)
    assert "source small did not end within" in told
    assert "the outputs did not take all alerts" in told
    assert "Traceback" not in told
