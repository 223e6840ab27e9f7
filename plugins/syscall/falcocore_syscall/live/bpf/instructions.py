"""Instructions of eBPF as bytes: reading, changing and poisoning them in a program that is being loaded."""

from __future__ import annotations

import struct
from enum import IntEnum

from falcocore_syscall.live.bpf.errors import BpfError

INSTRUCTION_BYTES = 8
_INSTRUCTION = struct.Struct("<BBhi")
_CLASS, _SOURCE_REGISTER, _SIZE = 0x07, 0x08, 0x18
_LOAD, _LOAD_REGISTER, _STORE, _STORE_REGISTER, _ALU, _ALU64 = 0, 1, 2, 3, 4, 7
LOAD_64 = 0x18
"""Loads a 64-bit constant; the only instruction that takes the place of two."""
CALL = 0x85
_SIZES = {4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18}
_NO_SUCH_HELPER = 195_896_080
"""Refused by the verifier if it is reached, and telling in its log: 0xbad2310."""
_MOST_OFFSET = 0x7FFF


class Source(IntEnum):
    """What the source register of a call or a 64-bit load says about its constant."""

    PLAIN = 0
    MAP = 1
    MAP_VALUE = 2
    SUBPROGRAM = 1
    KERNEL_FUNCTION = 2


class Code:
    """The instructions of one section or program. Places are in bytes."""

    def __init__(self, code: bytes, name: str) -> None:
        if len(code) % INSTRUCTION_BYTES:
            raise BpfError(f"the code of {name} does not end with a whole instruction")
        self.bytes = bytearray(code)
        self.name = name

    def check(self, at: int) -> None:
        """Raise where a place is not that of a whole instruction."""
        if at % INSTRUCTION_BYTES or not 0 <= at < len(self.bytes) or self._is_cut(at):
            raise BpfError(f"the code of {self.name} has no instruction at byte {at}")

    def _is_cut(self, at: int) -> bool:
        return self.bytes[at] == LOAD_64 and at + 2 * INSTRUCTION_BYTES > len(self.bytes)

    def operation(self, at: int) -> int:
        """The first byte of the instruction at a place."""
        self.check(at)
        return self.bytes[at]

    def source(self, at: int) -> int:
        """Number in the place of the source register."""
        return self.bytes[at + 1] >> 4

    def constant(self, at: int) -> int:
        """The signed 32-bit constant of an instruction."""
        return int(_INSTRUCTION.unpack_from(self.bytes, at)[3])

    def set_constant(
        self, at: int, value: int, *, high: int | None = None, source: Source | None = None
    ) -> None:
        """Write constant, that of the second half (64-bit loads alone), and the kind of it."""
        self.bytes[at + 4 : at + 8] = (value & 0xFFFFFFFF).to_bytes(4, "little")
        if high is not None:
            self.bytes[at + 12 : at + 16] = (high & 0xFFFFFFFF).to_bytes(4, "little")
        if source is not None:
            self.bytes[at + 1] = self.bytes[at + 1] & 15 | source << 4

    def poison(self, at: int) -> None:
        """Make an instruction one that the verifier refuses, unless it is never reached."""
        halves = 2 if self.operation(at) == LOAD_64 else 1
        for half in range(halves):
            _INSTRUCTION.pack_into(self.bytes, at + half * INSTRUCTION_BYTES, CALL, 0, 0, _NO_SUCH_HELPER)

    def fill_in(self, at: int, value: int, old: int | None) -> None:
        """Write a relocated number where the instruction has it. `old`, if given, has to stand there now."""
        operation = self.operation(at)
        kind = operation & _CLASS
        _, _, offset, constant = _INSTRUCTION.unpack_from(self.bytes, at)
        if kind in (_ALU, _ALU64) and not operation & _SOURCE_REGISTER:
            self._expect(at, constant & 0xFFFFFFFF, old)
            self.set_constant(at, value)
        elif kind in (_LOAD_REGISTER, _STORE, _STORE_REGISTER):
            self._expect(at, offset, old)
            if not 0 <= value <= _MOST_OFFSET:
                raise BpfError(f"{self.name} reads a field {value} bytes into a structure, which is too far")
            self.bytes[at + 2 : at + 4] = value.to_bytes(2, "little")
        elif operation == LOAD_64:
            self.set_constant(at, value, high=value >> 32)
        else:
            raise BpfError(
                f"the code of {self.name} can't be relocated at byte {at} (operation {operation:#x})"
            )

    def _expect(self, at: int, found: int, old: int | None) -> None:
        if old is not None and found != old:
            raise BpfError(f"the code of {self.name} has {found} at byte {at} where {old} is to be relocated")

    def is_access(self, at: int) -> bool:
        """Whether the instruction reads or writes memory itself."""
        return self.operation(at) & _CLASS in (_LOAD_REGISTER, _STORE, _STORE_REGISTER)

    def set_width(self, at: int, width_bytes: int) -> None:
        """How many bytes an access reads or writes."""
        self.bytes[at] = self.bytes[at] & ~_SIZE | _SIZES[width_bytes]


WIDTHS = frozenset(_SIZES)
"""Numbers of bytes that one access can read or write."""
