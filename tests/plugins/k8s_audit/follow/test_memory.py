"""The offset on the disk: what is found again, and what damage to it does."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import pytest

from falcocore_k8s_audit.follow import memory as memory_module
from falcocore_k8s_audit.follow.memory import DamagedError, Memory
from falcocore_k8s_audit.follow.position import Position

LOG = Path("/var/log/audit.log")


def position(offset: int) -> Position:
    return Position(device=1, inode=2, head_bytes=3, head_sha256="abc", offset=offset, changed_ns=4)


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path, LOG)


def test_first_start_has_no_position(memory: Memory) -> None:
    assert memory.load() is None


def test_position_is_found_again(memory: Memory, tmp_path: Path) -> None:
    memory.note(position(7))
    assert Memory(tmp_path, LOG).load() == position(7)
    assert [path.name for path in tmp_path.iterdir()] == ["offset.json"]


def test_position_of_another_log_does_not_count(memory: Memory, tmp_path: Path) -> None:
    memory.note(position(7))
    assert Memory(tmp_path, Path("/var/log/other.log")).load() is None


def test_much_that_is_noted_is_written_seldom_and_the_last_with_a_flush(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "SAVE_S", 3600)
    for offset in range(5):
        memory.note(position(offset))
    assert Memory(tmp_path, LOG).load() == position(0)
    memory.flush()
    assert Memory(tmp_path, LOG).load() == position(4)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"{", b"[]", b'{"log":"/var/log/audit.log"}', b'{"log":"\xff"}', b"\xff\xfe"],
)
def test_damaged_file_is_told_from_a_missing_one(memory: Memory, content: bytes) -> None:
    memory.path.write_bytes(content)
    with pytest.raises(DamagedError):
        memory.load()


def test_file_cut_anywhere_is_damaged(memory: Memory) -> None:
    memory.note(position(7))
    content = memory.path.read_bytes().rstrip()
    for length in range(len(content)):
        memory.path.write_bytes(content[:length])
        with pytest.raises(DamagedError):
            memory.load()


@dataclass
class Obstacle:
    """A directory where the new file is to be written."""

    path: Path

    def put(self) -> None:
        self.path.mkdir()

    def remove(self) -> None:
        self.path.rmdir()


def test_failure_to_write_is_said_once_and_mended_later(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(memory_module, "SAVE_S", 0)
    caplog.set_level(logging.INFO, "falcocore")
    obstacle = Obstacle(tmp_path / "offset.new")
    memory.note(position(1))
    obstacle.put()
    for offset in (2, 3):
        memory.note(position(offset))
    assert Memory(tmp_path, LOG).load() == position(1)
    obstacle.remove()
    memory.flush()
    assert Memory(tmp_path, LOG).load() == position(3)
    assert caplog.messages == [
        f"source k8s_audit: {memory.path} can't be written: Is a directory. "
        "After a restart alerts may come twice",
        f"source k8s_audit: {memory.path} is written again",
    ]
