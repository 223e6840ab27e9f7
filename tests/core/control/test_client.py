"""Asking a process, and what is said where that is of no use."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from falcocore.control import client, sockets
from falcocore.control.client import NotRunningError, ask
from falcocore.control.protocol import ControlError
from falcocore.errors import ConfigError
from falcocore.state import StateDirectory
from tests.support.control_service import SAFETY_S, serving


def test_answer_is_json_as_it_was_sent(tmp_path: Path) -> None:
    with serving(tmp_path, {"echo": dict}) as directory:
        assert ask(directory, "echo", a=[1, None], b="ü") == '{"a":[1,null],"b":"ü"}'.encode()


def test_error_is_raised_with_its_hint(tmp_path: Path) -> None:
    def refuse(_arguments: Mapping[str, Any]) -> object:
        raise ConfigError("it is wrong", hint="mend it")

    with serving(tmp_path, {"refuse": refuse}) as directory:
        with pytest.raises(ControlError) as caught:
            ask(directory, "refuse")
        assert str(caught.value) == "it is wrong\n  mend it"


def test_large_request_is_refused_and_not_half_sent(tmp_path: Path) -> None:
    too_large = pytest.raises(ControlError, match="a request has 1048576 bytes at the most")
    with serving(tmp_path, {"echo": dict}) as directory, too_large:
        ask(directory, "echo", a="x" * 5_000_000)


@pytest.mark.parametrize("kind", ["no directory", "no socket", "no process", "file in the way"])
def test_there_is_no_process(tmp_path: Path, kind: str) -> None:
    directory = StateDirectory(tmp_path / "state")
    if kind == "file in the way":
        directory.path.touch()
    elif kind != "no directory":
        directory.path.mkdir()
    if kind == "no process":
        sockets.listen(directory.control).close()
    with pytest.raises(NotRunningError) as caught:
        ask(directory, "status")
    assert str(caught.value).startswith(
        f"no falcocore is running with the state directory {directory.path}\n"
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"hello\n", "JSON is malformed"),
        (b"[]\n", "Expected `object`, got `array`"),
        (None, "it did not answer within 0 s"),
    ],
)
def test_process_that_makes_no_sense_is_told(
    tmp_path: Path, said: bytes | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_S", SAFETY_S if said is not None else 0.05)
    directory = StateDirectory(tmp_path)
    with sockets.listen(directory.control) as listener:
        thread = threading.Thread(target=_say, args=(listener, said), daemon=True)
        thread.start()
        with pytest.raises(ControlError, match=f"gives no answer: {reason}"):
            ask(directory, "status")
        thread.join(SAFETY_S)


def _say(listener: socket.socket, said: bytes | None) -> None:
    """Read a request, and answer that, or nothing until the client goes."""
    connection, _ = listener.accept()
    with connection, suppress(ConnectionError):
        connection.recv(1000)
        if said is None:
            connection.recv(1)
        else:
            connection.sendall(said)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("may_enter", [True, False])
def test_another_user_is_told_whom_to_be(tmp_path: Path, may_enter: bool) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    directory = StateDirectory(tmp_path / "state")
    directory.path.mkdir(mode=0o755 if may_enter else 0o700)
    with sockets.listen(directory.control):
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            os._exit(_is_told_whom_to_be(directory))
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def _is_told_whom_to_be(directory: StateDirectory) -> int:
    try:
        ask(directory, "status")
    except ControlError as error:
        said = f"the process at {directory.control} can't be asked: Permission denied"
        return 0 if str(error) == f"{said}\n  ask as the user that it runs as" else 1
    except BaseException:
        return 2
    return 3
