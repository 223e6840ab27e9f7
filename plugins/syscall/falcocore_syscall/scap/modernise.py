"""Blocks of events in old layouts, or in the other byte order, written anew as blocks of today."""

from __future__ import annotations

from falcocore_syscall.scap.blocks import (
    FLAGGED_TYPES,
    FRAME_BYTES,
    HEADER_BYTES,
    KINDS,
    LITTLE,
    Order,
)
from falcocore_syscall.tables import DYNAMIC_TABLES, EVENTS, LARGE, Param, ParamType

_OLD_HEADER_BYTES = 22
_TOO_LONG = frozenset({280, 286})
"""Types whose length counts three bytes too many in old blocks."""


def modernised(block_type: int, body: bytes, order: Order) -> bytes | None:
    """The block as one of type 0x221 or 0x222 in little endian; None for a type of event that is not known.

    Raises:
        ValueError: the event does not fit into the block, or its parameters into the event.
    """
    flagged = block_type in FLAGGED_TYPES
    at = 6 if flagged else 2
    if len(body) < at + _OLD_HEADER_BYTES:
        raise ValueError(f"a block of {len(body)} bytes is too short for an event")
    processor = order.u16.unpack_from(body)[0]
    flags = order.u32.unpack_from(body, 2)[0] if flagged else 0
    if KINDS[block_type][1] == 1:
        time_ns, tid, size, number = order.old_header.unpack_from(body, at)
        if number >= len(EVENTS):
            return None
        size -= 3 if number in _TOO_LONG else 0
        lengths = _old_lengths(body, at, size, number, order)
        start = at + _OLD_HEADER_BYTES
    else:
        if len(body) < at + HEADER_BYTES:
            raise ValueError(f"a block of {len(body)} bytes is too short for an event")
        time_ns, tid, size, number, count = order.header.unpack_from(body, at)
        if number >= len(EVENTS):
            return None
        start = at + HEADER_BYTES
        lengths = _lengths(body, start, at + size, number, count, order)
    start += len(lengths) * (4 if number in LARGE else 2)
    params = []
    for length in lengths:
        params.append(body[start : start + length])
        start += length
    if order is not LITTLE:
        params = _swapped(number, params)
    event = packed_event(time_ns, tid, number, params)
    head = LITTLE.u16.pack(processor) + (LITTLE.u32.pack(flags) if flagged else b"")
    length = -(-(FRAME_BYTES + len(head) + len(event)) // 4) * 4
    padding = bytes(length - FRAME_BYTES - len(head) - len(event))
    kind = 0x222 if flagged else 0x221
    return b"".join((LITTLE.frame.pack(kind, length), head, event, padding, LITTLE.u32.pack(length)))


def packed_event(time_ns: int, tid: int, number: int, params: list[bytes]) -> bytes:
    """An event in the layout of today: header, lengths, parameters."""
    width = LITTLE.u32 if number in LARGE else LITTLE.u16
    lengths = b"".join(width.pack(len(param)) for param in params)
    values = b"".join(params)
    size = HEADER_BYTES + len(lengths) + len(values)
    return LITTLE.header.pack(time_ns, tid, size, number, len(params)) + lengths + values


def _lengths(body: bytes, at: int, end: int, number: int, count: int, order: Order) -> list[int]:
    width = order.u32 if number in LARGE else order.u16
    if count > len(EVENTS[number].params) or end > len(body) or at + count * width.size > end:
        raise ValueError(f"an event of type {number} with {count} parameters does not fit into its block")
    lengths = [width.unpack_from(body, at + n * width.size)[0] for n in range(count)]
    if at + count * width.size + sum(lengths) > end:
        raise ValueError(f"the parameters of an event of type {number} do not fit into it")
    return lengths


def _old_lengths(body: bytes, at: int, size: int, number: int, order: Order) -> list[int]:
    """The lengths of an event that does not say how many it has: as many as make up its size."""
    width = order.u32 if number in LARGE else order.u16
    start = at + _OLD_HEADER_BYTES
    if at + size > len(body):
        raise ValueError(f"an event of type {number} and {size} bytes does not fit into its block")
    most = min(len(EVENTS[number].params), (len(body) - start) // width.size)
    lengths = [width.unpack_from(body, start + n * width.size)[0] for n in range(most)]
    for count in range(most, -1, -1):
        total = _OLD_HEADER_BYTES + count * width.size + sum(lengths[:count])
        if total == size:
            return lengths[:count]
        if total < size:
            break
    raise ValueError(f"the parameters of an event of type {number} do not make up its {size} bytes")


_WIDTHS = {
    **dict.fromkeys((ParamType.INT16, ParamType.UINT16, ParamType.SYSCALLID, ParamType.PORT), 2),
    **dict.fromkeys((ParamType.FLAGS16, ParamType.ENUMFLAGS16), 2),
    **dict.fromkeys((ParamType.INT32, ParamType.UINT32, ParamType.BOOL, ParamType.FLAGS32), 4),
    **dict.fromkeys((ParamType.UID, ParamType.GID, ParamType.SIGSET, ParamType.MODE), 4),
    **dict.fromkeys((ParamType.ENUMFLAGS32, ParamType.FD32, ParamType.PID32), 4),
    **dict.fromkeys((ParamType.INT64, ParamType.UINT64, ParamType.ERRNO, ParamType.FD), 8),
    **dict.fromkeys((ParamType.PID, ParamType.RELTIME, ParamType.ABSTIME, ParamType.DOUBLE), 8),
}
"""Sizes of numbers; addresses and texts are the same in both orders."""
_PORTS = {2: ((5, 2),), 10: ((17, 2),), 1: ()}
_TUPLES = {2: ((5, 2), (11, 2)), 10: ((17, 2), (35, 2)), 1: ((1, 8), (9, 8))}
"""Where the numbers are in a socket's address, and in a pair of them, by family: (offset, size)."""


def _swapped(number: int, params: list[bytes]) -> list[bytes]:
    known = EVENTS[number].params
    return [_swap(value, known[n]) for n, value in enumerate(params)]


def _swap(value: bytes, param: Param) -> bytes:
    match param.type:
        case ParamType.SOCKADDR | ParamType.SOCKTUPLE:
            parts = (_PORTS if param.type is ParamType.SOCKADDR else _TUPLES).get(
                value[0] if value else 0, ()
            )
            return _reversed_at(value, parts)
        case ParamType.FDLIST:
            count = len(value[2:]) // 10
            fds = [part for n in range(count) for part in ((2 + n * 10, 8), (10 + n * 10, 2))]
            return _reversed_at(value, ((0, 2), *fds))
        case ParamType.DYN:
            entry = DYNAMIC_TABLES.get(param.table or "", {}).get(value[0] if value else 0)
            return value if entry is None else value[:1] + _swap(value[1:], Param("", entry.type))
        case kind:
            return value[::-1] if len(value) == _WIDTHS.get(kind) else value


def _reversed_at(value: bytes, parts: tuple[tuple[int, int], ...]) -> bytes:
    swapped = bytearray(value)
    for at, size in parts:
        swapped[at : at + size] = value[at : at + size][::-1]
    return bytes(swapped)
