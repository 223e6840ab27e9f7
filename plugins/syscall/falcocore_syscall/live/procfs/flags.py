"""Flags of open files: from the kernel's numbers, which differ by architecture, to those of captures."""

from __future__ import annotations

import os
import platform

_ARM = platform.machine() in ("aarch64", "arm64")
_LARGEFILE, _DIRECTORY, _DIRECT = (0o400000, 0o40000, 0o200000) if _ARM else (0o100000, 0o200000, 0o40000)
_TMPFILE = 0o20000000
_BITS = (
    (os.O_CREAT, 4),
    (os.O_APPEND, 8),
    (os.O_DSYNC, 16),
    (os.O_EXCL, 32),
    (os.O_NONBLOCK, 64),
    (os.O_SYNC, 128),
    (os.O_TRUNC, 256),
    (_DIRECT, 512),
    (_DIRECTORY, 1024),
    (_LARGEFILE, 2048),
    (os.O_CLOEXEC, 4096),
    (_TMPFILE, 8192),
)
_ACCESS = {os.O_RDONLY: 1, os.O_WRONLY: 2, os.O_RDWR: 3}


def recorded_flags(flags: int) -> int:
    """The flags of open(2) as captures have them."""
    found = _ACCESS.get(flags & os.O_ACCMODE, 0)
    for bits, recorded in _BITS:
        if flags & bits == bits:
            found |= recorded
    return found
