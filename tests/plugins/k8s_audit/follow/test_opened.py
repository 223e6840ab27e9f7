"""One file that is read on: whole lines only, and what it is known by."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from falcocore_k8s_audit.files import BLOCK_BYTES
from falcocore_k8s_audit.follow.opened import Opened, open_at, open_at_end
from falcocore_k8s_audit.follow.position import HEAD_BYTES


def all_of(file: Opened) -> bytes:
    found = b""
    while lines := file.read():
        assert bytes(lines).endswith(b"\n")
        found += lines
    return found


@pytest.mark.parametrize("length", [1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES])
def test_line_of_any_length_comes_whole_and_only_when_it_is_whole(tmp_path: Path, length: int) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"first\n" + b"x" * length)
    file = open_at(path, 0)
    assert all_of(file) == b"first\n"
    with path.open("ab") as log:
        log.write(b"\n")
    assert all_of(file) == b"x" * length + b"\n"
    assert (file.offset, file.read(), file.read_rest()) == (length + 7, b"", b"")
    file.close()


@pytest.mark.parametrize("offset", [0, 2, 5, BLOCK_BYTES + 3])
@pytest.mark.parametrize("end", [b"\n", b""], ids=["ended", "not ended"])
def test_packed_file_is_read_from_an_unpacked_offset(tmp_path: Path, offset: int, end: bytes) -> None:
    content = b"a\nb\n\n" + b"x" * BLOCK_BYTES + b"\n" + b"c\n" * BLOCK_BYTES + b"last"
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(content[:9]) + gzip.compress(content[9:] + end))
    file = open_at(path, offset)
    assert all_of(file) == content[offset:] + b"\n"
    file.close()


@pytest.mark.parametrize(
    ("content", "rest"),
    [
        (b"", b""),
        (b"a\nb\n", b""),
        (b"a\nbegun", b"begun"),
        (b"begun", b"begun"),
        (b"a\n" + b"x" * BLOCK_BYTES + b"\nbegun", b"begun"),
        (b"a\n" + b"x" * 2 * BLOCK_BYTES, b""),  # Longer than what is looked at: the line is left out.
    ],
)
def test_end_is_behind_the_last_whole_line(tmp_path: Path, content: bytes, rest: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(content)
    file = open_at_end(path)
    with path.open("ab") as log:
        log.write(b"!\n")
    assert all_of(file) == rest + b"!\n"
    file.close()


@pytest.mark.parametrize("size", [1, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 1])
def test_position_is_known_again_in_a_file_that_grew_was_copied_or_packed(tmp_path: Path, size: int) -> None:
    path, copy, packed = tmp_path / "log", tmp_path / "copy", tmp_path / "copy.gz"
    content = b"x" * (size - 1) + b"\n"
    path.write_bytes(content)
    file = open_at(path, 0)
    all_of(file)
    position = file.position()
    file.close()
    longer = content + b"more\n" * HEAD_BYTES
    for target, written in ((path, longer), (copy, longer), (packed, gzip.compress(longer))):
        target.write_bytes(written)
        again = open_at(target, position.offset)
        assert again.holds(position)
        assert all_of(again) == longer[size:]
        again.close()
    for other in (b"", content[1:], b"y" + longer[1:]):
        copy.write_bytes(other)
        again = open_at(copy, 0)
        assert not again.holds(position)
        again.close()


def test_empty_file_is_known_by_its_inode(tmp_path: Path) -> None:
    path, other = tmp_path / "log", tmp_path / "other"
    path.touch()
    other.touch()
    file = open_at(path, 0)
    position = file.position()
    path.rename(tmp_path / "renamed")
    file.close()
    for name, holds in (("renamed", True), ("other", False)):
        again = open_at(tmp_path / name, 0)
        assert again.holds(position) == holds
        again.close()


def test_file_that_lost_its_end_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"line\n" * HEAD_BYTES)
    file = open_at(path, 0)
    all_of(file)
    os.truncate(path, file.offset - 1)
    assert not file.is_intact()
    file.close()


@pytest.mark.parametrize(
    ("content", "intact"),
    [(b"a\nb\nmore", True), (b"a\nb\n", True), (b"a\nb", False), (b"", False), (b"A\nb\nmore\n", False)],
)
def test_file_that_changes_under_our_hands_is_noticed(tmp_path: Path, content: bytes, intact: bool) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a\nb\n")
    file = open_at(path, 0)
    all_of(file)
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, content)
    os.close(descriptor)
    assert file.is_intact() == intact
    file.close()
