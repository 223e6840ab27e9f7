"""Connections that end by themselves."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from falcocore_syscall.live.runtimes.errors import UnansweredError
from falcocore_syscall.live.runtimes.stream import UnixStream
from tests.support.unix_servers import Handler, unix_server

PATIENCE_S = 0.2
SAFETY_S = 10.0


def _silent(done: threading.Event) -> Handler:
    return lambda _connection: (done.wait(SAFETY_S), None)[1]


def _dripping(done: threading.Event) -> Handler:
    """A byte each 20 ms: each read is fast, all of them never end."""

    def handle(connection: socket.socket) -> None:
        while not done.wait(0.02):
            try:
                connection.sendall(b"x")
            except OSError:
                return

    return handle


def _read_all(stream: UnixStream) -> None:
    while stream.receive():
        pass


@pytest.mark.parametrize("behaviour", [_silent, _dripping])
def test_reading_ends_with_the_time(
    socket_folder: Path, behaviour: Callable[[threading.Event], Handler]
) -> None:
    done = threading.Event()
    path = socket_folder / "s"
    began_s = time.monotonic()
    with unix_server(path, behaviour(done)), UnixStream(str(path), began_s + PATIENCE_S) as stream:
        with pytest.raises(UnansweredError, match="no answer in time"):
            _read_all(stream)
        done.set()
    assert PATIENCE_S <= time.monotonic() - began_s < SAFETY_S


def test_writing_ends_with_the_time(socket_folder: Path) -> None:
    done = threading.Event()
    path = socket_folder / "s"
    with unix_server(path, _silent(done)), UnixStream(str(path), time.monotonic() + PATIENCE_S) as stream:
        with pytest.raises(UnansweredError, match="no answer in time"):
            stream.send(bytes(64 << 20))
        done.set()


def test_who_does_not_accept_is_not_waited_for(socket_folder: Path) -> None:
    path = str(socket_folder / "s")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(path)
        listener.listen(0)
        first.connect(path)
        with pytest.raises(UnansweredError):
            UnixStream(path, time.monotonic() + PATIENCE_S)


@pytest.mark.parametrize(
    ("name", "reason"), [("none", "No such file"), ("file", "refused"), ("x" * 200, "too long")]
)
def test_who_is_not_there(socket_folder: Path, name: str, reason: str) -> None:
    (socket_folder / "file").touch()
    with pytest.raises(UnansweredError, match=reason):
        UnixStream(str(socket_folder / name), time.monotonic() + PATIENCE_S)
