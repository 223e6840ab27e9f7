"""Records are read where they stand, and those that contradict themselves are found out."""

from __future__ import annotations

import struct
from functools import partial

import pytest

from falcocore_syscall.live.items import ItemKind, RecordError
from falcocore_syscall.live.record import HEAD, Record, RecordKind
from tests.support.live_records import (
    CLOSED,
    DATAGRAM,
    directory,
    end,
    file,
    item,
    memory,
    record,
    socket,
    text,
)


def test_the_head_has_the_size_that_the_kernel_program_writes() -> None:
    assert HEAD.size == 168


def test_a_head_by_names() -> None:
    raw = record(
        kind=RecordKind.EXEC, cpu=3, time_ns=99, tid=7, pid=6, ppid=5, nr=59, ret=-2, args=(1, -1),
        uid=1000, flags=9, comm=b"bash\0junk", pidns_start_ns=4,
    )  # fmt: skip
    found = Record(b"before!!" + raw + b"behind", 8)
    assert (found.kind, found.cpu, found.time_ns, found.tid, found.pid, found.ppid) == (3, 3, 99, 7, 6, 5)
    assert (found.nr, found.ret, found.args) == (59, -2, (1, (1 << 64) - 1, 0, 0, 0, 0))
    assert (found.flags, found.comm) == (9, b"bash")
    named = found.named()
    assert (named.uid, named.pidns_start_ns, named.size) == (1000, 4, HEAD.size)


def test_a_record_keeps_its_bytes_when_the_buffer_is_used_again() -> None:
    buffer = bytearray(record(text(0, "/etc/passwd")))
    found = Record(memoryview(buffer))
    buffer[:] = bytes(len(buffer))
    assert found.text(0) == b"/etc/passwd"


def test_items_by_kind_and_argument() -> None:
    found = Record(
        record(
            text(1, "x"), directory(1, "/opt"), file(0, 3, "/a", mode=0o100600, dev=5, ino=6, marks=8),
            socket(6, 4, kind=DATAGRAM, protocol=17, state=CLOSED, local=end("1.2.3.4", 5), ends=(8, 9)),
            memory(2, b""), item(ItemKind.EXE, b"first"), item(ItemKind.EXE, b"second"),
        )
    )  # fmt: skip
    assert (found.text(1), found.text(0), found.directory(1)) == (b"x", None, b"/opt")
    assert found.item(ItemKind.BYTES, 2) == b""
    assert found.item(ItemKind.EXE) == b"first"
    opened, bound = found.file(0), found.socket(6)
    assert opened is not None
    assert opened == (3, 0o100600, 0, 5, 6, 8, 0, b"/a")
    assert opened.is_cut
    assert bound is not None
    assert (bound.fd, bound.lport, bound.local[:4], bound.sock, bound.peer) == (4, 5, b"\1\2\3\4", 8, 9)
    assert found.of_descriptor(4) == bound
    assert found.of_descriptor(3) == opened
    assert found.of_descriptor(5) is None
    assert found.process() is None


def test_what_could_not_be_read_is_not_there() -> None:
    found = Record(record(item(ItemKind.TEXT, b"", 0, flags=1), item(ItemKind.TEXT, b"cut", 1, flags=2)))
    assert (found.text(0), found.text(1)) == (None, b"cut")


WHOLE = record(text(0, "/etc/passwd"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        WHOLE[:100],
        WHOLE[:-8],
        struct.pack("<I", 0) + WHOLE[4:],
        struct.pack("<I", HEAD.size - 1) + WHOLE[4:],
        struct.pack("<I", 1 << 31) + WHOLE[4:],
    ],
    ids=["nothing", "half a head", "cut off", "no size", "smaller than its head", "larger than the buffer"],
)
def test_a_record_that_does_not_fit(raw: bytes) -> None:
    with pytest.raises(RecordError):
        Record(raw)


def test_a_place_behind_the_buffer() -> None:
    with pytest.raises(RecordError):
        Record(WHOLE, len(WHOLE))


@pytest.mark.parametrize(
    "items",
    [
        struct.pack("<HBBI", 1, 0, 0, 9) + bytes(8),
        struct.pack("<HBBI", 1, 8, 0, 0),
        struct.pack("<HBBI", 1, 0, 0, 1 << 31),
        bytes(4),
    ],
    ids=["longer than the record", "an argument that no call has", "much longer", "half an item"],
)
def test_items_that_do_not_fit(items: bytes) -> None:
    found = Record(record(items))
    with pytest.raises(RecordError):
        found.text(0)


@pytest.mark.parametrize("kind", [ItemKind.FILE, ItemKind.SOCKET, ItemKind.PROCESS])
def test_structures_that_do_not_fit_into_their_items(kind: ItemKind) -> None:
    found = Record(record(item(kind, b"\3\0\0\0", 7)))
    read = found.process if kind == ItemKind.PROCESS else partial(found.of_descriptor, 3)
    with pytest.raises(RecordError):
        read()
