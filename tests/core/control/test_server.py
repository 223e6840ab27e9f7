"""The control socket: every request is answered, and no client holds anybody up."""

from __future__ import annotations

import json
import logging
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from falcocore.control import server as server_module
from falcocore.control.protocol import MAX_REQUEST_BYTES, taking
from falcocore.control.server import ControlServer
from falcocore.errors import ConfigError
from falcocore.state import StateDirectory
from tests.support.control_service import SAFETY_S, connected, said, serving


class Two(msgspec.Struct, forbid_unknown_fields=True):
    a: int
    b: int = 0


def refuse(_arguments: Mapping[str, Any]) -> object:
    raise ConfigError("it is wrong", hint="mend it")


def break_down(_arguments: Mapping[str, Any]) -> object:
    raise RuntimeError("surprise")


COMMANDS = {
    "add": taking(Two, lambda two: {"sum": two.a + two.b}),
    "nothing": lambda _arguments: None,
    "refuse": refuse,
    "break": break_down,
}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[StateDirectory]:
    with serving(tmp_path, COMMANDS) as directory:
        yield directory


def error(message: str, hint: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "hint": hint}}


@pytest.mark.parametrize(
    ("request_line", "answer"),
    [
        (b'{"command":"add","a":1,"b":2}', {"ok": {"sum": 3}}),
        (b'{"command": "add", "a": 1}\r', {"ok": {"sum": 1}}),
        (b'{"command":"nothing"}', {"ok": None}),
        (b'{"command":"refuse"}', error("it is wrong", "mend it")),
        (b'{"command":"break"}', error("internal error: surprise", "the log of the process has more")),
        (b'{"command":"ad"}', error("there is no command 'ad'", "did you mean add?")),
        (
            b'{"command":"zzz"}',
            error("there is no command 'zzz'", "commands are add, nothing, refuse, break"),
        ),
        (b'{"command":"add"}', error("the request can't be used: Object missing required field `a`")),
        (
            b'{"command":"add","a":"1"}',
            error("the request can't be used: Expected `int`, got `str` - at `$.a`"),
        ),
        (
            b'{"command":"add","a":1,"c":2}',
            error("the request can't be used: Object contains unknown field `c`"),
        ),
        *(
            (
                line,
                error("the request names no command", 'write a line such as {"command": "status"}'),
            )
            for line in (b"{}", b"[]", b"1", b'{"command":1}')
        ),
    ],
)
def test_request_is_answered(directory: StateDirectory, request_line: bytes, answer: dict[str, Any]) -> None:
    with connected(directory) as client:
        client.sendall(request_line + b"\n")
        client.shutdown(socket.SHUT_WR)
        assert said(client) == [answer]


@pytest.mark.parametrize("junk", [b"\n", b"{\n", b"\xff\n", b"GET / HTTP/1.1\r\n"])
def test_what_is_no_json_is_answered(directory: StateDirectory, junk: bytes) -> None:
    with connected(directory) as client:
        client.sendall(junk)
        client.shutdown(socket.SHUT_WR)
        (answer,) = said(client)
        assert answer["error"]["message"].startswith("the request is not JSON: ")


def test_a_connection_may_ask_more_than_once(directory: StateDirectory) -> None:
    with connected(directory) as client:
        client.sendall(b'{"command":"refuse"}\n{"command":"add","a":5}\n{"command":"nothing"}\n{"comm')
        client.shutdown(socket.SHUT_WR)
        assert said(client) == [error("it is wrong", "mend it"), {"ok": {"sum": 5}}, {"ok": None}]


def test_request_that_is_too_large_is_told_and_ends_the_connection(directory: StateDirectory) -> None:
    with connected(directory) as client:
        client.sendall(b" " * (MAX_REQUEST_BYTES + 1))
        assert said(client) == [error(f"a request has {MAX_REQUEST_BYTES} bytes at the most")]


def test_large_answers_arrive_whole(tmp_path: Path) -> None:
    much = {"much": lambda _arguments: "x" * 5_000_000}
    with serving(tmp_path, much) as directory, connected(directory) as client:
        client.sendall(b'{"command":"much"}\n')
        client.shutdown(socket.SHUT_WR)
        assert said(client) == [{"ok": "x" * 5_000_000}]


def test_client_that_says_nothing_is_let_go(
    directory: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "CLIENT_S", 0.05)
    with connected(directory) as client:
        client.sendall(b'{"comm')
        assert client.recv(1) == b""


def test_client_that_does_not_read_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "CLIENT_S", 0.05)
    much = {"much": lambda _arguments: "x" * 5_000_000}
    with serving(tmp_path, much) as directory, connected(directory) as client:
        client.sendall(b'{"command":"much"}\n')
        poll = select.poll()
        poll.register(client, select.POLLHUP)
        assert poll.poll(SAFETY_S * 1000)
        received = 0
        with suppress(ConnectionError):
            while piece := client.recv(1 << 16):
                received += len(piece)
        assert received < 5_000_000


def test_slow_command_holds_no_other_connection_up(tmp_path: Path) -> None:
    entered, let_go = threading.Event(), threading.Event()

    def wait(_arguments: Mapping[str, Any]) -> object:
        entered.set()
        return let_go.wait(SAFETY_S)

    with (
        serving(tmp_path, {"wait": wait}) as directory,
        connected(directory) as slow,
        connected(directory) as quick,
    ):
        slow.sendall(b'{"command":"wait"}\n')
        assert entered.wait(SAFETY_S)
        quick.sendall(b"{}\n")
        assert b"names no command" in quick.recv(1000)
        let_go.set()
        assert json.loads(slow.recv(1000)) == {"ok": True}


def test_too_many_connections_are_told(directory: StateDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_CLIENTS", 1)
    with connected(directory) as first:
        first.sendall(b'{"command":"nothing"}\n')
        assert first.recv(100) == b'{"ok":null}\n'
        with connected(directory) as second:
            assert said(second) == [error("too many connections", "try again later")]


def test_a_client_that_goes_is_no_error(directory: StateDirectory, caplog: pytest.LogCaptureFixture) -> None:
    with connected(directory) as client:
        client.sendall(b'{"command":"nothing"}\n' * 1000)
    with connected(directory) as client:
        client.sendall(b'{"command":"add","a":1}\n')
        assert client.recv(100) == b'{"ok":{"sum":1}}\n'
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_there_is_no_socket_in_a_directory_of_another(tmp_path: Path) -> None:
    server = ControlServer(StateDirectory(tmp_path), COMMANDS)
    server.open()
    assert list(tmp_path.iterdir()) == []


def test_socket_that_cannot_be_made_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = StateDirectory(tmp_path)
    directory.own()
    directory.control.mkdir()
    ControlServer(directory, COMMANDS).open()
    (record,) = caplog.records
    assert record.getMessage().startswith(f"the control socket {directory.control} can't be made: ")
    directory.release()
