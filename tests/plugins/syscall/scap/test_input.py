"""The bytes of a capture: closing ends a read that waits, and the same input can be opened again."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from falcocore_syscall.scap.input import Input

WITHIN_S = 10.0


def test_closing_ends_a_read_that_waits_and_it_can_be_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    source = Input(str(path))
    source.open()
    writer = os.open(path, os.O_WRONLY)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(source.read()))
    reader.start()
    source.close()
    reader.join(WITHIN_S)
    assert read == [b""]
    assert source.read() == b""
    assert not source.is_stopped
    source.open()
    os.write(writer, b"more")
    assert source.read() == b"more"
    source.close()
    os.close(writer)


def test_nothing_is_read_after_stopping(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(b"x")
    source = Input(str(path))
    source.open()
    source.stop()
    assert source.read() == b""
    source.close()
    assert source.is_stopped
