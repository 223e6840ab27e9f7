"""Alerts in a file: appended lines, rotation, and what happens when it can't be written."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from falcocore.api import OutputError
from falcocore_outputs.file import FileOutput
from tests.support.small_alerts import send

KEEP_ALIVE = pytest.mark.parametrize("keep_alive", [True, False])


@contextmanager
def opened(path: Path, *, keep_alive: bool = True) -> Iterator[FileOutput]:
    output = FileOutput(filename=str(path), keep_alive=keep_alive)
    output.open()
    try:
        yield output
    finally:
        output.close()


@KEEP_ALIVE
def test_alerts_are_appended_one_on_each_line(tmp_path: Path, keep_alive: bool) -> None:
    path = tmp_path / "alerts"
    path.write_text("old\n", "utf-8")
    with opened(path, keep_alive=keep_alive) as output:
        send(output, "one", "zwei ä")
        assert path.read_text("utf-8") == "old\none\nzwei ä\n"
        send(output, "three")
    assert path.read_text("utf-8") == "old\none\nzwei ä\nthree\n"


def test_file_is_made_at_the_start(tmp_path: Path) -> None:
    with opened(tmp_path / "alerts", keep_alive=False):
        assert (tmp_path / "alerts").read_bytes() == b""


@pytest.mark.parametrize(
    ("keep_alive", "reopen", "old", "new"),
    [
        (True, False, "one\ntwo\n", None),
        (True, True, "one\n", "two\n"),
        (False, False, "one\n", "two\n"),
        (False, True, "one\n", "two\n"),
    ],
)
def test_rotation(tmp_path: Path, keep_alive: bool, reopen: bool, old: str, new: str | None) -> None:
    path, rotated = tmp_path / "alerts", tmp_path / "alerts.1"
    with opened(path, keep_alive=keep_alive) as output:
        send(output, "one")
        path.rename(rotated)
        if reopen:
            output.reopen()
        send(output, "two")
    assert rotated.read_text("utf-8") == old
    assert (path.read_text("utf-8") if path.exists() else None) == new


@KEEP_ALIVE
@pytest.mark.parametrize(
    ("name", "cause"), [("none/alerts", "No such file or directory"), ("", "Is a directory")]
)
def test_path_that_cannot_be_opened_is_known_at_the_start(
    tmp_path: Path, keep_alive: bool, name: str, cause: str
) -> None:
    output = FileOutput(filename=str(tmp_path / name), keep_alive=keep_alive)
    with pytest.raises(OutputError) as caught:
        output.open()
    assert caught.value.message == f"{tmp_path / name} can't be opened: {cause}"


@KEEP_ALIVE
def test_file_that_cannot_be_reopened_is_opened_when_it_can(tmp_path: Path, keep_alive: bool) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    with opened(folder / "alerts", keep_alive=keep_alive) as output:
        send(output, "one")
        folder.rename(tmp_path / "moved")
        with pytest.raises(OutputError, match="can't be opened"):
            output.reopen()
        with pytest.raises(OutputError, match="can't be opened"):
            send(output, "two")
        folder.mkdir()
        send(output, "three")
    assert (folder / "alerts").read_text("utf-8") == "three\n"


@KEEP_ALIVE
def test_full_device_is_an_error(keep_alive: bool) -> None:
    with (
        opened(Path("/dev/full"), keep_alive=keep_alive) as output,
        pytest.raises(OutputError, match="/dev/full can't be written: No space left on device"),
    ):
        send(output, "one")


def test_pipe_without_a_reader_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with opened(path) as output:
        send(output, "one")
        assert os.read(reader, 100) == b"one\n"
        os.close(reader)
        with pytest.raises(OutputError, match="pipe can't be written: Broken pipe"):
            send(output, "two")


@contextmanager
def room_for(path: Path, size_bytes: int) -> Iterator[None]:
    """Let the file grow by so many bytes only, as a disk does that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Far above the size of any other file that this process writes meanwhile; the hole takes no room.
    limit_bytes = 1 << 28
    with path.open("r+b") as file:
        file.seek(limit_bytes - size_bytes - 1)
        file.write(b"\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def written_of(path: Path) -> bytes:
    """What stands behind the hole."""
    with path.open("rb") as file:
        file.seek(-1024, os.SEEK_END)
        return file.read().lstrip(b"\0").removeprefix(b"\n")


@KEEP_ALIVE
def test_line_that_was_torn_by_a_full_disk_is_ended_before_the_next(tmp_path: Path, keep_alive: bool) -> None:
    path = tmp_path / "alerts"
    with opened(path, keep_alive=keep_alive) as output:
        with room_for(path, len("first\nsec")):
            with pytest.raises(OutputError, match="alerts can't be written: File too large"):
                send(output, "first", "second")
            # Nothing more is written of a file that takes nothing.
            with pytest.raises(OutputError):
                send(output, "first", "second")
        send(output, "first", "second")
        send(output, "third")
    assert written_of(path) == b"first\nsec\nfirst\nsecond\nthird\n"


@KEEP_ALIVE
def test_nothing_is_put_between_whole_lines(tmp_path: Path, keep_alive: bool) -> None:
    path = tmp_path / "alerts"
    with opened(path, keep_alive=keep_alive) as output:
        with room_for(path, len("first\n")), pytest.raises(OutputError):
            send(output, "first", "second")
        send(output, "second")
    assert written_of(path) == b"first\nsecond\n"


def test_file_is_not_held_open_where_a_write_failed(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    with opened(path, keep_alive=False) as output:
        with room_for(path, 0), pytest.raises(OutputError):
            send(output, "one")
        path.unlink()
        send(output, "one")
    assert path.read_text("utf-8") == "one\n"
