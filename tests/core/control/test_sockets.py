"""Unix sockets at any path, for their owner only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from falcocore.control import sockets


def at_length(folder: Path, size_bytes: int) -> Path:
    """A path of that length whose folders exist."""
    path = folder
    while (left := size_bytes - len(os.fsencode(path)) - len("/s")) > 1:
        path /= "d" * min(left - 1, 100)
    path.mkdir(parents=True)
    return path / ("s" * (left + 1))


@pytest.mark.parametrize("size_bytes", [107, 108, 109, 1000])
def test_path_may_have_any_length(tmp_path: Path, size_bytes: int) -> None:
    path = at_length(tmp_path, size_bytes)
    assert len(os.fsencode(path)) == size_bytes
    before = len(os.listdir("/proc/self/fd"))
    with sockets.listen(path) as listener, sockets.connect(path, 5) as client:
        accepted, _ = listener.accept()
        with accepted:
            client.sendall(b"hello")
            assert accepted.recv(9) == b"hello"
    assert path.is_socket()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_may_connect(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        sockets.listen(tmp_path / "s").close()
    finally:
        os.umask(before)
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


def test_what_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    sockets.listen(tmp_path / "s").close()
    with pytest.raises(ConnectionRefusedError):
        sockets.connect(tmp_path / "s", 5)
    with sockets.listen(tmp_path / "s"), sockets.connect(tmp_path / "s", 5):
        pass


@pytest.mark.parametrize("folder", ["missing", "d" * 120])
def test_failure_is_raised_and_leaves_nothing_open(tmp_path: Path, folder: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for use in (sockets.listen, lambda path: sockets.connect(path, 5)):
        with pytest.raises(FileNotFoundError):
            use(tmp_path / folder / "s")
    assert len(os.listdir("/proc/self/fd")) == before
