"""Whatever bytes come as records: they become events that fields can read, or the one error is raised."""

from __future__ import annotations

import struct
from contextlib import nullcontext, suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from falcocore_syscall.fields import FIELDS
from falcocore_syscall.live.calls.table import OWN
from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.items import ItemKind, RecordError
from falcocore_syscall.live.record import HEAD, Record, RecordKind
from falcocore_syscall.rendering import arguments_text
from tests.support.live_records import CALLS, item, machine_with_thread, number_of, record
from tests.support.syscall_events import START_NS

READS = [field for field in FIELDS if field.argument is None]

numbers = st.sampled_from([number_of(name) for name in OWN if name != "recv"])
values = st.integers(0, (1 << 64) - 1) | st.integers(0, 10) | st.just(0xFFFFFF9C)
structures = st.builds(
    lambda fd, rest: struct.pack("<i", fd) + rest, st.integers(-1, 5), st.binary(min_size=28, max_size=120)
)
texts = st.sampled_from([b"", b"/", b"/etc/passwd", b"a", b"..", b"\xff/x", b"/a\0b"])
addresses = st.builds(
    lambda family, rest: struct.pack("<H", family) + rest,
    st.sampled_from([1, 2, 10, 16]),
    st.binary(max_size=40),
)
data = st.binary(max_size=40) | structures | texts | addresses
items = st.lists(
    st.builds(item, st.integers(1, 14), data, st.integers(0, 7), st.integers(0, 3)),
    max_size=6,
)
results = st.integers(-200, 200) | st.integers(-(1 << 63), (1 << 63) - 1)


def read_everything(raw: bytes, architecture: str) -> None:
    """Everything that is ever read of an event."""
    found = Record(raw)
    call = CALLS[architecture].of(found)
    if call is None:
        return
    event = LiveEvent(found, call, START_NS, 1)
    event.machine, event.thread = machine_with_thread()
    assert [event.data[slice(*event.span(number))] for number in range(event.count)] == event.params()
    arguments_text(event)
    for field in READS:
        field.getter(event)


@given(st.binary(max_size=600))
def test_any_bytes(raw: bytes) -> None:
    with suppress(RecordError):
        read_everything(raw, "x86_64")


@settings(max_examples=300)
@given(
    numbers, st.sampled_from(RecordKind), results, st.lists(values, max_size=6), items, st.integers(0, 63),
    st.sampled_from(["x86_64", "aarch64"]), st.booleans(),
)  # fmt: skip
def test_any_items_of_any_call(
    nr: int, kind: RecordKind, ret: int, args: list[int], made: list[bytes], flags: int, architecture: str,
    is_cut: bool,
) -> None:  # fmt: skip
    raw = record(*made, kind=kind, nr=nr, ret=ret, args=tuple(args), flags=flags)
    if is_cut:
        size = max(HEAD.size, len(raw) - 12)
        raw = struct.pack("<I", size) + raw[4:size]
    with suppress(RecordError):
        read_everything(raw, architecture)


def test_each_kind_of_item_can_be_too_short_or_empty() -> None:
    structured = (ItemKind.FILE, ItemKind.SOCKET, ItemKind.PROCESS)
    for name in OWN:
        for kind in ItemKind:
            for length in (0, 1, 31):
                raw = record(*(item(kind, bytes(length), arg) for arg in range(8)), nr=number_of(name))
                with suppress(RecordError) if kind in structured else nullcontext():
                    read_everything(raw, "x86_64")
