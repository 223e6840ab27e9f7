"""The kernel's numbers for flags and commands, beside those that captures have for the same.

Where a parameter of an event is not here, both have the same numbers. The kernel's are from its headers for
programs (`include/uapi`); those of captures are in the tables of flags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from falcocore_syscall.state.fds import LOWER_LAYER, O_DIRECTORY, O_F_CREATED, O_TMPFILE, UPPER_LAYER

Translate = Callable[[int], int]
Pairs = tuple[tuple[int, int], ...]
"""The kernel's bits and the capture's."""

ACCESS_MODE = 3
O_CREAT = 0o100
O_NONBLOCK = 0o4000
O_CLOEXEC = 0o2000000
_O_TMPFILE = 0o20000000

_OPEN_EVERYWHERE: Pairs = (
    (O_CREAT, 4),
    (0o200, 32),  # O_EXCL
    (0o1000, 256),  # O_TRUNC
    (0o2000, 8),  # O_APPEND
    (O_NONBLOCK, 64),
    (0o10000, 16),  # O_DSYNC
    (0o4000000, 128),  # O_SYNC, without the bit of O_DSYNC that it has too
    (O_CLOEXEC, 4096),
    (_O_TMPFILE, O_TMPFILE),  # without the bit of O_DIRECTORY that it has too
)
_OPEN_X86: Pairs = (*_OPEN_EVERYWHERE, (0o40000, 512), (0o100000, 2048), (0o200000, O_DIRECTORY))
_OPEN_ARM: Pairs = (*_OPEN_EVERYWHERE, (0o200000, 512), (0o400000, 2048), (0o40000, O_DIRECTORY))

_CLONE: Pairs = (
    (0x100, 32768),  # VM
    (0x200, 2),  # FS
    (0x400, 1),  # FILES
    (0x800, 2048),  # SIGHAND
    (0x2000, 1024),  # PTRACE
    (0x4000, 1 << 27),  # VFORK
    (0x8000, 256),  # PARENT
    (0x10000, 8192),  # THREAD
    (0x20000, 32),  # NEWNS
    (0x40000, 4096),  # SYSVSEM
    (0x80000, 1 << 25),  # SETTLS
    (0x100000, 512),  # PARENT_SETTID
    (0x200000, 1 << 23),  # CHILD_CLEARTID
    (0x800000, 16384),  # UNTRACED
    (0x1000000, 1 << 24),  # CHILD_SETTID
    (0x2000000, 1 << 28),  # NEWCGROUP
    (0x4000000, 128),  # NEWUTS
    (0x8000000, 8),  # NEWIPC
    (0x10000000, 1 << 20),  # NEWUSER
    (0x20000000, 64),  # NEWPID
    (0x40000000, 16),  # NEWNET
    (0x80000000, 4),  # IO
)
CLONE_VFORK_AND_VM = 0x4100
"""What vfork stands for."""

_PROTECTION: Pairs = ((1, 1), (2, 2), (4, 4), (8, 8), (0x01000000, 16), (0x02000000, 32))
_MAP_EVERYWHERE: Pairs = (
    (1, 1),  # SHARED
    (2, 2),  # PRIVATE
    (0x10, 4),  # FIXED
    (0x20, 8),  # ANONYMOUS
    (0x100, 512),  # GROWSDOWN
    (0x800, 1024),  # DENYWRITE
    (0x1000, 2048),  # EXECUTABLE
    (0x2000, 16384),  # LOCKED
    (0x4000, 64),  # NORESERVE
    (0x8000, 128),  # POPULATE
    (0x10000, 256),  # NONBLOCK
)
_MAP_X86: Pairs = (*_MAP_EVERYWHERE, (0x40, 16))

_RESOLVE: Pairs = ((1, 16), (2, 4), (4, 8), (8, 1), (16, 2), (32, 32))
_RING_SETUP: Pairs = ((1, 1), (2, 2), (4, 8), (8, 16), (16, 32), (32, 64), (64, 128))
_POLL: Pairs = (
    (1, 1), (2, 2), (4, 4), (8, 16), (16, 32), (32, 64),
    (64, 128), (128, 256), (256, 512), (512, 1024), (0x2000, 8),
)  # fmt: skip
_SEMAPHORE_OPERATION: Pairs = ((0o4000, 1), (0x1000, 2))
_SEMAPHORE_MAKING: Pairs = ((0o1000, 8192), (0o2000, 16384), *((1 << bit, 1 << bit) for bit in range(9)))
_MODULE_REMOVAL: Pairs = ((0o1000, 1), (O_NONBLOCK, 2))
_CHOWN: Pairs = ((0x100, 1024), (0x1000, 4096))

_REQUESTS: dict[int, int] = {
    **{number: number + 1 for number in range(10)},  # TRACEME to SINGLESTEP
    16: 11, 17: 12, 24: 13,  # ATTACH, DETACH, SYSCALL
    **{0x4200 + number: 14 + number for number in range(12)},  # SETOPTIONS to SETSIGMASK
    31: 36, 32: 37,  # SYSEMU, SYSEMU_SINGLESTEP
}  # fmt: skip
_REQUESTS_X86 = {
    **_REQUESTS,
    12: 26, 13: 27, 14: 28, 15: 29, 18: 30, 19: 31,  # registers
    21: 32, 25: 33, 26: 34, 30: 35, 33: 38,
}  # fmt: skip

FILE_COMMANDS: Mapping[int, int] = {
    0: 1, 1: 2, 2: 3, 3: 4, 4: 5,  # DUPFD, GETFD, SETFD, GETFL, SETFL
    5: 6, 6: 8, 7: 9, 8: 10, 9: 12, 10: 13, 11: 15,  # locks, owner, signal
    12: 17, 13: 18, 14: 19, 15: 21, 16: 22,
    36: 30, 37: 31, 38: 32,  # locks of open files
    1024: 23, 1025: 24, 1026: 27, 1029: 25, 1030: 26, 1031: 28, 1032: 29,
}  # fmt: skip
"""Commands of fcntl."""
SEMAPHORE_COMMANDS: Mapping[int, int] = {
    2: 1, 1: 2, 0: 4, 3: 8, 19: 16, 18: 32, 13: 64, 14: 128, 11: 256, 12: 512, 15: 1024, 17: 2048, 16: 4096,
}  # fmt: skip
QUOTA_COMMANDS: Mapping[int, int] = {
    0x800002: 1, 0x800003: 2, 0x800004: 4, 0x800005: 8, 0x800006: 16, 0x800007: 32, 0x800008: 64,
    0x800001: 128, 0x5801: 256, 0x5802: 512, 0x5803: 1024, 0x5804: 2048, 0x5805: 4096, 0x5806: 8192,
    0x5807: 16384,
}  # fmt: skip
QUOTA_TYPES: Mapping[int, int] = {0: 1, 1: 2}
QUOTA_FORMATS: Mapping[int, int] = {1: 2, 2: 4, 4: 8}
SOCKET_LEVELS: Mapping[int, int] = {1: 1, 6: 2}
SOCKET_OPTIONS: Mapping[int, int] = {**{n: n for n in range(1, 51)}, 55: 52, 57: 53, 59: 51}
_MOST_LIMITS = 16
UNKNOWN_LIMIT = 255
_CAPTURED_MODE = 0o7777
_MOUNT_MAGIC, _MAGIC_MASK = 0xC0ED0000, 0xFFFF0000


def _translator(pairs: Pairs) -> Translate:
    """A function from the kernel's flags to the capture's, that remembers what it was asked."""

    @lru_cache(maxsize=4096)
    def translate(value: int) -> int:
        found = 0
        for kernel, capture in pairs:
            if value & kernel:
                found |= capture
        return found

    return translate


def _open_translator(pairs: Pairs) -> Translate:
    """The same for flags of open, with the access mode."""
    bits = _translator(pairs)

    @lru_cache(maxsize=4096)
    def translate(value: int) -> int:
        found = bits(value) | (value + 1 & ACCESS_MODE)
        return found & ~O_DIRECTORY if value & _O_TMPFILE else found

    return translate


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is not the same in all architectures.

    `open_flags` takes flags of open, with the access mode; `descriptor_flags` those of calls that make
    descriptors of something without one; `map_flags` is mmap's, `requests` are ptrace's.
    """

    open_flags: Translate
    descriptor_flags: Translate
    map_flags: Translate
    requests: Mapping[int, int]


