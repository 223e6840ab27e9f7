"""The running kernel as a machine for one function of two arguments, by bpf(2)."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

from falcocore_syscall.live.pushdown.matchers import BUFFER_BYTES

_CALL_NUMBERS = {"x86_64": 321, "aarch64": 280}
_MAP_CREATE, _MAP_LOOKUP, _MAP_UPDATE, _PROG_LOAD, _PROG_RUN = 0, 1, 2, 5, 10
_ARRAY, _SOCKET_FILTER = 2, 1
_ARGUMENT_AT, _RESULT_AT, _VALUE_BYTES = BUFFER_BYTES, BUFFER_BYTES + 8, BUFFER_BYTES + 16
_LOG_BYTES = 1 << 20


class KernelFunction:
    """A function that the verifier has accepted; it is called with the address of a buffer and a number.

    Raises:
        OSError: there is no bpf(2) for us, or the verifier refuses the code; then with what it says.
    """

    def __init__(self, code: bytes) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._map = self._bpf(_MAP_CREATE, struct.pack("<IIIII", _ARRAY, 4, _VALUE_BYTES, 1, 0))
        self._key = ctypes.create_string_buffer(4)
        self._value = ctypes.create_string_buffer(_VALUE_BYTES)
        try:
            self._program = self._load(_caller(self._map) + code)
        except OSError:
            os.close(self._map)
            raise

    def __call__(self, buffer: bytes | bytearray, number: int) -> int:
        """What the function returns."""
        self._value.raw = bytes(buffer) + struct.pack("<QQ", number, 0)
        place = struct.pack(
            "<IxxxxQQQ", self._map, ctypes.addressof(self._key), ctypes.addressof(self._value), 0
        )
        self._bpf(_MAP_UPDATE, place)
        packet = ctypes.create_string_buffer(64)
        self._bpf(
            _PROG_RUN,
            struct.pack("<IIIIQQII", self._program, 0, 64, 0, ctypes.addressof(packet), 0, 1, 0),
        )
        self._bpf(_MAP_LOOKUP, place)
        result: int = struct.unpack_from("<Q", self._value, _RESULT_AT)[0]
        return result

    def close(self) -> None:
        """Let the program and its map go."""
        os.close(self._program)
        os.close(self._map)

    def _load(self, code: bytes) -> int:
        instructions = ctypes.create_string_buffer(code, len(code))
        log = ctypes.create_string_buffer(_LOG_BYTES)
        own_license = ctypes.create_string_buffer(b"GPL")
        attributes = struct.pack(
            "<IIQQIIQII",
            _SOCKET_FILTER,
            len(code) // 8,
            ctypes.addressof(instructions),
            ctypes.addressof(own_license),
            1,
            _LOG_BYTES,
            ctypes.addressof(log),
            0,
            0,
        )
        try:
            return self._bpf(_PROG_LOAD, attributes)
        except OSError as error:
            said = log.value.decode(errors="replace")[-2000:]
            raise OSError(error.errno, f"{os.strerror(error.errno or 0)}\n{said}") from None

    def _bpf(self, command: int, attributes: bytes) -> int:
        buffer = ctypes.create_string_buffer(attributes, 152)
        number = _CALL_NUMBERS.get(platform.machine(), 321)
        result: int = self._libc.syscall(number, command, ctypes.byref(buffer), len(buffer))
        if result < 0:
            errno = ctypes.get_errno()
            raise OSError(errno, os.strerror(errno))
        return result


def _caller(map_fd: int) -> bytes:
    """A program that calls the function behind it with the map's value and the number in that."""

    def one(code: int, to: int = 0, source: int = 0, offset: int = 0, constant: int = 0) -> bytes:
        return struct.pack("<BBhi", code, source << 4 | to, offset, constant)

    return b"".join(
        (
            one(0x62, 10, offset=-4),  # the key, 0
            one(0x18, 1, 1, constant=map_fd),
            one(0),
            one(0xBF, 2, 10),
            one(0x07, 2, constant=-4),
            one(0x85, constant=1),  # bpf_map_lookup_elem
            one(0x55, 0, offset=1),
            one(0x95),
            one(0xBF, 6, 0),
            one(0xBF, 1, 6),
            one(0x79, 2, 6, _ARGUMENT_AT),
            one(0x85, source=1, constant=3),  # the function
            one(0x7B, 6, 0, _RESULT_AT),
            one(0xB7, 0),
            one(0x95),
        )
    )


def why_not() -> str | None:
    """What keeps programs from being loaded here; None where nothing does."""
    try:
        KernelFunction(struct.pack("<BBhi", 0xB7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)).close()
    except (OSError, AttributeError) as error:
        return f"programs can't be loaded into the kernel: {error}"
    return None
