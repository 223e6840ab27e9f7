"""Captures that were written: our reader finds the same in them, and so does sysdig."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcocore.lang.bound import BoundField
from falcocore.lang.operands import bind_field, nowhere
from falcocore.lang.syntax import FieldRef
from falcocore.stream import Stream
from falcocore_syscall.event import Event
from falcocore_syscall.scap.columns import Columns
from falcocore_syscall.scap.compression import unpacked
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
from falcocore_syscall.scap.writer import MOST_PARAM_BYTES, Writer, is_compressed_name
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.tables import EVENTS, LARGE, NATIVE_NAMES, SYSCALL_NAMES
from tests.support.rewritten import replayed, rewritten
from tests.support.scap_writer import ScapWriter
from tests.support.syscall_events import TABLE

DATA = Path(__file__).parents[3] / "data" / "syscall"
SHARED = Path(__file__).parents[5] / "shared" / "conformance" / "syscall" / "captures"
CAPTURES = sorted({path.name: path for folder in (SHARED, DATA) for path in folder.glob("*.scap")}.values())
WITHOUT_EVENTS = {"empty", "privileged"}
"""Captures of which sysdig would show nothing; it takes none that has no event."""
ASYNC, CLOSE, READ, GENERIC = 402, 5, 7, 1
UNKNOWN_TO_SYSDIG = 336
"""Debian's sysdig 0.29.3 passes over events of this type and later ones."""

MACHINE = MachineRecord(4, 1 << 32, 32768, "box", 1_700_000_000_000_000_000)
INTERFACES = [
    InterfaceRecord("lo", b"\x7f\0\0\1", b"\xff\0\0\0"),
    InterfaceRecord("eth0", b"\xfd" + bytes(15), b"\xff" * 8 + bytes(8)),
]
ACCOUNTS = [
    UserRecord(0, 0, "root", "/root", "/bin/sh"),
    UserRecord(7, 8, "é\udcff", "", ""),
    GroupRecord(5, "tty"),
]
THREADS = [
    ThreadRecord(
        7, 7, 1, sid=7, vpgid=8, comm=b"cat", exe=b"/bin/cat", exepath=b"/usr/bin/cat", args=b"a\0b\0",
        cwd=b"/tmp", fdlimit=-1, flags=3, uid=1, gid=2, vmsize_kb=4, vmrss_kb=5, vmswap_kb=6, pfmajor=7,
        pfminor=8, env=b"A=1\0", vtid=9, vpid=10, cgroups=b"cpu=/x\0", root=b"/", pidns_init_start_ns=11,
        tty=12, loginuid=13, exe_writable=1, cap_inheritable=1, cap_permitted=2, cap_effective=1 << 40,
        exe_upper_layer=1, exe_ino=14, exe_ino_ctime_ns=15, exe_ino_mtime_ns=16, exe_from_memfd=1,
        exe_lower_layer=1, pgid=17,
    ),
    ThreadRecord(8, 7, 1),
]  # fmt: skip
FDS = FdListRecord(
    7,
    [
        FdRecord(0, 1, 16, b"/dev/null", flags=1, dev=5),
        FdRecord(1, 2, 3, source=b"\1\2\3\4", destination=b"\5\6\7\x08", sport=1000, dport=80, l4proto=2),
        FdRecord(2, 3, 4, source=b"a" * 16, destination=b"b" * 16, sport=1, dport=2, l4proto=3),
        FdRecord(3, 4, 5, destination=b"\0\0\0\0", dport=22, l4proto=2),
        FdRecord(4, 5, 6, destination=b"\0" * 16, dport=22, l4proto=2),
        FdRecord(5, 6, 8, b"/run/s", source_pointer=7, destination_pointer=8),
        *(FdRecord(10 + kind, 7, kind, b"n") for kind in (1, 2, 7, *range(9, 16), *range(17, 22))),
        FdRecord(60, 8, 0),
    ],
)
LISTS: list[Any] = [MACHINE, INTERFACES, ACCOUNTS, THREADS, FDS]


def read(data: bytes) -> list[Any]:
    stream = io.BytesIO(data)
    return list(Reader(unpacked(lambda: stream.read(1 << 16))))


def read_until_the_end(data: bytes) -> tuple[list[Any], list[tuple[Any, ...]]]:
    """The lists and events of a capture that may be cut off."""
    lists: list[Any] = []
    events: list[tuple[Any, ...]] = []
    stream = io.BytesIO(data)
    try:
        for item in Reader(unpacked(lambda: stream.read(1 << 16))):
            if isinstance(item, Columns):
                events += events_of(item)
            elif not isinstance(item, SectionStart):
                lists.append(item)
    except CaptureError:
        pass
    return lists, events