def _numbers(opens: Pairs, maps: Pairs, requests: Mapping[int, int]) -> Numbers:
    return Numbers(_open_translator(opens), _translator(opens), _translator(maps), requests)


NUMBERS: Mapping[str, Numbers] = {
    "x86_64": _numbers(_OPEN_X86, _MAP_X86, _REQUESTS_X86),
    "aarch64": _numbers(_OPEN_ARM, _MAP_EVERYWHERE, _REQUESTS),
}


def open_mode(flags: int, mode: int) -> int:
    """The mode of a file that open may make; otherwise it has no meaning, and is 0."""
    return mode & _CAPTURED_MODE if flags & (O_CREAT | _O_TMPFILE) else 0


def file_flags(marks: int) -> int:
    """The layer of an overlay that a file is in, and whether opening has made it, as a descriptor has it."""
    layer = (UPPER_LAYER if marks & 1 else 0) | (LOWER_LAYER if marks & 2 else 0)
    return layer | (O_F_CREATED if marks & 16 else 0)


clone_flags = _translator(_CLONE)
"""Flags of clone, unshare and setns; a signal in the lowest byte is left out."""
protection = _translator(_PROTECTION)
"""Protection of mmap and mprotect."""
resolve_flags = _translator(_RESOLVE)
"""How openat2 resolves a path."""
ring_setup_flags = _translator(_RING_SETUP)
"""Flags of io_uring_setup."""
poll_events = _translator(_POLL)
"""What poll tells of a descriptor."""
semaphore_operation = _translator(_SEMAPHORE_OPERATION)
"""Flags of semop."""
semaphore_making = _translator(_SEMAPHORE_MAKING)
"""Flags of semget, with the mode."""
module_removal = _translator(_MODULE_REMOVAL)
"""Flags of delete_module."""
chown_flags = _translator(_CHOWN)
"""Flags of fchownat."""


def mount_flags(value: int) -> int:
    """Flags of mount, without the number that old programs put into the upper half."""
    return value & ~_MAGIC_MASK if value & _MAGIC_MASK == _MOUNT_MAGIC else value


def limit(value: int) -> int:
    """The resource of a limit."""
    return value if value < _MOST_LIMITS else UNKNOWN_LIMIT


@lru_cache(maxsize=1024)
def device(value: int) -> int:
    """The number of a device as captures have it: low byte of the minor, major, rest of the minor."""
    minor = value & 0xFFFFF
    return minor & 0xFF | value >> 20 << 8 & 0xFFFFFFFF | (minor & ~0xFF) << 12
