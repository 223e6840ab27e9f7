"""Captures of every layout: blocks, sections, byte orders, and what is wrong with a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from falcocore_syscall.scap.columns import Columns
from falcocore_syscall.scap.errors import CaptureError
from falcocore_syscall.scap.reader import Reader, SectionStart
from falcocore_syscall.scap.records import (
    FdListRecord,
    FdRecord,
    GroupRecord,
    InterfaceRecord,
    MachineRecord,
    ThreadRecord,
    UserRecord,
)
from tests.support.scap_writer import ScapWriter

CLOSE, ASYNC = 5, 402
LOCALHOST = InterfaceRecord("lo", b"\x7f\0\0\1", b"\xff\0\0\0")
THREAD = ThreadRecord(
    7, 7, 1, sid=7, vpgid=8, comm=b"cat", exe=b"/bin/cat", exepath=b"/usr/bin/cat", args=b"a\0b\0",
    cwd=b"/tmp", fdlimit=1024, flags=3, uid=1, gid=2, vmsize_kb=4, vmrss_kb=5, vmswap_kb=6, pfmajor=7,
    pfminor=8, env=b"A=1\0", vtid=9, vpid=10, cgroups=b"cpu=/x\0", root=b"/", pidns_init_start_ns=11, tty=12,
    loginuid=13,
    exe_writable=1, cap_inheritable=1, cap_permitted=2, cap_effective=3, exe_upper_layer=1, exe_ino=14,
    exe_ino_ctime_ns=15, exe_ino_mtime_ns=16, exe_from_memfd=1, exe_lower_layer=1, pgid=17,
)  # fmt: skip
FDS = [
    FdRecord(0, 1, 16, b"/dev/null", flags=1, dev=5),
    FdRecord(1, 2, 3, source=b"\1\2\3\4", destination=b"\5\6\7\x08", sport=1000, dport=80, l4proto=2),
    FdRecord(2, 3, 4, source=b"a" * 16, destination=b"b" * 16, sport=1, dport=2, l4proto=3),
    FdRecord(3, 4, 5, destination=b"\0\0\0\0", dport=22, l4proto=2),
    FdRecord(4, 5, 6, destination=b"\0" * 16, dport=22, l4proto=2),
    FdRecord(5, 6, 8, b"/run/s", source_pointer=7, destination_pointer=8),
    FdRecord(6, 7, 7, b"pipe:[1]"),
    FdRecord(7, 8, 0),
]


def pieces(data: bytes, size: int = 1 << 20) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def read(data: bytes, size: int = 1 << 20) -> list[object]:
    return list(Reader(pieces(data, size)))


def events_in(items: list[object]) -> list[int]:
    return [kind for item in items if isinstance(item, Columns) for kind in item.types.tolist()]


def threads_in(items: list[object]) -> list[ThreadRecord]:
    lists = [item for item in items if isinstance(item, list)]
    return [record for found in lists for record in found if isinstance(record, ThreadRecord)]


def records_in(items: list[object]) -> list[object]:
    return [item for item in items if not isinstance(item, Columns | SectionStart)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("block", [0x204, 0x8010ABCD, 0x208, 0x216, 0x217, 0x221, 0x222])
def test_events_of_every_block_type(block: int, order: str) -> None:
    writer = ScapWriter(order)
    for number in range(3):
        writer.event(CLOSE, 10 + number, 0, number, time_ns=100 + number, cpu=2, block=block)
    (columns,) = (item for item in read(writer.data) if isinstance(item, Columns))
    chosen = columns.types.nonzero()[0]
    assert columns.types.tolist() == [CLOSE] * 3
    assert columns.times_and_threads(chosen) == ([100, 101, 102], [10, 11, 12])
    assert columns.processors(chosen) == [2, 2, 2]
    assert columns.counts.tolist() == [2, 2, 2]
    assert columns.numbers(columns.spans(chosen, 2)[:, 1], 8).tolist() == [0, 1, 2]


@pytest.mark.parametrize("block", [0x208, 0x217, 0x222])
def test_a_flag_hides_an_event(block: int) -> None:
    writer = (
        ScapWriter().event(CLOSE, 1, 0, 3, block=block, flags=1).event(CLOSE, 1, 0, 3, block=block, flags=2)
    )
    (columns,) = (item for item in read(writer.data) if isinstance(item, Columns))
    assert columns.hidden.tolist() == [True, False]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", range(1, 10))
def test_process_lists_of_every_version(version: int, order: str) -> None:
    writer = (
        ScapWriter(order).processes([THREAD, THREAD], version=version, extra=b"later").event(CLOSE, 1, 0, 3)
    )
    found, same = threads_in(read(writer.data))
    assert found == same
    expected: dict[str, object] = {"comm": b"cat", "args": b"a\0b\0", "uid": 1, "fdlimit": 1024}
    expected |= {"vmswap_kb": 6} if version >= 2 else {"vmswap_kb": 0}
    expected |= {"env": b"A=1\0"} if version >= 3 else {"env": b""}
    expected |= {"vpid": 10} if version >= 4 else {"vpid": -1}
    expected |= {"sid": 7} if version >= 6 else {"sid": -1}
    expected |= {"exepath": b"/usr/bin/cat"} if version >= 7 else {"exepath": b""}
    expected |= {"vpgid": 8} if version >= 8 else {"vpgid": -1}
    assert {name: getattr(found, name) for name in expected} == expected
    if version == 9:
        assert found == THREAD


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_other_lists(version: int, order: str) -> None:
    writer = ScapWriter(order).machine("host", 5).interfaces([LOCALHOST], version=version)
    writer.users([(0, "root")], [(5, "tty")], version=version).fds(7, FDS, version=version)
    writer.block(0x999, b"something of a later version").event(CLOSE, 1, 0, 3)
    machine, interfaces, accounts, fds = records_in(read(writer.data))
    assert isinstance(machine, MachineRecord)
    assert (machine.hostname, machine.boot_time_ns) == ("host", 5)
    assert interfaces == [LOCALHOST]
    assert accounts == [UserRecord(0, 0, "root", "/home/root", "/bin/sh"), GroupRecord(5, "tty")]
    assert isinstance(fds, FdListRecord)
    expected = [FdRecord(0, 1, 16, b"/dev/null", flags=1, dev=5 if version > 1 else 0), *FDS[1:]]
    assert fds == FdListRecord(7, expected)


def test_an_unknown_kind_of_descriptor_is_passed_over() -> None:
    writer = ScapWriter().fds(7, [FdRecord(3, 1, 99, b"??"), FdRecord(4, 1, 7, b"p")]).event(CLOSE, 1, 0, 3)
    (fds,) = records_in(read(writer.data))
    assert isinstance(fds, FdListRecord)
    assert [(fd.fd, fd.type) for fd in fds.fds] == [(3, 99), (4, 7)]


@pytest.mark.parametrize("left", [4, 66])
def test_a_short_tail_of_a_process_begins_with_the_login_id(left: int) -> None:
    writer = ScapWriter()
    head = writer.thread(THREAD, 9)
    tail = writer.thread_tail(THREAD)[12 if left <= 29 else 0 :][:left]
    element = head + tail
    writer.block(0x215, writer.pack("I", len(element) + 4) + element).event(CLOSE, 1, 0, 3)
    (found,) = threads_in(read(writer.data))
    assert found.loginuid == 13
    assert found.exe_ino_mtime_ns == (16 if left > 29 else 0)
    assert found.tty == (12 if left > 29 else 0)


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_pieces_may_be_of_any_size(size: int) -> None:
    writer = ScapWriter().machine()
    for number in range(50):
        writer.event(CLOSE, number, 0, 3)
    items = read(writer.data, size)
    assert events_in(items) == [CLOSE] * 50


def test_the_end_of_an_event_is_not_the_end_of_its_block() -> None:
    writer = ScapWriter().event(CLOSE, 1, 0, 3, options=b"\1\0\x08\0a comment").event(CLOSE, 2, 0, 4)
    assert events_in(read(writer.data)) == [CLOSE, CLOSE]


def test_a_section_header_may_have_options() -> None:
    writer = ScapWriter().section(options=b"\1\0\4\0text").event(CLOSE, 1, 0, 3)
    assert events_in(read(writer.data)) == [CLOSE]


def test_large_payloads_have_long_lengths() -> None:
    writer = ScapWriter().event(ASYNC, -1, 1, "container", b"x" * 100_000, block=0x221)
    (columns,) = (item for item in read(writer.data, 10_000) if isinstance(item, Columns))
    assert columns.types.tolist() == [ASYNC]
    assert columns.first_damaged(columns.types.nonzero()[0]) == 1


def test_sections_follow_each_other() -> None:
    first = ScapWriter().machine("a").event(CLOSE, 1, 0, 3)
    second = ScapWriter(">").machine("b").event(CLOSE, 1, 0, 3, block=0x204)
    items = read(first.data + second.data)
    names = [item.hostname for item in items if isinstance(item, MachineRecord)]
    assert (names, events_in(items)) == (["a", "b"], [CLOSE, CLOSE])
    assert sum(isinstance(item, SectionStart) for item in items) == 2


def test_an_events_trailer_is_not_compared() -> None:
    writer = ScapWriter().event(CLOSE, 1, 0, 3)
    damaged = writer.data[:-4] + b"\0\0\0\0" + ScapWriter().event(CLOSE, 2, 0, 3).data[28:]
    assert events_in(read(damaged)) == [CLOSE, CLOSE]


def test_data_that_looks_like_a_block_is_none() -> None:
    inner = ScapWriter().event(CLOSE, 666, 0, 3).data[28:]
    for shift in range(4):
        writer = ScapWriter().event(9, 1, 5, bytes(shift) + inner * 3, 3, 10).event(CLOSE, 2, 0, 3)
        (columns,) = (item for item in read(writer.data) if isinstance(item, Columns))
        assert columns.times_and_threads(columns.types.nonzero()[0])[1] == [1, 2]


def test_a_capture_in_which_every_trailer_is_wrong_is_read_in_one_go() -> None:
    writer = ScapWriter()
    event = ScapWriter().event(CLOSE, 1, 0, 3).data[28:-4] + b"\0\0\0\0"
    columns = [item for item in read(writer.data + event * 20_000) if isinstance(item, Columns)]
    assert sum(map(len, columns)) == 20_000
    assert len(columns) < 20


def test_many_small_sections_take_no_more_time_than_their_size() -> None:
    section = ScapWriter().event(CLOSE, 1, 0, 3).data
    items = read(section * 5_000)
    assert sum(len(item) for item in items if isinstance(item, Columns)) == 5_000


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it is empty"),
        (b"hello", "too short"),
        (b"x" * 100, "does not begin as a .scap capture"),
        (ScapWriter().data, "no events"),
        (ScapWriter().machine().data, "no events"),
        (ScapWriter().data[:8] + b"\0\0\0\0" + ScapWriter().data[12:], "does not begin as a .scap capture"),
        (ScapWriter().section(major=2).data, "version 2 of the format is newer"),
        (ScapWriter().block(0x201, b"", trailer=99).data, "two different lengths"),
        (ScapWriter().block(0x201, b"short").data, "machine info"),
        (ScapWriter().block(0x205, b"\x09\0\0\0").data, "kind 9 of a network interface"),
        (ScapWriter().block(0x215, b"\1\0\0\0\0\0\0\0").data, "negative length"),
        (ScapWriter().data + b"\x16\2\0\0\xff\xff\xff\xff", "not possible"),
        (ScapWriter().data + b"\x16\2\0\0\x0c\0\0\0\x0c\0\0\0", "too short for an event"),
        (ScapWriter().block(0x204, b"\0" * 10).data, "too short for an event"),
        (ScapWriter().block(0x204, b"\0" * 30).data, "type 0"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, problem: str) -> None:
    with pytest.raises(CaptureError, match=problem):
        read(data)


@pytest.mark.parametrize("block", [0x204, 0x216])
def test_everything_before_the_damage_is_given(block: int) -> None:
    writer = ScapWriter().event(CLOSE, 1, 0, 3, block=block).event(CLOSE, 2, 0, 4, block=block)
    found: list[object] = []
    with pytest.raises(CaptureError, match="ends in the middle") as raised:
        found.extend(Reader(pieces(writer.data[:-5])))
    assert events_in(found) == [CLOSE]
    assert f"byte {len(writer.data) // 2 + 14:,}" in str(raised.value)
