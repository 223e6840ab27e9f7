"""Gzip in one member or several, plain bytes, and what ends early."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable

import pytest

from falcocore_syscall.scap.compression import PIECE_BYTES, unpacked
from falcocore_syscall.scap.errors import CaptureError

CONTENT = os.urandom(1000) + b"x" * 5000


def reading(data: bytes, size: int = 100) -> Callable[[], bytes]:
    file = io.BytesIO(data)
    return lambda: file.read(size)


@pytest.mark.parametrize(
    "packed",
    [
        CONTENT,
        gzip.compress(CONTENT),
        gzip.compress(CONTENT[:3000]) + gzip.compress(CONTENT[3000:]),
        gzip.compress(CONTENT) + b"\0" * 50,
    ],
    ids=["plain", "one member", "two members", "padding behind"],
)
@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_the_content_comes_whole(packed: bytes, size: int) -> None:
    assert b"".join(unpacked(reading(packed, size))) == CONTENT


def test_nothing_is_nothing() -> None:
    assert list(unpacked(reading(b""))) == []


def test_pieces_are_bounded_however_well_the_data_is_packed() -> None:
    packed = gzip.compress(bytes(5 * PIECE_BYTES))
    sizes = [len(piece) for piece in unpacked(reading(packed, 1 << 20))]
    assert sum(sizes) == 5 * PIECE_BYTES
    assert max(sizes) <= PIECE_BYTES


@pytest.mark.parametrize(
    ("packed", "problem"),
    [
        (gzip.compress(CONTENT)[:-20], "ends in the middle"),
        (gzip.compress(CONTENT)[:500], "ends in the middle"),
        (gzip.compress(CONTENT)[:-8] + b"\xff" * 8, "damaged"),
    ],
)
def test_damage_is_told_after_what_could_be_read(packed: bytes, problem: str) -> None:
    found: list[bytes] = []
    with pytest.raises(CaptureError, match=problem):
        found.extend(unpacked(reading(packed)))
    assert CONTENT.startswith(b"".join(found))
