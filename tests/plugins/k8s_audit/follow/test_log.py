"""A log that is written and rotated while it is read: every event comes once, in order."""

from __future__ import annotations

import json
import logging
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcocore_k8s_audit.follow.log import Lines, RotatedLog
from falcocore_k8s_audit.follow.position import Position
from tests.support.audit_log import AuditLog
from tests.support.turns import Turns

NOWHERE = Position(device=0, inode=0, head_bytes=0, head_sha256="", offset=0, changed_ns=0)
"""Where a log is waited for that is not there yet."""


class Reader:
    """Reads what is there, and may end and begin again at any position that it was at."""

    def __init__(self, log: AuditLog) -> None:
        self._path = log.path
        self.ids: list[str] = []
        self.position = NOWHERE
        self.begin_again()

    def begin_again(self) -> None:
        self.log = RotatedLog(self._path, self.position)

    def end(self) -> None:
        self.log.close()

    def read(self) -> list[str]:
        """The ids of what is new."""
        new: list[str] = []
        while (lines := self.log.read()) is not None:
            new += ids_of(lines)
            self.position = lines.end
        self.ids += new
        return new


def ids_of(lines: Lines) -> list[str]:
    return [json.loads(line)["auditID"] for line in bytes(lines.text).splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit.log")


@pytest.fixture
def reader(log: AuditLog) -> Iterator[Reader]:
    reader = Reader(log)
    yield reader
    reader.end()
    log.leave()


ROTATIONS: list[Callable[..., Path]] = [
    AuditLog.rotate,
    AuditLog.rotate_by_number,
    AuditLog.copy_and_truncate,
]
EACH_ROTATION = pytest.mark.parametrize("rotate", ROTATIONS, ids=lambda rotate: rotate.__name__)
PACKED = pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])


def test_growth_is_read_as_it_comes(log: AuditLog, reader: Reader) -> None:
    assert reader.read() == []
    for count in (1, 3, 0, 1):
        log.write(count)
        assert len(reader.read()) == count
    assert reader.ids == log.written


def test_line_in_two_parts_is_one_event(log: AuditLog, reader: Reader) -> None:
    log.write()
    log.begin_line()
    assert reader.read() == ["1"]
    assert reader.read() == []
    log.write()
    assert reader.read() == ["2"]


@EACH_ROTATION
@PACKED
def test_rotation_between_two_looks_loses_nothing(
    log: AuditLog, reader: Reader, rotate: Callable[..., Path], packed: bool
) -> None:
    log.write(2)
    assert reader.read() == ["1", "2"]
    log.write(2)
    rotate(log, packed=packed)
    log.write(2)
    log.leave()
    log.write(1)
    assert reader.read() == ["3", "4", "5", "6", "7"]
    assert reader.read() == []


@EACH_ROTATION
@PACKED
def test_many_rotations_while_nobody_reads_lose_nothing(
    log: AuditLog, reader: Reader, rotate: Callable[..., Path], packed: bool
) -> None:
    log.write(3)
    reader.read()
    reader.end()
    for _ in range(11):
        log.write(2)
        rotate(log, packed=packed)
        log.leave()
    log.write(1)
    reader.begin_again()
    reader.read()
    assert reader.ids == log.written


def test_what_comes_late_into_the_old_file_is_read_before_the_new_one(log: AuditLog, reader: Reader) -> None:
    log.write(1)
    reader.read()
    log.rotate_by_number()
    log.write(1)  # Still into the old file.
    assert reader.read() == ["2"]
    log.path.touch()
    log.write(1)
    assert reader.read() == ["3"]
    log.write(1)
    log.leave()
    log.write(1)
    assert reader.read() == ["4", "5"]


def test_log_of_which_only_a_part_of_a_line_was_seen_is_found_in_its_copy(
    log: AuditLog, reader: Reader
) -> None:
    log.begin_line()
    assert reader.read() == []
    log.write()
    log.copy_and_truncate()
    log.write()
    assert reader.read() == ["1", "2"]


def test_last_line_without_its_end_is_read_when_there_is_a_next_file(log: AuditLog, reader: Reader) -> None:
    log.write(1)
    content = log.path.read_bytes()
    log.rotate()
    old = next(log.path.parent.iterdir())
    old.write_bytes(content * 2 + content.removesuffix(b"\n"))
    assert reader.read() == ["1", "1"]  # There is no new file: the line may go on.
    log.write(1)
    assert reader.read() == ["1", "2"]


def test_log_that_is_replaced_by_a_copy_goes_on(log: AuditLog, reader: Reader) -> None:
    log.write(2)
    log.begin_line()
    reader.read()
    log.replace_by_copy()
    log.write(2)
    assert reader.read() == ["3", "4"]


def test_files_of_another_way_to_rotate_are_not_read_again(log: AuditLog, reader: Reader) -> None:
    for rotate in (log.rotate, log.rotate_by_number, log.copy_and_truncate):
        log.write(2)
        assert len(reader.read()) == 2
        rotate()
        log.leave()
    log.write(1)
    assert reader.read() == ["7"]


