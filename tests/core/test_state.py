"""The state directory: where it is, whose it is, and that one process owns it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from falcocore.errors import ConfigError
from falcocore.state import SYSTEM, StateDirectory, default_directory

_OWNING = """
import sys
from pathlib import Path
from falcocore.state import StateDirectory
StateDirectory(Path(sys.argv[1])).own()
print("owned", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("user", "environment", "expected"),
    [
        (0, {"XDG_STATE_HOME": "/somewhere"}, SYSTEM),
        (1000, {"XDG_STATE_HOME": "/somewhere"}, Path("/somewhere/falcocore")),
        (1000, {"XDG_STATE_HOME": "relative"}, Path.home() / ".local/state/falcocore"),
        (1000, {"XDG_STATE_HOME": ""}, Path.home() / ".local/state/falcocore"),
        (1000, {}, Path.home() / ".local/state/falcocore"),
    ],
)
def test_default_directory(
    user: int, environment: dict[str, str], expected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert default_directory(environment) == expected


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path / "a" / "b")
    directory.own()
    directory.release()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (directory.path, directory.path / "lock")]
    assert modes == [0o700, 0o600]


def test_it_can_be_owned_again_when_it_was_released(tmp_path: Path) -> None:
    for _ in range(2):
        directory = StateDirectory(tmp_path)
        directory.own()
        directory.release()
        directory.release()


@pytest.mark.parametrize("number", [None, signal.SIGKILL])
def test_another_process_is_refused_until_the_owner_has_ended(
    number: signal.Signals | None, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _OWNING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdin
        assert owner.stdout
        assert owner.stdout.readline() == b"owned\n"
        with pytest.raises(ConfigError) as caught:
            StateDirectory(tmp_path).own()
        assert (
            caught.value.message == f"the state directory {tmp_path} is used by another process, {owner.pid}"
        )
        assert "outbox.path" in (caught.value.hint or "")
        if number is None:
            owner.stdin.close()
        else:
            owner.send_signal(number)
        owner.wait()
    directory = StateDirectory(tmp_path)
    directory.own()
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    directory.release()


def test_a_child_does_not_keep_it(tmp_path: Path) -> None:
    """As the process of an output that is still running when falcocore has ended."""
    directory = StateDirectory(tmp_path)
    directory.own()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as child:
        directory.release()
        StateDirectory(tmp_path).own()
        assert child.stdin
        child.stdin.close()


@pytest.mark.parametrize("below", [True, False])
def test_a_path_that_can_not_be_used_is_a_clear_error(below: bool, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    path = file / "state" if below else file
    with pytest.raises(ConfigError) as caught:
        StateDirectory(path).own()
    cause = "Not a directory" if below else "File exists"
    assert caught.value.message == f"the state directory {path} can't be used: {cause}"


def test_names_of_what_is_in_it(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path)
    assert (directory.outbox, directory.control) == (tmp_path / "outbox.db", tmp_path / "control.sock")