def events_of(columns: Columns) -> Iterator[tuple[Any, ...]]:
    chosen = np.arange(len(columns))
    times, tids = columns.times_and_threads(chosen)
    for row, time_ns, tid, cpu in zip(chosen.tolist(), times, tids, columns.processors(chosen), strict=True):
        kind, header = int(columns.types[row]), int(columns.headers[row])
        event = Event(kind, time_ns, tid, cpu, 0, columns.data, header + 26, int(columns.counts[row]))
        yield time_ns, tid, cpu, kind, event.params(), bool(columns.hidden[row])


def written(
    events: Sequence[tuple[Any, ...]], lists: Sequence[Any] = (), *, compress: bool = False, **options: bool
) -> bytes:
    stream = io.BytesIO()
    with Writer(stream, compress=compress, **options) as writer:
        for record in lists:
            writer.write_list(record)
        for *event, is_hidden in events:
            writer.write_event(*event, is_hidden=is_hidden)
    return stream.getvalue()


@pytest.mark.parametrize("compress", [False, True])
def test_lists_come_back_as_they_were(compress: bool) -> None:
    event = (1, 7, 0, CLOSE, [bytes(8)], False)
    data = written([event], LISTS, compress=compress)
    assert (data[:2] == b"\x1f\x8b") == compress
    assert read_until_the_end(data) == (LISTS, [event])


def test_texts_that_other_readers_refuse_are_cut_off() -> None:
    thread = ThreadRecord(7, 7, 1, exe=b"e" * 5000, args=b"a" * 5000, env=b"v" * 70_000, cgroups=b"c" * 5000)
    lists = [[thread], [GroupRecord(1, "g" * 300)], FdListRecord(7, [FdRecord(1, 1, 7, b"n" * 5000)])]
    (found,), (group,), fds = read_until_the_end(written([(1, 7, 0, CLOSE, [], False)], lists))[0]
    assert [len(text) for text in (found.exe, found.args, found.env, found.cgroups)] == [
        1023,
        4096,
        4096,
        4096,
    ]
    assert (len(group.name), len(fds.fds[0].name)) == (255, 1023)


def test_what_is_not_known_of_a_socket_is_zeros() -> None:
    sockets = [FdRecord(3, 1, kind) for kind in (3, 4, 5, 6)]
    after = FdRecord(9, 1, 7, b"pipe")
    (fds,) = read_until_the_end(written([(1, 7, 0, CLOSE, [], False)], [FdListRecord(7, [*sockets, after])]))[
        0
    ]
    assert [(len(fd.source), len(fd.destination)) for fd in fds.fds] == [
        (4, 4),
        (16, 16),
        (0, 4),
        (0, 16),
        (0, 0),
    ]
    assert fds.fds[-1] == after


def test_lists_come_before_events() -> None:
    writer = Writer(io.BytesIO())
    writer.write_event(1, 1, 0, CLOSE, [])
    with pytest.raises(ValueError, match="before the first event"):
        writer.write_machine(MACHINE)


@pytest.mark.parametrize(
    "params", [[b""] * 9, [bytes(8), bytes(MOST_PARAM_BYTES + 1)]], ids=["too many", "too long"]
)
def test_what_no_reader_could_take_is_refused(params: list[bytes]) -> None:
    stream = io.BytesIO()
    writer = Writer(stream)
    with pytest.raises(ValueError, match="type 7"):
        writer.write_event(1, 1, 0, READ, params)
    writer.write_event(1, 1, 0, READ, [bytes(8)])
    writer.close()
    assert [event[4] for event in read_until_the_end(stream.getvalue())[1]] == [[bytes(8)]]


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (READ, [bytes(8), bytes(MOST_PARAM_BYTES)]),
        (ASYNC, [bytes(4), b"x\0", bytes(200_000)]),
        (ASYNC, [bytes(4), b"x\0", b""]),
    ],
)
@pytest.mark.parametrize("is_hidden", [False, True])
def test_events_longer_than_a_plain_block(kind: int, params: list[bytes], is_hidden: bool) -> None:
    events = [(1, 2, 3, kind, params, is_hidden), (2, 2, 3, CLOSE, [bytes(8)], False)]
    assert read_until_the_end(written(events))[1] == events


