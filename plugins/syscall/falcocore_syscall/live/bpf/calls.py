"""bpf(2) by ctypes: the few of its commands that loading, attaching and reading need.

The layouts are those of `union bpf_attr` in linux/bpf.h. File descriptors that the kernel returns are closed
on exec by the kernel's own doing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import mmap
import os
import platform
import resource
import struct
from dataclasses import dataclass
from enum import IntEnum

from falcocore_syscall.live.bpf.errors import BpfError

CALL_NUMBERS = {"x86_64": 321, "aarch64": 280}
"""The number of bpf(2), by architecture: those for which there is a loader."""
MOST_NAME_BYTES = 15
LOG_BYTES = 16 << 20
"""The log of a refused program; memory that is not written to is not taken."""
_MOST_ATTEMPTS = 5
_TRACING = 26
"""Type of programs that are given the kernel's own types."""
_INFO_BYTES = 256
_FROM_START = 1
_NO_EXIST = 1
_RUN_TIME = 0


class Command(IntEnum):
    """Commands of bpf(2)."""

    MAP_CREATE = 0
    MAP_LOOKUP = 1
    MAP_UPDATE = 2
    MAP_DELETE = 3
    MAP_NEXT_KEY = 4
    PROGRAM_LOAD = 5
    INFO = 15
    OPEN_RAW_TRACEPOINT = 17
    TYPES_LOAD = 18
    MAP_FREEZE = 22
    ENABLE_STATISTICS = 32


class MapType(IntEnum):
    """Types of maps that the loader knows."""

    HASH = 1
    ARRAY = 2
    PERCPU_HASH = 5
    PERCPU_ARRAY = 6
    LRU_HASH = 9
    LRU_PERCPU_HASH = 10
    LPM_TRIE = 11
    RINGBUF = 27


class MapFlag(IntEnum):
    """Flags of maps that the loader sets itself."""

    READ_ONLY_PROGRAM = 0x80
    MAPPABLE = 0x400


class Attachment(IntEnum):
    """What such a program is started by: a tracepoint, or the end of a function."""

    TRACEPOINT = 23
    END = 25


@dataclass(frozen=True, slots=True)
class ProgramInfo:
    """What the kernel says of a loaded program; times and runs count while statistics are on."""

    id: int
    native_bytes: int
    instructions_bytes: int
    run_time_ns: int
    runs: int
    verified_instructions: int
    """How many the verifier went through; 0 before Linux 5.16."""


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


_LIBC = _libc()


def bpf(command: Command, attributes: bytes, tried: str) -> int:
    """One call of bpf(2); `tried` says in the error what it was for."""
    machine = platform.machine()
    if machine not in CALL_NUMBERS:
        raise BpfError(f"{tried}: this works on {' and '.join(CALL_NUMBERS)}, not on {machine}")
    buffer = _buffer(attributes)
    for _ in range(_MOST_ATTEMPTS):
        result: int = _LIBC.syscall(
            ctypes.c_long(CALL_NUMBERS[machine]), ctypes.c_long(command), buffer, ctypes.c_long(len(buffer))
        )
        code = ctypes.get_errno()
        if result >= 0:
            return result
        if code != errno.EAGAIN:  # The verifier's answer when a signal came while it worked.
            break
    raise BpfError(tried, errno=code)


def raise_memory_limit() -> bool:
    """Lift the limit of locked memory, to which kernels before 5.11 charge maps; False where not allowed."""
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        return False
    return True


