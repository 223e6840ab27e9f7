"""Reading a ring buffer: a file that is laid out like one, filled by the test instead of the kernel."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from mmap import PAGESIZE

import pytest

from falcocore_syscall.live.bpf.calls import MapType
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.maps import Map
from falcocore_syscall.live.bpf.ring import BUSY, DISCARDED, RingReader

SIZE = PAGESIZE


class FakeRing:
    """Consumer's page, producer's page, and the data twice; `fd` stands for the kernel's map."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("ring")
        os.ftruncate(self.fd, 2 * PAGESIZE + 2 * SIZE)
        self.written = 0
        self.map = Map("ring", MapType.RINGBUF, 0, 0, SIZE)
        self.map._fds.append(self.fd)  # noqa: SLF001 - stands for what the kernel would have made

    def start_at(self, position: int) -> None:
        """As if so many bytes had been written and consumed before."""
        self.written = position
        os.pwrite(self.fd, struct.pack("<Q", position), 0)
        self.publish()

    def add(self, data: bytes, flags: int = 0) -> int:
        """Write a record and publish it; where its header is."""
        record = struct.pack("<II", len(data) | flags, 0) + data.ljust(-(-len(data) // 8) * 8, b"\0")
        header = self.written % SIZE
        for at, value in enumerate(record):
            for copy in (0, SIZE):
                place = (header + at) % SIZE
                os.pwrite(self.fd, bytes([value]), 2 * PAGESIZE + copy + place)
        self.written += len(record)
        self.publish()
        return header

    def set_header(self, header: int, value: int) -> None:
        os.pwrite(self.fd, struct.pack("<I", value), 2 * PAGESIZE + header)

    def publish(self) -> None:
        os.pwrite(self.fd, struct.pack("<Q", self.written), PAGESIZE)

    @property
    def consumed(self) -> int:
        return int(struct.unpack("<Q", os.pread(self.fd, 8, 0))[0])


@pytest.fixture
def ring() -> Iterator[FakeRing]:
    made = FakeRing()
    yield made
    made.map.close()


def drained(reader: RingReader, most: int = 100) -> list[bytes]:
    return [bytes(data[offset : offset + length]) for data, offset, length in reader.drain(most)]


def test_records_in_their_order(ring: FakeRing) -> None:
    with RingReader(ring.map) as reader:
        assert drained(reader) == []
        for record in (b"one", b"", b"thirteen byte"):
            ring.add(record)
        assert reader.pending_bytes == 16 + 8 + 24
        assert drained(reader) == [b"one", b"", b"thirteen byte"]
        assert ring.consumed == ring.written
        assert drained(reader) == []


def test_room_is_given_back_at_the_end_of_a_batch(ring: FakeRing) -> None:
    with RingReader(ring.map) as reader:
        ring.add(b"first")
        ring.add(b"second")
        batch = reader.drain()
        next(batch)
        next(batch)
        assert ring.consumed == 0
        assert list(batch) == []
        assert ring.consumed == ring.written


def test_leaving_a_batch_early(ring: FakeRing) -> None:
    with RingReader(ring.map) as reader:
        for record in (b"one", b"two", b"three"):
            ring.add(record)
        for data, offset, _ in reader.drain():
            if bytes(data[offset : offset + 3]) == b"two":
                break
        assert drained(reader) == [b"three"]


def test_a_batch_has_an_end(ring: FakeRing) -> None:
    with RingReader(ring.map) as reader:
        for number in range(5):
            ring.add(bytes([number]))
        assert [drained(reader, 2) for _ in range(4)] == [[b"\0", b"\1"], [b"\2", b"\3"], [b"\4"], []]


def test_what_is_given_up_is_left_out(ring: FakeRing) -> None:
    with RingReader(ring.map) as reader:
        ring.add(b"gone", DISCARDED)
        ring.add(b"there")
        ring.add(b"gone too", DISCARDED)
        assert drained(reader) == [b"there"]
        assert ring.consumed == ring.written


def test_nothing_is_read_past_what_is_being_written(ring: FakeRing) -> None:
    with RingReader(ring.map) as reader:
        ring.add(b"done")
        header = ring.add(b"busy", BUSY)
        ring.add(b"behind")
        assert drained(reader) == [b"done"]
        assert ring.consumed == header
        assert drained(reader) == []
        ring.set_header(header, 4)
        assert drained(reader) == [b"busy", b"behind"]


def test_nothing_is_read_past_the_producer(ring: FakeRing) -> None:
    with RingReader(ring.map) as reader:
        ring.add(b"published")
        published = ring.written
        ring.add(b"not yet")
        ring.written = published
        ring.publish()
        assert drained(reader) == [b"published"]
        assert ring.consumed == published


def test_a_record_over_the_end_is_in_one_piece(ring: FakeRing) -> None:
    ring.start_at(7 * SIZE - 16)
    with RingReader(ring.map) as reader:
        ring.add(bytes(range(40)))
        ring.add(b"behind the end")
        assert drained(reader) == [bytes(range(40)), b"behind the end"]


def test_positions_beyond_32_bits(ring: FakeRing) -> None:
    ring.start_at((1 << 40) + 8)
    with RingReader(ring.map) as reader:
        ring.add(b"far")
        assert drained(reader) == [b"far"]
        assert ring.consumed == (1 << 40) + 24


def test_a_damaged_length(ring: FakeRing) -> None:
    with RingReader(ring.map) as reader:
        ring.set_header(ring.add(b"record"), 4000)
        with pytest.raises(BpfError, match="damaged"):
            drained(reader)
        assert ring.consumed == 0


@pytest.mark.parametrize("size", [0, PAGESIZE // 2, 3 * PAGESIZE])
def test_sizes_that_no_ring_has(ring: FakeRing, size: int) -> None:
    odd = Map("ring", MapType.RINGBUF, 0, 0, size)
    odd.share(ring.map)
    odd._max_entries = size  # noqa: SLF001 - the kernel would not make such a one
    with pytest.raises(BpfError, match="power of two"):
        RingReader(odd)
    odd.close()


def test_closing_while_a_record_is_held(ring: FakeRing) -> None:
    reader = RingReader(ring.map)
    ring.add(b"held")
    data, offset, length = next(reader.drain())
    held = data[offset : offset + length]
    reader.close()
    reader.close()
    assert bytes(held) == b"held"


def test_closing_within_a_batch(ring: FakeRing) -> None:
    """As an exception does that leaves both the loop and the reader's block."""
    with RingReader(ring.map) as reader:
        ring.add(b"record")
        batch = reader.drain()
        next(batch)
    assert list(batch) == []
    assert ring.consumed == 0
