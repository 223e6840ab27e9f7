"""Files are opened, made, renamed, linked, removed, and get other rights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls import call as ops
from falcocore_syscall.live.calls.call import FLAGS_IN_STRUCTURE, Call, Read, call
from falcocore_syscall.live.descriptors import opened, used
from falcocore_syscall.live.flags import chown_flags, open_mode, resolve_flags
from falcocore_syscall.live.reads import (
    data,
    file_device,
    file_inode,
    file_path,
    flags,
    integer,
    memory_number,
    number,
    open_flags,
    packed,
    result,
    text,
    translated_in_memory,
)
from falcocore_syscall.live.record import RETURNED

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent

_HOW_BYTES = 24
_MODE_BITS = 0o7777
_LOW_32 = 0xFFFFFFFF
_QUARTER_BYTES, _MOST_VALUE_BYTES = 4, 80


def _flags_of(arg: int) -> Callable[[LiveEvent], int]:
    def get(event: LiveEvent) -> int:
        return event.call.numbers.open_flags(event.record.args[arg] & _LOW_32)

    return get


def _no_flags(_event: LiveEvent) -> int:
    return 0


def _how_flags(event: LiveEvent) -> int:
    found = memory_number(event, 2, 0, 8)
    return 0 if found is None else event.call.numbers.open_flags(found & _LOW_32)


def _read_how_flags(event: LiveEvent) -> bytes:
    return packed(_how_flags(event) | event.file_flags, 4)


def _read_how_mode(event: LiveEvent) -> bytes:
    given, mode = memory_number(event, 2, 0, 8), memory_number(event, 2, 8, 8)
    return packed(0 if given is None or mode is None else open_mode(given, mode), 4)


def _open_mode(flags_arg: int, mode_arg: int) -> Read:
    def read(event: LiveEvent) -> bytes:
        args = event.record.args
        return packed(open_mode(args[flags_arg], args[mode_arg]), 4)

    return read


def _mode(arg: int) -> Read:
    return flags(arg, 4, lambda value: value & _MODE_BITS)


def _creat_layer(event: LiveEvent) -> bytes:
    found = event.opened
    return packed(0 if found is None else found.marks & 3, 2)


def _on_command(wanted: tuple[int, ...], read: Read) -> Read:
    """A value of fsconfig that only some of its commands have."""
    return lambda event: read(event) if event.record.args[1] & _LOW_32 in wanted else b""


_opening = (file_device, file_inode)

CALLS: Mapping[str, Call] = dict(
    (
        call(
            "open", result, text(0), open_flags(1), _open_mode(1, 2), *_opening,
            ops=(ops.path(0), ops.fd(RETURNED)), flags_arg=1,
            find=opened(0, None, _flags_of(1)),
        ),
        call(
            "openat", result, integer(0), text(1), open_flags(2), _open_mode(2, 3), *_opening,
            ops=(ops.path(1, 0), ops.fd(RETURNED)), flags_arg=2,
            find=opened(1, 0, _flags_of(2)),
        ),
        call(
            "openat2", result, integer(0), text(1), _read_how_flags, _read_how_mode,
            translated_in_memory(2, 16, 8, resolve_flags), *_opening,
            ops=(ops.path(1, 0), ops.memory(2, _HOW_BYTES), ops.fd(RETURNED)),
            flags_arg=FLAGS_IN_STRUCTURE, find=opened(1, 0, _how_flags),
        ),
        call(
            "creat", result, text(0), _mode(1), *_opening, _creat_layer,
            ops=(ops.path(0), ops.fd(RETURNED)),
            find=opened(0, None, _no_flags),
        ),
        call(
            "open_by_handle_at", result, integer(0), open_flags(2), file_path, *_opening,
            ops=(ops.fd(RETURNED),), flags_arg=2,
            find=opened(None, None, _flags_of(2)),
        ),
        call("stat", result, text(0), ops=(ops.path(0),)),
        call("lstat", result, text(0), ops=(ops.path(0),)),
        call("fstat", result, integer(0), ops=(ops.fd(0),), find=used(0)),
        call(
            "newfstatat", result, integer(0), text(1), number(3, 4),
            ops=(ops.path(1, 0),), find=used(0),
        ),
        call("access", result, text(0), number(1, 4), ops=(ops.path(0),)),
        call("chdir", result, text(0), ops=(ops.text(0), ops.CWD)),
        call("fchdir", result, integer(0), ops=(ops.fd(0), ops.CWD), find=used(0)),
        call("getcwd", result, text(0), ops=(ops.text(0),)),
        call("chroot", result, text(0), ops=(ops.path(0),)),
        call("mkdir", result, text(0), number(1, 4), ops=(ops.path(0),)),
        call("mkdirat", result, integer(0), text(1), number(2, 4), ops=(ops.path(1, 0),), find=used(0)),
        call("rmdir", result, text(0), ops=(ops.path(0),)),
        call("unlink", result, text(0), ops=(ops.path(0),)),
        call("unlinkat", result, integer(0), text(1), number(2, 4), ops=(ops.path(1, 0),), find=used(0)),
        call("rename", result, text(0), text(1), ops=(ops.path(0), ops.path(1))),
        call(
            "renameat", result, integer(0), text(1), integer(2), text(3),
            ops=(ops.path(1, 0), ops.path(3, 2)),
        ),
        call(
            "renameat2", result, integer(0), text(1), integer(2), text(3), number(4, 4),
            ops=(ops.path(1, 0), ops.path(3, 2)),
        ),
        call("link", result, text(0), text(1), ops=(ops.path(0), ops.path(1))),
        call(
            "linkat", result, integer(0), text(1), integer(2), text(3), number(4, 4),
            ops=(ops.path(1, 0), ops.path(3, 2)),
        ),
        call("symlink", result, text(0), text(1), ops=(ops.path(0), ops.path(1))),
        call(
            "symlinkat", result, text(0), integer(1), text(2),
            ops=(ops.path(0), ops.path(2, 1)), find=used(1),
        ),
        call("chmod", result, text(0), _mode(1), ops=(ops.path(0),)),
        call("fchmod", result, integer(0), _mode(1), ops=(ops.fd(0),), find=used(0)),
        call("fchmodat", result, integer(0), text(1), _mode(2), ops=(ops.path(1, 0),), find=used(0)),
        call("chown", result, text(0), number(1, 4), number(2, 4), ops=(ops.path(0),)),
        call("lchown", result, text(0), number(1, 4), number(2, 4), ops=(ops.path(0),)),
        call("fchown", result, integer(0), number(1, 4), number(2, 4), ops=(ops.fd(0),), find=used(0)),
        call(
            "fchownat", result, integer(0), text(1), number(2, 4), number(3, 4), flags(4, 4, chown_flags),
            ops=(ops.path(1, 0),), find=used(0),
        ),
        call("mknod", result, text(0), number(1, 4), number(2, 4), ops=(ops.path(0),)),
        call(
            "mknodat", result, integer(0), text(1), number(2, 4), number(3, 4),
            ops=(ops.path(1, 0),), find=used(0),
        ),
        call("getdents", result, integer(0), ops=(ops.fd(0),), find=used(0)),
        call("getdents64", result, integer(0), ops=(ops.fd(0),), find=used(0)),
        call("flock", result, integer(0), number(1, 4), ops=(ops.fd(0),), find=used(0)),
        call("lseek", result, integer(0), number(1, 8), number(2, 1), ops=(ops.fd(0),), find=used(0)),
        call(
            "fsconfig", result, integer(0), number(1, 4), text(2), _on_command((2,), data(3)),
            _on_command((1, 3, 4), text(3)), number(4, 4),
            ops=(ops.fd(0), ops.text(2), ops.text(3), ops.data(3, 4, _MOST_VALUE_BYTES)), find=used(0),
        ),
    )
)  # fmt: skip
"""Calls by the kernel's names."""
