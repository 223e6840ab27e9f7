"""Rotation of a file of alerts: by size, by time, what becomes of old files, and a process that is killed."""

from __future__ import annotations

import gzip
import os
import random
import re
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from falcocore.api import ConfigError, OutputError
from falcocore.options import build
from falcocore_outputs import archive
from falcocore_outputs.file import FileOutput
from tests.support.small_alerts import send

HOUR_S = 3600
DAY_S = 24 * HOUR_S
OLD = "alerts.20240309T220405.067890Z"


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[FileOutput]:
    """An output with options as the configuration has them."""
    texts = {name: str(value) for name, value in options.items()}
    output = build(FileOutput, {"filename": str(path), **texts}, "output file")
    output.open()
    try:
        yield output
    finally:
        output.close()


def contents(path: Path) -> list[str]:
    """The texts of the rotated files, the oldest first, and of the file."""
    rotated = sorted(path.parent.glob(f"{path.name}.*"))
    return [(gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes()).decode()
            for p in (*rotated, path)]  # fmt: skip


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ([["one", "two"]], ["one\ntwo\n"]),
        ([["one", "two", "three"]], ["one\ntwo\n", "three\n"]),
        ([["one"], ["two"], ["three"]], ["one\ntwo\n", "three\n"]),
        ([["ää", "öö"]], ["ää\nöö\n"]),
        ([["ääöö"], ["x"]], ["ääöö\n", "x\n"]),
        # One that is too long has a file of its own.
        ([["one", "a long line", "two"], ["three"]], ["one\n", "a long line\n", "two\nthree\n"]),
    ],
)
def test_no_file_is_larger_than_it_may_be(
    tmp_path: Path, keep_alive: bool, groups: list[list[str]], files: list[str]
) -> None:
    path = tmp_path / "alerts"
    with opened(path, keep_alive=keep_alive, rotate_bytes=10) as output:
        for group in groups:
            send(output, *group)
    assert contents(path) == files
    names = [p.name for p in tmp_path.iterdir() if p != path]
    assert all(re.fullmatch(r"alerts\.\d{8}T\d{6}\.\d{6}Z", name) for name in names)


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize(("period", "age_s"), [("hour", HOUR_S), ("day", DAY_S), ("day", -DAY_S)])
def test_a_file_of_another_period_is_rotated(
    tmp_path: Path, keep_alive: bool, period: str, age_s: float
) -> None:
    path = tmp_path / "alerts"
    path.write_text("old\n", "utf-8")
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))
    with opened(path, keep_alive=keep_alive, rotate_every=period) as output:
        send(output, "new")
    assert contents(path) == ["old\n", "new\n"]