@pytest.mark.parametrize("again", [False, True], ids=["going on", "after a restart"])
def test_truncated_log_without_a_copy_is_read_from_its_beginning(
    log: AuditLog, reader: Reader, again: bool, caplog: pytest.LogCaptureFixture
) -> None:
    log.write(3)
    reader.read()
    size_bytes = log.path.stat().st_size
    log.copy_and_truncate().unlink()
    if again:
        reader.end()
        reader.begin_again()
    assert (reader.read(), caplog.messages) == ([], [])
    log.write(5)  # It is longer now than what was read.
    assert reader.read() == ["4", "5", "6", "7", "8"]
    assert [message.partition("What")[0] for message in caplog.messages] == [
        f"source k8s_audit: the file that was read up to byte {size_bytes} is gone, truncated or removed "
        "after a rotation. "
    ]


def test_removed_rotated_file_is_told_of_and_what_came_after_it_is_read(
    log: AuditLog, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    log.write(1)
    log.rotate()
    log.write(1)
    reader.read()
    reader.end()
    log.write(1)
    lost = log.rotate()
    log.write(1)
    log.rotate(packed=True)
    log.write(1)
    lost.unlink()
    reader.begin_again()
    assert reader.read() == ["4", "5"]
    assert "What was not read of it is lost" in caplog.text


@pytest.mark.parametrize("broken", [b"\x1f\x8b no gzip", b"cut"])
def test_broken_packed_file_is_told_of_once_and_left_out(
    log: AuditLog, reader: Reader, broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    log.write(1)
    reader.read()
    log.rotate()
    log.write(1)
    packed = log.rotate(packed=True)
    packed.write_bytes(packed.read_bytes()[:-12] if broken == b"cut" else broken)
    log.write(1)
    assert reader.read()[-1] == "3"
    assert reader.read() == []
    assert [(record.levelno, str(packed) in record.message) for record in caplog.records] == [
        (logging.ERROR, True)
    ]


def test_log_that_can_not_be_opened_yet_is_waited_for(
    log: AuditLog, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    # A directory, as permissions do not stop the root user of a test.
    log.path.mkdir()
    assert (reader.read(), reader.read()) == ([], [])
    log.path.rmdir()
    log.write(1)
    assert reader.read() == ["1"]
    assert caplog.messages == [f"source k8s_audit: {log.path} can't be read: Is a directory"]


RARE = (484, 894, 1048)
"""With these, a copy is looked at when it is just begun, and still empty."""


@EACH_ROTATION
@PACKED
@pytest.mark.parametrize("pace", [[0, 1, 2, 3, 5, 9], [0, 0, 0, 0, 1, 3], [0] * 20 + [1, 2, 9]])
def test_rotations_between_any_two_looks_at_the_files_lose_nothing(
    rotate: Callable[..., Path], packed: bool, pace: list[int], tmp_path: Path
) -> None:
    for seed in (*range(60), *RARE):
        directory = tmp_path / str(seed)
        directory.mkdir()
        read, written = read_while_rotated(
            directory / "audit.log", lambda log: rotate(log, packed=packed), random.Random(seed), pace
        )
        assert read == written, seed


def read_while_rotated(
    path: Path, rotate: Callable[[AuditLog], object], chosen: random.Random, pace: list[int]
) -> tuple[list[str], list[str]]:
    """The ids of events that were read, and of those that were written."""
    log = AuditLog(path, lambda: turns.between())
    turns = Turns(lambda: rotate_often(log, rotate, chosen))
    reader = Reader(log)
    with turns.between_looks(lambda: chosen.choice(pace)):
        while not turns.is_done:
            reader.read()
            turns.step()
            if chosen.random() < 0.1:
                reader.end()
                reader.begin_again()
    reader.read()
    reader.end()
    log.leave()
    return reader.ids, log.written


def rotate_often(log: AuditLog, rotate: Callable[[AuditLog], object], chosen: random.Random) -> None:
    for _ in range(chosen.randrange(3, 8)):
        log.write(chosen.randrange(1, 4))
        rotate(log)
        log.write(chosen.randrange(3))
        log.leave()
    log.write()


STEPS = st.sampled_from(["write", "write many", "begin", "rotate", "rotate packed", "read", "again", "late"])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ROTATIONS), st.lists(STEPS, max_size=25))
def test_any_course_of_events_gives_each_line_once(rotate: Callable[..., Path], steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        log = AuditLog(Path(directory) / "audit.log")
        log.write()
        reader = Reader(log)
        for step in steps:
            match step:
                case "write":
                    log.write()
                case "write many":
                    log.write(40)
                case "begin":
                    log.begin_line()
                case "rotate" | "rotate packed":
                    log.write()  # An empty file is not rotated.
                    rotate(log, packed=step == "rotate packed")
                    log.leave()
                    log.write()
                case "late":
                    if rotate is AuditLog.rotate_by_number:
                        rotate(log)
                        log.write(2)
                        reader.read()
                        log.leave()
                        log.write()
                case "read":
                    reader.read()
                case "again":
                    reader.read()
                    reader.end()
                    reader.begin_again()
        log.leave()
        reader.read()
        reader.end()
        assert reader.ids == log.written
