"""The state directory: where it is, whose it is, and what is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from falcocore.errors import ConfigError
from falcocore.state import StateDirectory, default_directory, state_directory

NOBODY_ID = 4_000_000_001
"""A user that no database knows."""


@pytest.mark.parametrize(
    ("environment", "user", "expected"),
    [
        ({}, 0, "/var/lib/falcocore"),
        ({"XDG_STATE_HOME": "/x"}, 0, "/var/lib/falcocore"),
        ({"XDG_STATE_HOME": "/x"}, 1000, "/x/falcocore"),
        ({"XDG_STATE_HOME": "x"}, 1000, "/home/u/.local/state/falcocore"),
        ({}, 1000, "/home/u/.local/state/falcocore"),
        ({"STATE_DIRECTORY": "/s"}, 0, "/s"),
        ({"STATE_DIRECTORY": "/s:/t", "XDG_STATE_HOME": "/x"}, 1000, "/s"),
        ({"STATE_DIRECTORY": "relative"}, 0, "/var/lib/falcocore"),
    ],
)
def test_default_depends_on_user_and_environment(
    environment: dict[str, str], user: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("HOME", "/home/u")
    assert default_directory(environment) == Path(expected)


def test_user_without_a_home_is_told_to_name_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY_ID)
    monkeypatch.setattr(os, "getuid", lambda: NOBODY_ID)
    monkeypatch.delenv("HOME", raising=False)
    with pytest.raises(ConfigError, match=r"no home directory(?s:.*)outbox\.path"):
        default_directory({})


def test_configured_directory_comes_before_the_default(tmp_path: Path, state_directory: Path) -> None:
    assert state_of(tmp_path) == tmp_path
    assert state_of(None) == state_directory


def state_of(path: Path | None) -> Path:
    return state_directory(path).path


def test_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path / "a" / "b")
    directory.own()
    assert directory.is_owned
    assert directory.path.stat().st_mode & 0o777 == 0o700
    assert (directory.path / "lock").read_text() == f"{os.getpid()}\n"
    directory.release()


def test_second_owner_is_told_who_has_it(tmp_path: Path) -> None:
    first, second = StateDirectory(tmp_path), StateDirectory(tmp_path)
    first.own()
    with pytest.raises(ConfigError, match=rf"used by another process, {os.getpid()}\n"):
        second.own()
    assert not second.is_owned
    first.release()
    second.own()
    second.release()


def test_nothing_but_the_directory_is_left(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path)
    directory.own()
    directory.control.touch()
    directory.outbox.touch()
    directory.release()
    assert [path.name for path in tmp_path.iterdir()] == ["outbox.db"]
    directory.control.touch()  # The next one's: not to be removed by a second call.
    directory.release()
    assert directory.control.exists()


def test_directory_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from falcocore.state import StateDirectory\n"
        "StateDirectory(Path(sys.argv[1])).own(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    assert (tmp_path / "lock").exists()
    directory = StateDirectory(tmp_path)
    directory.own()
    directory.release()


def test_lock_that_its_owner_removes_meanwhile_locks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = StateDirectory(tmp_path), StateDirectory(tmp_path)
    first.own()
    opened = os.open

    def open_and_release(path: Path, flags: int, mode: int) -> int:
        descriptor = opened(path, flags, mode)
        first.release()
        return descriptor

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_and_release)
        second.own()
    with pytest.raises(ConfigError, match="used by another process"):
        StateDirectory(tmp_path).own()
    second.release()


def test_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    directory = StateDirectory(tmp_path / "file" / "state")
    with pytest.raises(ConfigError, match=r"file/state can't be used: Not a directory\n.*outbox\.path"):
        directory.own()


_OWNING = """
import sys
from pathlib import Path
from falcocore.state import StateDirectory
StateDirectory(Path(sys.argv[1])).own()
print("owned", flush=True)
sys.stdin.read()
"""


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
