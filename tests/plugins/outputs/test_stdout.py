"""Alerts on standard output, which is a real pipe or device here."""

from __future__ import annotations

import fcntl
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from falcocore.api import OutputError, OutputGone
from falcocore_outputs.stdout import StdoutOutput
from tests.support.small_alerts import send

# As Python opens it without and with PYTHONUNBUFFERED.
BUFFERING = pytest.mark.parametrize("buffering", [-1, 0])


@contextmanager
def standard_output(descriptor: int, buffering: int) -> Iterator[None]:
    """Make a descriptor the standard output. Within a test: pytest puts its own back before each."""
    stream = io.TextIOWrapper(os.fdopen(descriptor, "wb", buffering=buffering), write_through=not buffering)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        yield
    # As Python does at its end: with something left in a buffer this would raise.
    stream.close()


@contextmanager
def small_pipe(buffering: int, *, blocking: bool = True) -> Iterator[int]:
    """Make a pipe of the smallest size the standard output; gives the end to read from."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, blocking)
    with standard_output(writer, buffering):
        yield reader
    os.close(reader)


@BUFFERING
def test_each_alert_is_a_line_and_is_written_at_once(buffering: int) -> None:
    output = StdoutOutput()
    output.open()
    with small_pipe(buffering) as reader:
        send(output, "one", "zwei ä")
        assert os.read(reader, 4096).decode() == "one\nzwei ä\n"
        send(output, "three")
        assert os.read(reader, 4096).decode() == "three\n"


@BUFFERING
@pytest.mark.parametrize("blocking", [True, False])
def test_pipe_that_takes_a_little_at_a_time_gets_everything(buffering: int, blocking: bool) -> None:
    lines = [f"{number} {'x' * 100}" for number in range(1000)]
    wanted = "".join(f"{line}\n" for line in lines).encode()
    failures: list[Exception] = []

    def run() -> None:
        try:
            send(StdoutOutput(), *lines)
        except OutputError as error:
            failures.append(error)
        sys.stdout.close()

    with small_pipe(buffering, blocking=blocking) as reader:
        sender = threading.Thread(target=run, daemon=True)
        sender.start()
        received = b"".join(iter(lambda: os.read(reader, 4096), b""))
        sender.join()
    assert not failures
    assert received == wanted


@BUFFERING
def test_closed_pipe_is_gone_for_good(buffering: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with (
        standard_output(writer, buffering),
        pytest.raises(OutputGone, match="standard output was closed by its reader"),
    ):
        send(StdoutOutput(), "one")


@BUFFERING
def test_full_device_is_an_error_that_may_pass(buffering: int) -> None:
    with (
        standard_output(os.open("/dev/full", os.O_WRONLY), buffering),
        pytest.raises(OutputError, match="standard output can't be written: No space left") as caught,
    ):
        send(StdoutOutput(), "one")
    assert not isinstance(caught.value, OutputGone)


def test_process_without_standard_output_is_told_at_the_start() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", None)  # What Python makes of `>&-`.
        with pytest.raises(OutputError, match="standard output is closed"):
            StdoutOutput().open()