def test_an_empty_file_is_not_rotated(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    path.touch()
    os.utime(path, (0, 0))
    with opened(path, rotate_every="hour", rotate_bytes=2) as output:
        send(output, "first")
    assert contents(path) == ["first\n"]


def test_without_the_options_nothing_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    path.write_text("old\n" * 100_000, "utf-8")
    os.utime(path, (0, 0))
    with opened(path) as output:
        send(output, "new")
    assert contents(path) == ["old\n" * 100_000 + "new\n"]


@pytest.mark.parametrize("compress", [True, False])
def test_so_many_files_are_kept_and_no_stranger_is_touched(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / "alerts"
    strangers = [
        "alerts.1",
        "alerts.1.gz",
        "alerts.20240309T220405Z",
        f"my{OLD}",
        f"{OLD}.txt",
        OLD.replace("0309", "0231"),
    ]
    for name in [*strangers, OLD, f"{OLD.replace('2024', '2023')}.gz"]:
        (tmp_path / name).write_bytes(b"stranger")
    with opened(path, rotate_bytes=1, keep=2, compress=compress) as output:
        send(output, *map(str, range(20)))
    for name in strangers:
        assert (tmp_path / name).read_bytes() == b"stranger"
        (tmp_path / name).unlink()
    assert contents(path) == ["17\n", "18\n", "19\n"]
    rotated = [p.name for p in tmp_path.iterdir() if p != path]
    assert all(name.endswith(".gz" if compress else "Z") for name in rotated)


def test_the_newest_file_is_kept_though_the_clock_was_set_back(tmp_path: Path) -> None:
    path, future = tmp_path / "alerts", tmp_path / "alerts.29991231T235959.999999Z"
    future.write_text("future\n", "utf-8")
    with opened(path, rotate_bytes=1, keep=2) as output:
        send(output, "one", "two", "three")
    assert contents(path) == ["one\n", "two\n", "three\n"]
    assert (tmp_path / "alerts.30000101T000000.000001Z").read_text("utf-8") == "two\n"


def test_rotated_files_are_compressed(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    with opened(path, rotate_bytes=100_000, compress=True) as output:
        for number in range(10):
            send(output, *[f"{number} {'x' * 500}"] * 100)
    found = list(tmp_path.glob("alerts.*"))
    assert {p.suffix for p in found} == {".gz"}
    assert max(p.stat().st_size for p in found) < 10_000
    assert "".join(contents(path)) == "".join(f"{n} {'x' * 500}\n" * 100 for n in range(10))


def test_what_a_killed_process_left_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    both, half, late = OLD, OLD.replace("09T", "10T"), OLD.replace("09T", "11T")
    for name in (both, half, late):
        (tmp_path / name).write_text(f"{name}\n", "utf-8")
    # Killed when the compressed file had its name, in the middle of one, before any, and after the last.
    (tmp_path / f"{both}.gz").write_bytes(gzip.compress(f"{both}\n".encode()))
    (tmp_path / f"{half}.gz.part").write_bytes(b"\x1f\x8b")
    (tmp_path / f"{OLD.replace('09T', '12T')}.gz.part").write_bytes(b"")
    with opened(path, rotate_bytes=100, compress=True):
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alerts", *(f"{n}.gz" for n in (both, half, late))]
    assert contents(path) == [f"{both}\n", f"{half}\n", f"{late}\n", ""]


def test_a_full_disk_leaves_the_file_that_it_can_not_compress(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, size_bytes = tmp_path / "alerts", 1 << 20
    noise = random.Random(4).randbytes(2 * size_bytes)
    (tmp_path / OLD).write_bytes(noise)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        with opened(path, rotate_bytes=100, compress=True) as output:
            send(output, "one")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / OLD).read_bytes() == noise
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alerts", OLD]
    assert path.read_text("utf-8") == "one\n"
    assert [message.partition("alerts: ")[2] for message in caplog.messages] == ["[Errno 27] File too large"]


def test_a_long_compression_is_given_up_at_the_end_and_done_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, noise = tmp_path / "alerts", random.Random(4).randbytes(20 << 20)
    (tmp_path / OLD).write_bytes(noise)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "CLOSE_S", 0.0)
        with opened(path, rotate_bytes=100, compress=True):
            pass
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alerts", OLD]
    assert (tmp_path / OLD).read_bytes() == noise
    with opened(path, rotate_bytes=100, compress=True):
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alerts", f"{OLD}.gz"]
    assert gzip.decompress((tmp_path / f"{OLD}.gz").read_bytes()) == noise


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_new_file_has_the_mode_and_the_owner_of_the_old(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "alerts"
    path.touch()
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    path.chmod(mode)
    before = path.stat()
    with opened(path, rotate_bytes=1, compress=True) as output:
        send(output, "one", "two")
    files = list(tmp_path.iterdir())
    assert len(files) == 2
    for file in files:
        after = file.stat()
        assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_link_stays_and_what_it_leads_to_is_rotated(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link, path = tmp_path / "link", tmp_path / "real" / "alerts"
    link.symlink_to(path)
    with opened(link, rotate_bytes=1) as output:
        send(output, "one", "two")
    assert link.readlink() == path
    assert contents(path) == ["one\n", "two\n"]


@pytest.mark.parametrize("made", [True, False])
def test_a_file_that_somebody_else_has_rotated_is_left_to_them(tmp_path: Path, made: bool) -> None:
    path = tmp_path / "alerts"
    with opened(path, rotate_bytes=10) as output:
        send(output, "12345678")
        path.rename(tmp_path / "theirs")
        if made:
            path.touch(0o604)
        send(output, "abcdefgh")
    assert (tmp_path / "theirs").read_text("utf-8") == "12345678\n"
    assert contents(path) == ["abcdefgh\n"]
    assert not made or path.stat().st_mode & 0o777 == 0o604


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_deleted_file_is_made_again(tmp_path: Path, keep_alive: bool) -> None:
    path = tmp_path / "alerts"
    with opened(path, keep_alive=keep_alive) as output:
        send(output, "one")
        path.unlink()
        send(output, "two")
    assert path.read_text("utf-8") == "two\n"


def test_a_file_that_can_not_be_rotated_grows_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # Its name leaves no room for the time.
    path = tmp_path / ("a" * 250)
    with opened(path, rotate_bytes=4) as output:
        for _ in range(2):
            send(output, "one", "two")
    assert path.read_text("utf-8") == "one\ntwo\none\ntwo\n"
    assert len(caplog.messages) == 1
    assert "can't be rotated and grows on: File name too long" in caplog.messages[0]


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_line_that_was_torn_before_the_start_is_ended(tmp_path: Path, keep_alive: bool) -> None:
    path = tmp_path / "alerts"
    path.write_text("whole\nto", "utf-8")
    with opened(path, keep_alive=keep_alive) as output:
        send(output, "one")
        send(output, "two")
    assert path.read_text("utf-8") == "whole\nto\none\ntwo\n"


def test_a_torn_line_does_not_concern_the_next_file(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    path.write_text("to", "utf-8")
    with opened(path, rotate_bytes=4) as output:
        send(output, "one")
    assert contents(path) == ["to", "one\n"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 3}, "keep and compress are for rotated files"),
        ({"compress": True}, "keep and compress are for rotated files"),
        ({"rotate_bytes": 0}, "rotate_bytes: 0 is no size"),
        ({"rotate_bytes": 1, "keep": 0}, "keep: 0 would delete alerts at once"),
        ({"rotate_every": "week"}, "option `rotate_every`: Invalid enum value 'week'"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(FileOutput, {"filename": "x", **options}, "output file")


def test_what_is_no_file_can_not_be_rotated() -> None:
    with pytest.raises(OutputError, match="/dev/null can't be rotated: it is not a file"):
        FileOutput(filename="/dev/null", rotate_bytes=1).open()


SENDER = textwrap.dedent(
    """
    import sys
    from falcocore_outputs.file import FileOutput
    from tests.support.small_alerts import send
    output = FileOutput(filename=sys.argv[1], rotate_bytes=2000, compress=True)
    output.open()
    for number in range(int(sys.argv[2]), sys.maxsize, 3):
        send(output, *(f"{n} {'x' * 100}" for n in range(number, number + 3)))
        print(number + 2, flush=True)
    """
)


def test_a_process_that_is_killed_loses_no_line(tmp_path: Path) -> None:
    path, done, chance = tmp_path / "alerts", -1, random.Random(4)
    for _ in range(8):
        command = [sys.executable, "-c", SENDER, str(path), str(done + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as sender:
            assert sender.stdout is not None
            for _ in range(chance.randrange(20, 200)):
                done = int(sender.stdout.readline())
            sender.send_signal(signal.SIGKILL)
            done = max([done, *map(int, sender.stdout.read().split())])
    with opened(path, rotate_bytes=2000, compress=True):
        pass
    assert not list(tmp_path.glob("*.part"))
    lines = "".join(contents(path)).splitlines()
    assert all(re.fullmatch(r"\d+ x{100}", line) for line in lines)
    numbers = [int(line.split()[0]) for line in lines]
    assert set(range(done + 1)) <= set(numbers)
    # A group that was written and not confirmed comes twice, and only that.
    assert len(numbers) - len(set(numbers)) <= 8 * 3
