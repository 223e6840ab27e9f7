"""Sockets are made, bound and connected, and exchange data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls import call as ops
from falcocore_syscall.live.calls.call import Call, Read, call
from falcocore_syscall.live.calls.transfers import MOST_DATA_BYTES
from falcocore_syscall.live.descriptors import exchanging, made_two, used
from falcocore_syscall.live.flags import SOCKET_LEVELS, SOCKET_OPTIONS
from falcocore_syscall.live.items import ItemKind
from falcocore_syscall.live.reads import (
    absent,
    choice,
    data,
    descriptor_flags,
    in_memory,
    integer,
    is_compat,
    memory_number,
    number,
    packed,
    received,
    result,
    returned_or_absent,
    signed_in_memory,
)
from falcocore_syscall.live.record import RETURNED
from falcocore_syscall.live.sockets import (
    accept_pair,
    accepted,
    address,
    bound,
    connect_pair,
    connected,
    exchange_pair,
    made,
)
from falcocore_syscall.state.fds import FdType

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent

_SOL_SOCKET = 1
_SO_ERROR, _TIMEOUTS, _SO_COOKIE = 4, (20, 21), 57
_INTEGER_OPTIONS = frozenset(range(1, 51)) - {13, 17, 20, 21, 25, 26, 28, 31, 50, _SO_ERROR}
_MOST_OPTION_BYTES = 64
_NS_PER_S, _NS_PER_US = 1_000_000_000, 1_000
_LOW_32 = 0xFFFFFFFF
_LOW_64 = (1 << 64) - 1


def _option_value(length: Read) -> Read:
    """A value by the option: an error, a number, a time, or bytes; the first byte says which."""

    def read(event: LiveEvent) -> bytes:
        found = event.record.item(ItemKind.BYTES, 3)
        if found is None:
            return b""
        found = found[: int.from_bytes(length(event), "little")]
        args = event.record.args
        option = args[2] & _LOW_32 if args[1] & _LOW_32 == _SOL_SOCKET else 0
        whole = int.from_bytes(found, "little")
        if option == _SO_ERROR and len(found) == 4:
            return b"\x01" + packed(-whole, 8)
        if option in _TIMEOUTS and len(found) == (8 if is_compat(event) else 16):
            half = len(found) // 2
            seconds, micros = (int.from_bytes(part, "little") for part in (found[:half], found[half:]))
            return b"\x04" + packed(seconds * _NS_PER_S + micros * _NS_PER_US & _LOW_64, 8)
        if option == _SO_COOKIE and len(found) == 8:
            return b"\x03" + found
        if option in _INTEGER_OPTIONS and len(found) == 4:
            return b"\x02" + found
        return b"\x00" + found

    return read


def _option_number(event: LiveEvent) -> bytes:
    """The number of an option of sockets themselves; those of protocols have none."""
    args = event.record.args
    is_known = args[1] & _LOW_32 == _SOL_SOCKET
    return packed(SOCKET_OPTIONS.get(args[2] & _LOW_32, 0) if is_known else 0, 1)


def _returned_length(event: LiveEvent) -> bytes:
    return packed(memory_number(event, 4, 0, 4) or 0, 4)


_given_length = number(4, 4)
_message = ops.message(1, MOST_DATA_BYTES)
_sends = exchange_pair(0, 4, reads=False)
_sends_message = exchange_pair(0, 1, reads=False)
_gets_message = exchange_pair(0, 1, reads=True)
_level = choice(1, 1, SOCKET_LEVELS)

CALLS: Mapping[str, Call] = dict(
    (
        call(
            "socket", result, number(0, 4), number(1, 4), number(2, 4), descriptor_flags(1),
            flags_arg=0, find=made,
        ),
        call(
            "socketpair", result, signed_in_memory(3, 0), signed_in_memory(3, 4), absent, absent,
            number(0, 4), number(1, 4), number(2, 4),
            flags_arg=0, ops=(ops.memory(3, 8),), find=made_two(FdType.UNIX, 3), makes_two_at=3,
        ),
        call(
            "bind", result, address(1), integer(0), ops=(ops.fd(0), ops.address(1, 2)), find=bound
        ),
        call(
            "connect", result, connect_pair, integer(0), address(1),
            ops=(ops.fd(0), ops.address(1, 2)), find=connected,
        ),
        call("listen", result, integer(0), number(1, 4), ops=(ops.fd(0),), find=used(0)),
        call(
            "accept", result, accept_pair, absent, absent, absent,
            ops=(ops.fd(RETURNED),), find=accepted,
        ),
        call(
            "accept4", result, accept_pair, absent, absent, absent, number(3, 4),
            ops=(ops.fd(RETURNED),), find=accepted,
        ),
        call("shutdown", result, integer(0), number(1, 1), ops=(ops.fd(0),), find=used(0)),
        call("getsockname"),
        call("getpeername"),
        call(
            "sendto", result, data(1), integer(0), number(2, 4), _sends,
            ops=(ops.fd(0), ops.data(1, 2, MOST_DATA_BYTES), ops.address(4, 5)),
            find=exchanging(0, 4),
        ),
        call(
            "recvfrom", result, data(1), exchange_pair(0, 4, reads=True), integer(0), number(2, 4),
            ops=(ops.fd(0), ops.data(1, RETURNED, MOST_DATA_BYTES), ops.address_out(4, 5)),
            find=exchanging(0, 4),
        ),
        call(
            "sendmsg", result, data(1), integer(0), returned_or_absent, _sends_message,
            ops=(ops.fd(0), _message), find=exchanging(0, 1),
        ),
        call(
            "sendmmsg", result, integer(0), absent, data(1), _sends_message,
            ops=(ops.fd(0), _message), find=exchanging(0, 1),
        ),
        call(
            "recvmsg", result, returned_or_absent, received(1), _gets_message, absent, integer(0),
            ops=(ops.fd(0), _message), find=exchanging(0, 1),
        ),
        call(
            "recvmmsg", result, integer(0), absent, data(1), _gets_message, absent,
            ops=(ops.fd(0), _message), find=exchanging(0, 1),
        ),
        call(
            "setsockopt", result, integer(0), _level, _option_number, _option_value(_given_length),
            _given_length,
            ops=(ops.fd(0), ops.data(3, 4, _MOST_OPTION_BYTES)), find=used(0),
        ),
        call(
            "getsockopt", result, integer(0), _level, _option_number, _option_value(_returned_length),
            in_memory(4, 0, 4),
            ops=(ops.fd(0), ops.memory(3, 16), ops.memory(4, 4)), find=used(0),
        ),
    )
)  # fmt: skip
"""Calls by the kernel's names."""
