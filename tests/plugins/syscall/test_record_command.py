"""`falcocore record` as it is called: what it writes where, when it ends, what it says."""

from __future__ import annotations

import argparse
import gzip
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from falcocore.api import ConfigError, FalcocoreError
from falcocore_syscall.record_command import configure, run
from falcocore_syscall.state.machine import Machine
from tests.support.bpf_objects import needs_kernel
from tests.support.rewritten import replayed
from tests.support.syscall_events import value_of

RECORD = (
    "import argparse, sys; from falcocore_syscall.record_command import configure, run\n"
    "parser = argparse.ArgumentParser(); configure(parser); sys.exit(run(parser.parse_args()))"
)


def record(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    configure(parser)
    return run(parser.parse_args([str(argument) for argument in arguments]))


def programs(data: bytes) -> list[str]:
    """What was run, by the events of a capture."""
    return [value_of(it, "proc.cmdline") for it in replayed(data, Machine()) if it.name == "execve"]


@needs_kernel
@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("kill -9 $$", 137), ("/bin/true", 0)])
def test_the_status_of_the_command(tmp_path: Path, script: str, status: int) -> None:
    assert record("-o", tmp_path / "x.scap", "--", "sh", "-c", script) == status
    assert f"sh -c {script}" in programs((tmp_path / "x.scap").read_bytes())


@needs_kernel
def test_compressed_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = tmp_path / "x.scap.gz"
    assert record("-o", capture, "--filter", "proc.name = true", "--", "/bin/true") == 0
    assert "true" in programs(gzip.decompress(capture.read_bytes()))
    said = capsys.readouterr().err
    assert f" 0 lost, {capture.stat().st_size:,} bytes" in said


@needs_kernel
def test_on_standard_output_the_capture_stands_alone() -> None:
    command = [sys.executable, "-c", RECORD, "-o", "-", "--", "/bin/echo", "said by the command"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert "echo said by the command" in programs(done.stdout)
    assert b"said by the command\n" in done.stderr


@needs_kernel
def test_a_time(tmp_path: Path) -> None:
    assert record("-o", tmp_path / "x.scap", "--duration", "0.05", "--older") == 0
    assert (tmp_path / "x.scap").stat().st_size > 0


@needs_kernel
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", RECORD, "-o", str(tmp_path / "x.scap")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "until interrupted" in process.stderr.readline()
        subprocess.run(["/bin/true", "seen"], check=True)
        process.send_signal(number)
        assert process.wait(timeout=30) == 0
    assert "true seen" in programs((tmp_path / "x.scap").read_bytes())


def test_a_condition_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        record("-o", tmp_path / "x.scap", "--filter", "evt.type = open and proc.nme = x", "--", "true")
    lines = str(caught.value).splitlines()
    place = next(number for number, line in enumerate(lines) if "and proc.nme" in line)
    assert lines[place].index("proc.nme") == lines[place + 1].index("^")
    assert "did you mean `proc.name`?" in lines[-1]
    assert not (tmp_path / "x.scap").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "x", "--duration", "1", "--", "true"], "exclude each other"),
        (["-o", "/nowhere/x.scap"], "No such file or directory"),
        (["-o", "/dev/null", "--buffer-mb", "3"], "power of two"),
    ],
)
def test_what_it_does_not_take(arguments: list[str], said: str) -> None:
    with pytest.raises(FalcocoreError) as caught:
        record(*arguments)
    assert said in str(caught.value)


def test_without_what_compresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("falcocore_syscall.record_command.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="without the package isal"):
        record("-o", tmp_path / "x.scap.gz")


@needs_kernel
def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="/nowhere/program can't be run"):
        record("-o", tmp_path / "x.scap", "--", "/nowhere/program")


@pytest.mark.parametrize("duration", ["0", "-1", "soon", "nan", "inf"])
def test_no_time(duration: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        record("-o", "/dev/null", f"--duration={duration}")
    assert "is no time in seconds" in capsys.readouterr().err
