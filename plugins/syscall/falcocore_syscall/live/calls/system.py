"""File systems are mounted, quotas set, modules loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls import call as ops
from falcocore_syscall.live.calls.call import Call, Read, call
from falcocore_syscall.live.calls.transfers import MOST_DATA_BYTES
from falcocore_syscall.live.descriptors import used
from falcocore_syscall.live.flags import (
    QUOTA_COMMANDS,
    QUOTA_FORMATS,
    QUOTA_TYPES,
    module_removal,
    mount_flags,
)
from falcocore_syscall.live.reads import (
    NOT_AVAILABLE,
    data,
    flags,
    integer,
    memory_number,
    number,
    packed,
    result,
    text,
)

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent

_NOT_USED = 1
_LOW_32 = 0xFFFFFFFF
_ON, _GET_FORMAT, _GET_INFO, _SET_INFO = 0x800002, 0x800004, 0x800005, 0x800006
_GET, _SET, _X_GET, _X_SET = 0x800007, 0x800008, 0x5803, 0x5804
_LIMITS = frozenset({_GET, _SET})
_INFO = frozenset({_GET_INFO, _SET_INFO})
_BY_ID = frozenset({_GET, _SET, _X_GET, _X_SET})
_STRUCTURE_BYTES = 72
_NS_PER_S = 1_000_000_000
_LOW_64 = (1 << 64) - 1


def _command(event: LiveEvent) -> int:
    return (event.record.args[0] & _LOW_32) >> 8


def _quota_number(commands: frozenset[int], at: int, *, scale: int = 1) -> Read:
    """A number of the structure that some commands have; 0 for the others."""

    def read(event: LiveEvent) -> bytes:
        if _command(event) not in commands:
            return packed(0, 8)
        found = memory_number(event, 3, at, 8)
        return NOT_AVAILABLE if found is None else packed(found * scale & _LOW_64, 8)

    return read


def _quota_path(event: LiveEvent) -> bytes:
    return text(3)(event) if _command(event) == _ON else NOT_AVAILABLE


def _quota_flags(event: LiveEvent) -> bytes:
    found = memory_number(event, 3, 16, 4) if _command(event) in _INFO else None
    return packed(2 if found is not None and found & 1 else 1, 1)


def _told_format(event: LiveEvent) -> bytes:
    found = memory_number(event, 3, 0, 4) if _command(event) == _GET_FORMAT else None
    return packed(QUOTA_FORMATS.get(found or 0, _NOT_USED), 1)


def _given_format(event: LiveEvent) -> bytes:
    given = event.record.args[2] & _LOW_32 if _command(event) == _ON else 0
    return packed(QUOTA_FORMATS.get(given, _NOT_USED), 1)


def _quota_id(event: LiveEvent) -> bytes:
    return packed(event.record.args[2] if _command(event) in _BY_ID else 0, 4)


CALLS: Mapping[str, Call] = dict(
    (
        call(
            "mount", result, text(0), text(1), text(2), flags(3, 4, mount_flags),
            ops=(ops.path(0), ops.path(1), ops.text(2)),
        ),
        call("umount2", result, text(0), number(1, 4), ops=(ops.path(0),)),
        call(
            "quotactl", result, text(1), _quota_path,
            *(_quota_number(_LIMITS, at) for at in (0, 8, 16, 24, 32)),
            *(_quota_number(_LIMITS, at, scale=_NS_PER_S) for at in (48, 56)),
            *(_quota_number(_INFO, at, scale=_NS_PER_S) for at in (0, 8)),
            _quota_flags, _told_format, flags(0, 2, lambda value: QUOTA_COMMANDS.get(value >> 8, 0)),
            flags(0, 1, lambda value: QUOTA_TYPES.get(value & 0xFF, 0)), _quota_id, _given_format,
            ops=(ops.path(1), ops.path(3), ops.memory(3, _STRUCTURE_BYTES)),
        ),
        call(
            "init_module", result, data(0), number(1, 8), text(2),
            ops=(ops.data(0, 1, MOST_DATA_BYTES), ops.text(2)),
        ),
        call(
            "finit_module", result, integer(0), text(1), number(2, 4),
            ops=(ops.fd(0), ops.text(1)), find=used(0),
        ),
        call("delete_module", result, text(0), flags(1, 4, module_removal), ops=(ops.text(0),)),
    )
)  # fmt: skip
"""Calls by the kernel's names."""
