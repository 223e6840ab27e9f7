"""Instructions of BPF as bytes, with labels: as much of the machine as comparing texts needs."""

from __future__ import annotations

import struct
from typing import TypeAlias

Label: TypeAlias = int

R0, R1, R2, R3, R4, R5 = range(6)
_INSTRUCTION = struct.Struct("<BBhi")
_LOADS = {1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}
_STORE_64, _LOAD_CONSTANT = 0x7B, 0x18
_MOVE, _MOVE_CONSTANT, _ADD, _ADD_CONSTANT = 0xBF, 0xB7, 0x0F, 0x07
_AND_CONSTANT, _OR, _OR_CONSTANT = 0x57, 0x4F, 0x47
_JUMP, _EXIT = 0x05, 0x95
_JUMPS = {"==": 0x10, ">": 0x20, "!=": 0x50, "<": 0xA0}
_CLASS_64, _CLASS_32, _FROM_REGISTER = 0x05, 0x06, 0x08
_LARGEST_CONSTANT = 0x7FFFFFFF


class Assembler:
    """Collects instructions; jumps go to labels, which may be placed later."""

    def __init__(self) -> None:
        self._code: list[bytes] = []
        self._places: list[int | None] = []
        self._jumps: list[tuple[int, Label]] = []

    def label(self) -> Label:
        """A new label, not placed yet."""
        self._places.append(None)
        return len(self._places) - 1

    def place(self, label: Label) -> None:
        """The next instruction is the one that the label stands for."""
        self._places[label] = len(self._code)

    def _put(self, code: int, to: int = 0, source: int = 0, offset: int = 0, constant: int = 0) -> None:
        signed = (constant & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
        self._code.append(_INSTRUCTION.pack(code, source << 4 | to, offset, signed))

    def load(self, to: int, base: int, offset: int, size: int) -> None:
        """`to` becomes the number without sign, of 1, 2, 4 or 8 bytes, at an address."""
        self._put(_LOADS[size], to, base, offset)

    def store(self, base: int, offset: int, source: int) -> None:
        """Eight bytes are written to an address."""
        self._put(_STORE_64, base, source, offset)

    def set(self, to: int, value: int) -> None:
        """`to` becomes a constant of 64 bits."""
        if value <= _LARGEST_CONSTANT:
            self._put(_MOVE_CONSTANT, to, constant=value)
            return
        self._put(_LOAD_CONSTANT, to, constant=value)
        self._put(0, constant=value >> 32)

    def move(self, to: int, source: int) -> None:
        """`to` becomes what `source` is."""
        self._put(_MOVE, to, source)

    def add(self, to: int, source: int) -> None:
        """`to` grows by `source`."""
        self._put(_ADD, to, source)

    def increment(self, to: int) -> None:
        """`to` grows by one."""
        self._put(_ADD_CONSTANT, to, constant=1)

    def mask(self, to: int, value: int) -> None:
        """`to` loses the bits that a small constant lacks."""
        self._put(_AND_CONSTANT, to, constant=value)

    def unite(self, to: int, bits: int, scratch: int) -> None:
        """`to` gets the bits of a constant of 64 bits; `scratch` may be overwritten."""
        if bits <= _LARGEST_CONSTANT:
            self._put(_OR_CONSTANT, to, constant=bits)
            return
        self.set(scratch, bits)
        self._put(_OR, to, scratch)

    def jump(self, label: Label) -> None:
        """Go on at a label."""
        self._jumps.append((len(self._code), label))
        self._put(_JUMP)

    def jump_if(self, left: int, relation: str, value: int, size: int, label: Label) -> None:
        """Go on at a label where a number of `size` bytes is `== > != <` a constant.

        One of eight bytes has to stand in R4 already.
        """
        self._jumps.append((len(self._code), label))
        if size == 8:
            self._put(_JUMPS[relation] | _CLASS_64 | _FROM_REGISTER, left, R4)
        else:
            self._put(_JUMPS[relation] | (_CLASS_32 if size == 4 else _CLASS_64), left, constant=value)

    def exit(self) -> None:
        """Return R0."""
        self._put(_EXIT)

    def __len__(self) -> int:
        return len(self._code)

    def code(self) -> bytes:
        """The bytes of all instructions.

        Raises:
            ValueError: a label was not placed, or is too far away for a jump.
        """
        code = list(self._code)
        for at, label in self._jumps:
            place = self._places[label]
            if place is None:
                raise ValueError("a label was not placed")
            distance = place - at - 1
            if not -0x8000 <= distance < 0x8000:
                raise ValueError(f"a jump over {distance} instructions does not fit into 16 bits")
            operation, registers, _, constant = _INSTRUCTION.unpack(code[at])
            code[at] = _INSTRUCTION.pack(operation, registers, distance, constant)
        return b"".join(code)
