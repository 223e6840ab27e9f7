"""Compressed input in pieces of any size: joined streams, padding, what is broken, and bounded memory."""

from __future__ import annotations

import gzip
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterator

import pytest
import zstandard

from falcocore.api import SourceError
from falcocore_k8s_audit.compression import UNPACKED_BYTES, is_undecided, unpacker_for

Pack = Callable[[bytes], bytes]
PACKERS: list[tuple[str, Pack]] = [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)]
BOTH = pytest.mark.parametrize(("form", "pack"), PACKERS, ids=["gzip", "zstd"])
PACKED = pytest.mark.parametrize("pack", [pack for _, pack in PACKERS], ids=["gzip", "zstd"])
TEXT = b"".join(b"line %d of some text\n" % number for number in range(20_000))


def fed(packed: bytes, piece_bytes: int) -> Iterator[bytes]:
    unpacker = unpacker_for(packed, "audit.log")
    for start in range(0, len(packed), piece_bytes):
        yield from unpacker.feed(packed[start : start + piece_bytes])
    unpacker.finish()


def until_failure(packed: bytes, piece_bytes: int) -> tuple[bytes, str]:
    """What is read before the error, and what that says."""
    read = bytearray()
    try:
        for piece in fed(packed, piece_bytes):
            read += piece
    except SourceError as error:
        return bytes(read), error.message
    pytest.fail("broken input was read without an error")


@pytest.mark.parametrize("piece_bytes", [1, 7, 1000, 1 << 20])
@PACKED
def test_streams_after_each_other_are_one_text(pack: Pack, piece_bytes: int) -> None:
    parts = [TEXT[:100], b"", TEXT[100:150_001], TEXT[150_001:]]
    packed = b"".join(pack(part) for part in parts)
    assert b"".join(fed(packed, piece_bytes)) == TEXT


@pytest.mark.parametrize("padding_bytes", [1, 511, 100_000])
@pytest.mark.parametrize("piece_bytes", [100, 1 << 20])
@PACKED
def test_zero_bytes_behind_a_stream_are_padding(pack: Pack, padding_bytes: int, piece_bytes: int) -> None:
    padding = bytes(padding_bytes)
    assert b"".join(fed(pack(b"a") + padding, piece_bytes)) == b"a"
    assert b"".join(fed(pack(b"a") + padding + pack(b"b") + padding, piece_bytes)) == b"ab"


@BOTH
def test_input_that_ends_early_is_an_error_after_what_came_before(form: str, pack: Pack) -> None:
    whole = pack(TEXT[:1000])
    for end in (len(whole) + 5, len(whole) + len(pack(TEXT)) - 1):
        read, message = until_failure((whole + pack(TEXT))[:end], 100)
        assert message == f"audit.log ends in the middle of its {form} data; what came before was read"
        assert read.startswith(TEXT[:1000])


@pytest.mark.parametrize("tail", [b"no stream", b"\0\0no stream"])
@BOTH
def test_what_is_no_stream_is_an_error_after_what_came_before(form: str, pack: Pack, tail: bytes) -> None:
    read, message = until_failure(pack(TEXT[:1000]) + tail, 1 << 20)
    assert read == TEXT[:1000]
    assert re.fullmatch(f"audit.log is broken {form}: .*; what came before was read", message)


def test_wrong_checksum_is_an_error() -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[-5] ^= 1
    assert "audit.log is broken gzip: " in until_failure(bytes(packed), 1 << 20)[1]


def test_broken_middle_costs_no_more_than_a_small_part() -> None:
    # Blocks that are stored as they are, so that it is known where each begins and which one is broken.
    parts = [TEXT[start : start + 1000] for start in range(0, 300_000, 1000)]
    blocks = [struct.pack("<BHH", 0, len(part), 0xFFFF - len(part)) + part for part in parts]
    blocks[200] = b"\0\1\1\1\1" + parts[200]
    packed = b"\x1f\x8b\x08" + bytes(7) + b"".join(blocks)
    read, message = until_failure(packed, 1 << 20)
    assert "is broken gzip" in message
    assert 200_000 - (1 << 14) <= len(read) <= 200_000
    assert TEXT.startswith(read)


@pytest.mark.parametrize("first", [b"", b"{}\n", b"\n", b"\0\0", b"\x1f", b"\x1f\x8a", b"(\xb5/", b"BZh9"])
def test_anything_else_is_plain(first: bytes) -> None:
    unpacker = unpacker_for(first, "audit.log")
    assert list(unpacker.feed(first)) == [first]
    unpacker.finish()


@pytest.mark.parametrize(
    ("first", "undecided"),
    [(b"\x1f", True), (b"(", True), (b"(\xb5/", True)]
    + [(first, False) for first in (b"", b"{", b"\n", b"\x1f\x8b", b"\x1f{", b"(\xb5/\xfd", b"(a")],
)
def test_few_bytes_leave_open_what_follows(first: bytes, undecided: bool) -> None:
    assert is_undecided(first) is undecided


@pytest.mark.parametrize("streams", [1, 20])
def test_small_gzip_of_hundreds_of_megabytes_comes_in_bounded_pieces(streams: int) -> None:
    block = bytes(1 << 20)
    compressor = zlib.compressobj(wbits=31)
    packed = b"".join(compressor.compress(block) for _ in range(320 // streams)) + compressor.flush()
    packed *= streams
    assert len(packed) < 500_000
    sizes = [len(piece) for piece in fed(packed, 1 << 20)]
    assert sum(sizes) == 320 << 20
    assert max(sizes) <= UNPACKED_BYTES


@pytest.mark.parametrize("size_bytes", [UNPACKED_BYTES - 1, UNPACKED_BYTES, UNPACKED_BYTES + 1])
@PACKED
def test_stream_that_ends_near_a_bound_is_followed_by_the_next(pack: Pack, size_bytes: int) -> None:
    text = bytes(size_bytes)
    assert b"".join(fed(pack(text) + pack(b"a") + pack(text), 1 << 20)) == text + b"a" + text


def test_small_zstd_of_hundreds_of_megabytes_comes_in_bounded_pieces() -> None:
    compressor = zstandard.ZstdCompressor(level=19).compressobj()
    packed = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(320)) + compressor.flush()
    assert len(packed) < 50_000
    sizes = [len(piece) for piece in fed(packed, 1 << 20)]
    assert sum(sizes) == 320 << 20
    # A block of 128 KiB may have begun in the bytes before.
    assert max(sizes) <= UNPACKED_BYTES + (1 << 17)


def test_zstd_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(SourceError) as failure:
        unpacker_for(PACKERS[1][1](b"a"), "audit.log")
    assert failure.value.message == "audit.log is packed with zstd, and the package for it is not installed"
    assert failure.value.hint == "pip install 'falcocore[zstd]'"
    assert b"".join(fed(gzip.compress(b"a"), 10)) == b"a"
