"""Old events in the newest layout, one by one and by the table that says how."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.scap.convert import Converter
from falcocore_syscall.tables import CONVERSIONS, ENTER_TYPES, EVENTS, EventFlag


def i64(number: int) -> bytes:
    return struct.pack("<q", number)


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


def test_arguments_of_the_enter_event_move_into_the_exit_event() -> None:
    converter = Converter()
    assert converter.convert(6, 1, [i64(3), u32(100)]) is None
    found = converter.convert(7, 1, [i64(5), b"hello"])
    assert found is not None
    assert (found.type, found.params) == (7, [i64(5), b"hello", i64(3), u32(100)])


def test_the_enter_event_of_another_thread_or_type_is_not_used() -> None:
    converter = Converter()
    converter.convert(6, 1, [i64(3), u32(100)])
    converter.convert(8, 2, [i64(4), u32(200)])
    for tid in (2, 3):
        found = converter.convert(7, tid, [i64(5), b"hello"])
        assert found is not None
        assert found.params[2:] == [i64(0), u32(0)]


def test_an_enter_event_is_used_once() -> None:
    converter = Converter()
    converter.convert(4, 1, [i64(9)])
    fds = [found.params[1] for _ in range(2) if (found := converter.convert(5, 1, [i64(0)]))]
    assert fds == [i64(9), i64(0)]


def test_a_chain_of_layouts_leads_to_the_newest_execve() -> None:
    params = [i64(0), b"cat\0", b"a\0", i64(1), i64(1), i64(0), b"/\0", struct.pack("<Q", 1024)]
    found = Converter().convert(13, 1, params)
    assert found is not None
    assert found.type == 293
    assert len(found.params) == len(EVENTS[293].params)
    assert found.params[:8] == params


def test_the_oldest_container_event_becomes_json() -> None:
    found = Converter().convert(228, -1, [b"abc\0", u32(1), b"web\0", b"nginx\0"])
    assert found is not None
    assert found.type == 324
    assert found.params[0].rstrip(b"\0") == (
        b'{"container": {"id": "abc", "type": 1, "name": "web", "image": "nginx"}}'
    )


def test_enter_events_that_remain_are_delivered_and_kept() -> None:
    converter = Converter()
    found = converter.convert(2, 1, [b"/etc/passwd\0", u32(1), u32(0)])
    assert found is not None
    assert found.type == 2


@pytest.mark.parametrize("number", [n for n, e in enumerate(EVENTS) if EventFlag.UNUSED in e.flags][:5])
def test_unused_types_are_dropped(number: int) -> None:
    assert Converter().convert(number, 1, []) is None


@pytest.mark.parametrize(("number", "count"), [(7, 9), (7, 1), (13, 2)])
def test_a_layout_that_never_was_is_refused(number: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"type {number}"):
        Converter().convert(number, 1, [b""] * count)


@pytest.mark.parametrize(("number", "count"), sorted(CONVERSIONS))
def test_whatever_is_converted_ends_in_the_newest_layout(number: int, count: int) -> None:
    found = Converter().convert(number, 1, [b""] * count)
    if found is None:
        assert number % 2 == 0, "only enter events are kept back"
        return
    info = EVENTS[found.type]
    assert len(found.params) == len(info.params) or found.type in ENTER_TYPES
    if EventFlag.OLD_VERSION in info.flags:
        assert found.type in ENTER_TYPES


def test_a_number_for_a_narrower_parameter_keeps_its_low_bytes() -> None:
    converter = Converter()
    converter.convert(6, 1, [i64(3), i64(0x1_0000_0005)])
    found = converter.convert(7, 1, [i64(5), b""])
    assert found is not None
    assert found.params[3] == u32(5)
