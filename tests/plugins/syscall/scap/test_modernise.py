"""Events in the other byte order, or in old blocks, are the same events."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.scap.blocks import BIG, LITTLE, Order
from falcocore_syscall.scap.modernise import modernised
from falcocore_syscall.tables import EVENTS, EventFlag, ParamType
from tests.support.scap_writer import ScapWriter, Value

ADDRESS = bytes(range(1, 17))
POLL, CONNECT, BIND, PTRACE, NOTIFICATION = 81, 23, 21, 169, 280


def written(number: int, params: tuple[Value, ...], sign: str, block: int) -> bytes | None:
    """An event as the reader makes it of a block in this order."""
    writer = ScapWriter(sign)
    start = len(writer.data)
    writer.event(number, 7, *params, time_ns=99, cpu=3, block=block, flags=1)
    order: Order = LITTLE if sign == "<" else BIG
    return modernised(block, writer.data[start + 8 : -4], order)


def compound(sign: str) -> list[tuple[int, tuple[Value, ...]]]:
    """Events with parameters of several numbers each."""

    def pack(letters: str, *values: object) -> bytes:
        return struct.pack(sign + letters, *values)

    fds = pack("H", 2) + pack("qh", 3, 5) + pack("qh", 4, 6)
    return [
        (POLL, (1, fds, 10)),
        (BIND, (0, b"\x02\1\2\3\4" + pack("H", 80), 3)),
        (BIND, (0, b"\x0a" + ADDRESS + pack("H", 80), 3)),
        (BIND, (0, b"\x01/run/x\0", 3)),
        (CONNECT, (0, b"\x02\1\2\3\4" + pack("H", 5) + b"\5\6\7\x08" + pack("H", 6), 3, b"")),
        (CONNECT, (0, b"\x0a" + ADDRESS + pack("H", 5) + ADDRESS + pack("H", 6), 3, b"")),
        (CONNECT, (0, b"\x01" + pack("QQ", 5, 6) + b"/run/x\0", 3, b"")),
        (PTRACE, (0, b"\x00" + pack("Q", 77), b"\x01\x05", 3, 9)),
        (PTRACE, (0, b"\x09??", b"", 3, 9)),
    ]


@pytest.mark.parametrize("block", [0x204, 0x208, 0x216, 0x217])
def test_both_orders_say_the_same(block: int) -> None:
    for (number, little), (_, big) in zip(compound("<"), compound(">"), strict=True):
        assert written(number, big, ">", block) == written(number, little, "<", block)


def _plain(kind: ParamType) -> Value:
    if kind in (ParamType.CHARBUF, ParamType.FSPATH, ParamType.FSRELPATH):
        return "text"
    if kind in _NUMBERS:
        return 5
    return b""


_NUMBERS = {
    kind
    for kind in ParamType
    if kind.value.startswith(("INT", "UINT", "FLAGS", "ENUMFLAGS"))
    or kind in {ParamType.ERRNO, ParamType.FD, ParamType.PID, ParamType.UID, ParamType.GID, ParamType.MODE}
    or kind in {ParamType.SYSCALLID, ParamType.SIGTYPE, ParamType.RELTIME, ParamType.ABSTIME}
}


@pytest.mark.parametrize("number", [n for n, e in enumerate(EVENTS) if EventFlag.UNUSED not in e.flags])
def test_both_orders_say_the_same_of_every_type(number: int) -> None:
    params = tuple(_plain(param.type) for param in EVENTS[number].params)
    little, big = written(number, params, "<", 0x216), written(number, params, ">", 0x216)
    assert little is not None
    assert little == big


def test_the_length_of_some_old_events_counts_too_much() -> None:
    writer = ScapWriter()
    start = len(writer.data)
    writer.event(NOTIFICATION, 7, "id", "text", block=0x204)
    body = bytearray(writer.data[start + 8 : -4])
    body[2 + 16 : 2 + 20] = (int.from_bytes(body[2 + 16 : 2 + 20], "little") + 3).to_bytes(4, "little")
    found = modernised(0x204, bytes(body) + bytes(4), LITTLE)
    assert found is not None
    assert b"id\0text\0" in found


def test_a_type_of_a_later_version_is_left_out() -> None:
    body = struct.pack("<HQqIHI", 0, 1, 1, 26, 600, 0)
    assert modernised(0x216, body, LITTLE) is None
    assert modernised(0x204, struct.pack("<HQqIH", 0, 1, 1, 22, 600), LITTLE) is None