def _name(name: str) -> bytes:
    """A name as the kernel takes it."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "_.") else "_" for sign in name)
    return plain.encode()[:MOST_NAME_BYTES].ljust(MOST_NAME_BYTES + 1, b"\0")


def create_map(kind: int, key_bytes: int, value_bytes: int, entries: int, flags: int, name: str) -> int:
    """File descriptor of a new map. A kernel before 5.11 says EPERM where the limit of memory is too low."""
    try:
        attributes = struct.pack(
            "<IIIIIII16s", kind, key_bytes, value_bytes, entries, flags, 0, 0, _name(name)
        )
    except struct.error:
        raise BpfError(f"creating map {name}: its size is out of range") from None
    return bpf(Command.MAP_CREATE, attributes, f"creating map {name}")


def _buffer(data: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(data, len(data))


def _element(command: Command, fd: int, key: object, value: object, flags: int, tried: str) -> None:
    pointers = [ctypes.addressof(one) if isinstance(one, ctypes.Array) else 0 for one in (key, value)]
    bpf(command, struct.pack("<I4xQQQ", fd, *pointers, flags), tried)


def look_up(fd: int, key: bytes, value_bytes: int) -> bytes | None:
    """The value of a key, None where there is none."""
    value = ctypes.create_string_buffer(value_bytes)
    try:
        _element(Command.MAP_LOOKUP, fd, _buffer(key), value, 0, "reading a map")
    except BpfError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    return value.raw


def update(fd: int, key: bytes, value: bytes) -> None:
    """Set the value of a key."""
    buffers = _buffer(key), _buffer(value)
    _element(Command.MAP_UPDATE, fd, *buffers, 0, "writing to a map")


def add(fd: int, key: bytes, value: bytes) -> bool:
    """Set the value of a key that is not there; False where it is."""
    buffers = _buffer(key), _buffer(value)
    try:
        _element(Command.MAP_UPDATE, fd, *buffers, _NO_EXIST, "writing to a map")
    except BpfError as error:
        if error.errno == errno.EEXIST:
            return False
        raise
    return True


def delete(fd: int, key: bytes) -> bool:
    """Remove a key; whether it was there."""
    try:
        _element(Command.MAP_DELETE, fd, _buffer(key), None, 0, "removing from a map")
    except BpfError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    return True


def next_key(fd: int, key: bytes | None, key_bytes: int) -> bytes | None:
    """The key behind another one, or the first of all; None behind the last."""
    buffer = ctypes.create_string_buffer(key_bytes)
    before = None if key is None else _buffer(key)
    try:
        _element(Command.MAP_NEXT_KEY, fd, before, buffer, 0, "going through a map")
    except BpfError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    return buffer.raw


def freeze(fd: int, name: str) -> None:
    """From now on nobody but programs may write to the map, so that the verifier trusts its contents."""
    bpf(Command.MAP_FREEZE, struct.pack("<I", fd), f"freezing map {name}")


def load_types(types: bytes) -> int:
    """File descriptor of types, as BTF."""
    buffer = _buffer(types)
    attributes = struct.pack("<QQIII", ctypes.addressof(buffer), 0, len(types), 0, 0)
    return bpf(Command.TYPES_LOAD, attributes, "loading the types of functions")


FUNCTION_INFO_BYTES = 8


def load_alone(
    code: bytes, name: str, started_by: int, attachment: Attachment = Attachment.TRACEPOINT
) -> int:
    """File descriptor of a program without functions, of which the verifier needs to be told nothing more."""
    return load_program(code, name, "GPL", started_by, 0, b"", attachment)


def load_program(
    code: bytes,
    name: str,
    license_: str,
    started_by: int,
    types: int,
    functions: bytes,
    attachment: Attachment = Attachment.TRACEPOINT,
) -> int:
    """File descriptor of a verified program; `started_by` is the id of the kernel's function, or that of the
    `btf_trace_` type of the tracepoint.

    `functions` says in FUNCTION_INFO_BYTES for each which function of the loaded `types` begins where.
    """
    instructions, info = _buffer(code), _buffer(functions)
    licensed = ctypes.create_string_buffer(license_.encode())
    tried = f"loading program {name}"

    def load(log_bytes: int, log: int) -> int:
        level = 1 if log else 0
        attributes = struct.pack(
            "<IIQQIIQII16sIIIIQIIQII",
            *(_TRACING, len(code) // 8, ctypes.addressof(instructions), ctypes.addressof(licensed)),
            *(level, log_bytes, log, 0, 0, _name(name), 0, attachment),
            *(types, FUNCTION_INFO_BYTES if functions else 0, ctypes.addressof(info) if functions else 0),
            len(functions) // FUNCTION_INFO_BYTES,
            *(0, 0, 0, started_by),
        )
        return bpf(Command.PROGRAM_LOAD, attributes, tried)

    try:
        return load(0, 0)
    except BpfError as refused:
        # Asking for the log costs the verifier time, so that it is asked for when there is something to say.
        with mmap.mmap(-1, LOG_BYTES) as log:
            place = ctypes.c_char.from_buffer(log)
            try:
                return load(LOG_BYTES, ctypes.addressof(place))
            except BpfError:
                text = log[: max(log.find(b"\0"), 0)].decode(errors="replace")
            finally:
                del place
        raise BpfError(tried, errno=refused.errno, log=text) from None


def open_raw_tracepoint(program: int, name: str) -> int:
    """File descriptor of a link: the program runs for as long as it is open."""
    return bpf(Command.OPEN_RAW_TRACEPOINT, struct.pack("<QI4x", 0, program), f"attaching program {name}")


def program_info(fd: int) -> ProgramInfo:
    """What the kernel says of a program."""
    buffer = ctypes.create_string_buffer(_INFO_BYTES)
    attributes = struct.pack("<IIQ", fd, _INFO_BYTES, ctypes.addressof(buffer))
    bpf(Command.INFO, attributes, "asking about a program")
    number, _, native, translated = struct.unpack_from("<I8sII", buffer, 4)
    run_time_ns, runs = struct.unpack_from("<QQ", buffer, 192)
    verified = struct.unpack_from("<I", buffer, 216)[0]
    return ProgramInfo(number, native, translated, run_time_ns, runs, verified)


def enable_statistics() -> int:
    """File descriptor that keeps the kernel counting time and runs of all programs. For benchmarks."""
    return bpf(Command.ENABLE_STATISTICS, struct.pack("<I", _RUN_TIME), "enabling statistics of programs")


@functools.cache
def possible_cpus() -> int:
    """How many values a per-CPU map has for a key."""
    with open("/sys/devices/system/cpu/possible", encoding="ascii") as file:
        return int(file.read().strip().split(",")[-1].split("-")[-1]) + 1


def close(fds: list[int]) -> None:
    """Close and forget file descriptors."""
    while fds:
        with contextlib.suppress(OSError):
            os.close(fds.pop())
