"""Data is read, written and copied between descriptors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls import call as ops
from falcocore_syscall.live.calls.call import Call, Read, call
from falcocore_syscall.live.descriptors import exchanging, used
from falcocore_syscall.live.reads import (
    data,
    in_memory,
    integer,
    number,
    packed,
    received,
    result,
    returned_or_absent,
)
from falcocore_syscall.live.record import RETURNED

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent

MOST_DATA_BYTES = 80
"""How much of the data of a call is captured."""
_OFFSET_BYTES = 8


def _offset(arg: int) -> Read:
    """An offset in memory; 0 where the caller gives none."""
    pointed = in_memory(arg, 0, _OFFSET_BYTES)

    def read(event: LiveEvent) -> bytes:
        return pointed(event) if event.record.args[arg] else packed(0, _OFFSET_BYTES)

    return read


_read = ops.data(1, RETURNED, MOST_DATA_BYTES)
_written = ops.data(1, 2, MOST_DATA_BYTES)
_vectors = ops.vectors(1, 2, MOST_DATA_BYTES)

CALLS: Mapping[str, Call] = dict(
    (
        call("read", result, data(1), integer(0), number(2, 4), ops=(ops.fd(0), _read), find=exchanging(0)),
        call(
            "write", result, data(1), integer(0), number(2, 4), ops=(ops.fd(0), _written), find=exchanging(0)
        ),
        call(
            "pread64", result, data(1), integer(0), number(2, 4), number(3, 8),
            ops=(ops.fd(0), _read), find=exchanging(0),
        ),
        call(
            "pwrite64", result, data(1), integer(0), number(2, 4), number(3, 8),
            ops=(ops.fd(0), _written), find=exchanging(0),
        ),
        call(
            "readv", result, returned_or_absent, received(1), integer(0),
            ops=(ops.fd(0), _vectors), find=exchanging(0),
        ),
        call(
            "writev", result, data(1), integer(0), returned_or_absent,
            ops=(ops.fd(0), _vectors), find=exchanging(0),
        ),
        call(
            "preadv", result, returned_or_absent, received(1), integer(0), number(3, 8),
            ops=(ops.fd(0), _vectors), find=exchanging(0),
        ),
        call(
            "pwritev", result, data(1), integer(0), returned_or_absent, number(3, 8),
            ops=(ops.fd(0), _vectors), find=exchanging(0),
        ),
        call(
            "sendfile", result, _offset(2), integer(0), integer(1), number(3, 8),
            ops=(ops.fd(0), ops.fd(1), ops.memory(2, _OFFSET_BYTES)), find=exchanging(0),
        ),
        call(
            "splice", result, integer(0), integer(2), number(4, 8), number(5, 4),
            ops=(ops.fd(0), ops.fd(2)), find=used(2),
        ),
        call(
            "copy_file_range", result, integer(2), _offset(3), integer(0), _offset(1), number(4, 8),
            ops=(ops.fd(2), ops.fd(0), ops.memory(1, _OFFSET_BYTES), ops.memory(3, _OFFSET_BYTES)),
            find=used(2),
        ),
    )
)  # fmt: skip
"""Calls by the kernel's names."""