@st.composite
def any_event(draw: st.DrawFn) -> tuple[Any, ...]:
    kind = draw(st.sampled_from(range(len(EVENTS))))
    most = len(EVENTS[kind].params)
    sizes = st.binary(max_size=300) | st.integers(0, 70_000 if kind in LARGE else MOST_PARAM_BYTES).map(bytes)
    params = draw(st.lists(sizes, max_size=most))
    numbers = (st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**16 - 1))
    time_ns, tid, cpu = (draw(number) for number in numbers)
    return time_ns, tid, cpu, kind, params, draw(st.booleans())


@given(st.lists(any_event(), min_size=1, max_size=20), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_parameters_come_back(events: list[tuple[Any, ...]], compress: bool) -> None:
    found = read_until_the_end(written(events, compress=compress))[1]
    # Readers take the time for a signed number.
    signed = [(time_ns - (time_ns >> 63 << 64), *rest) for time_ns, *rest in events]
    assert found == signed


@pytest.mark.parametrize("compress", [False, True])
def test_a_capture_that_is_cut_off_is_read_up_to_there(compress: bool) -> None:
    events = [(number, 7, 0, CLOSE, [number.to_bytes(8, "little")], False) for number in range(200)]
    data = written(events, LISTS, compress=compress)
    previous = -1
    for end in range(0, len(data) + 1, 7):
        lists, found = read_until_the_end(data[:end])
        assert lists == LISTS[: len(lists)]
        assert found == events[: len(found)]
        assert len(found) >= previous
        previous = len(found)
    assert read_until_the_end(data)[1] == events


@pytest.mark.parametrize("compress", [False, True])
def test_what_was_flushed_can_be_read(compress: bool) -> None:
    stream = io.BytesIO()
    writer = Writer(stream, compress=compress)
    for number in range(3):
        writer.write_event(number, 7, 0, CLOSE, [bytes(8)])
        writer.flush()
        assert [event[0] for event in read_until_the_end(stream.getvalue())[1]] == list(range(number + 1))


def test_much_is_passed_on_without_a_flush() -> None:
    stream = io.BytesIO()
    writer = Writer(stream)
    for number in range(100):
        writer.write_event(number, 7, 0, READ, [bytes(8), bytes(10_000)])
    assert len(stream.getvalue()) > 500_000


def test_names_of_compressed_captures() -> None:
    assert [is_compressed_name(name) for name in ("a.scap.gz", "a.scap", "gz")] == [True, False, False]


# --- captures of others -----------------------------------------------------------------------------------

STREAM = Stream("syscall", "syscall", "syscall", "box")
ARGUMENTS = {"proc.aname": "2", "proc.apid": "1", "evt.rawarg": "res"}


def all_fields() -> list[BoundField]:
    """Every field that can be asked without an argument, and some with one."""
    return [
        bind_field(FieldRef(field.name, ARGUMENTS.get(field.name)), TABLE, nowhere)
        for field in TABLE
        if field.argument is None or not field.argument.required or field.name in ARGUMENTS
    ]


def values(event: Event, fields: list[BoundField]) -> list[Any]:
    return [it.getter(event, STREAM) if it.field.of_stream else it.getter(event) for it in fields]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_a_capture_written_anew_has_the_same_fields(capture: Path, compress: bool) -> None:
    fields = all_fields()
    again = replayed(rewritten(capture, compress=compress), Machine())
    count = 0
    for event, same in zip(replayed(capture.read_bytes(), Machine()), again, strict=True):
        count += 1
        assert values(same, fields) == values(event, fields)
        assert same.params() == event.params()
    assert count


needs_sysdig = pytest.mark.skipif(shutil.which("sysdig") is None, reason="sysdig is not installed")


def sysdig(path: Path, *arguments: str) -> list[str]:
    finished = subprocess.run(
        ["sysdig", "-r", str(path), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


@needs_sysdig
@pytest.mark.parametrize("compress", [False, True])
def test_sysdig_reads_lists_and_events(tmp_path: Path, compress: bool) -> None:
    target = tmp_path / "x.scap"
    events = [
        (10**18 + number, 7, 0, READ, [(5).to_bytes(8, "little"), b"hello"], False) for number in range(3)
    ]
    target.write_bytes(written(events, LISTS, compress=compress, for_older=True))
    shown = sysdig(target, "-p", "%evt.type %proc.name %proc.exeline %proc.cwd %user.uid %evt.arg.data")
    assert shown == ["read cat /bin/cat a b /tmp/ 1 hello"] * 3


@pytest.mark.parametrize(
    ("kind", "params", "name"),
    [
        (GENERIC, [struct.pack("<H", SYSCALL_NAMES.index("io_uring_setup")), struct.pack("<H", 425)], 425),
        (GENERIC, [struct.pack("<H", 20), struct.pack("<H", 5)], 5),
        (GENERIC, [struct.pack("<H", 430), b""], None),
        (READ, [struct.pack("<q", 430), b"x"], None),
    ],
)
def test_older_readers_are_told_of_a_newer_call_by_its_native_number(
    kind: int, params: list[bytes], name: int | None
) -> None:
    event = (1, 7, 0, kind, params, False)
    (plain,) = replayed(written([event]), Machine())
    (older,) = replayed(written([event], for_older=True), Machine())
    assert older.name == plain.name
    if name is not None:
        assert older.name == NATIVE_NAMES[name]
    is_newer = kind == GENERIC and name == 425
    assert older.params() == ([bytes(2), params[1]] if is_newer else plain.params())


def test_older_readers_get_no_newer_types_of_descriptors() -> None:
    lists, _ = read_until_the_end(written([(1, 7, 0, CLOSE, [], False)], [FDS], for_older=True))
    expected = [replace(fd, type=10) if fd.type >= 17 else fd for fd in FDS.fds]
    assert lists == [FdListRecord(7, expected)]


@needs_sysdig
def test_sysdig_takes_the_longest_texts(tmp_path: Path) -> None:
    long = b"x" * 100_000
    thread = ThreadRecord(
        7, 7, 1, comm=long, exe=long, exepath=long, args=long, cwd=long, env=long, cgroups=long, root=long
    )
    fds = FdListRecord(7, [FdRecord(n, 1, kind, long) for n, kind in enumerate((2, 7, 8, 16, 15))])
    accounts = [UserRecord(1, 1, "n" * 999, "h" * 999, "s" * 999), GroupRecord(1, "g" * 999)]
    event = (10**18, 7, 0, READ, [bytes(8), b"hello"], False)
    target = tmp_path / "x.scap"
    target.write_bytes(written([event], [MACHINE, accounts, [thread], fds]))
    assert sysdig(target, "-p", "%evt.type %evt.arg.data") == ["read hello"]


@needs_sysdig
@pytest.mark.parametrize("kind", sorted({CLOSE, READ, 3, 23, 223, 293, 307, 335}))
def test_sysdig_takes_the_newest_layouts(tmp_path: Path, kind: int) -> None:
    """Every parameter may be missing its value; their number is that of today."""
    target = tmp_path / "x.scap"
    target.write_bytes(written([(10**18, 7, 0, kind, [b""] * len(EVENTS[kind].params), False)], LISTS[:1]))
    assert sysdig(target, "-p", "%evt.num") is not None


@needs_sysdig
@pytest.mark.parametrize(
    "capture", [path for path in CAPTURES if path.stem not in WITHOUT_EVENTS], ids=lambda path: path.stem
)
def test_sysdig_reads_what_it_knows_of_a_capture(capture: Path, tmp_path: Path) -> None:
    known = [event for event in replayed(capture.read_bytes(), Machine()) if is_known_to_sysdig(event)]
    stream = io.BytesIO()
    writer = Writer(stream, for_older=True)
    for item in read(capture.read_bytes()):
        if not isinstance(item, Columns | SectionStart):
            writer.write_list(item)
    for event in known:
        writer.write_event(event.time_ns, event.tid, event.cpu, event.type, event.params())
    writer.close()
    target = tmp_path / "x.scap"
    target.write_bytes(stream.getvalue())
    shown = [line.split() for line in sysdig(target, "-p", "%evt.rawtime %evt.type")]
    assert [int(time_ns) for time_ns, _ in shown] == [event.time_ns for event in known]
    names = [(name, event.name) for (_, name), event in zip(shown, known, strict=True)]
    assert {theirs for theirs, ours in names if theirs != ours} <= {"<unknown>"}


def is_known_to_sysdig(event: Event) -> bool:
    """True for events that it shows: it hides those that are about itself."""
    return event.type < UNKNOWN_TO_SYSDIG and event.name not in ("procinfo", "scapevent", "container")


def test_a_capture_of_another_writer_is_the_same_bytes() -> None:
    """The tests' own writer and this one agree on an event."""
    plain = ScapWriter().event(CLOSE, 7, 0, 3, time_ns=5, cpu=2)
    params = [bytes(8), (3).to_bytes(8, "little")]
    assert written([(5, 7, 2, CLOSE, params, False)]) == plain.data
