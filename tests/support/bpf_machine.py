"""A machine for the instructions that the push-down makes, and a buffer for what they read."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from falcocore_syscall.live.pushdown.matchers import BUFFER_BYTES, NAME_AT, PATH_END

_SIZES = {0x71: 1, 0x69: 2, 0x61: 4, 0x79: 8}
_64_BITS = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class Instruction:
    """One instruction, as `struct bpf_insn` has it."""

    code: int
    to: int
    source: int
    offset: int
    constant: int


def disassembled(code: bytes) -> list[Instruction]:
    """The instructions in some bytes."""
    found = []
    for operation, registers, offset, constant in struct.iter_unpack("<BBhi", code):
        found.append(Instruction(operation, registers & 15, registers >> 4, offset, constant))
    return found


def call(code: bytes, buffer: bytearray, number: int) -> int:
    """What a function returns that is called with the address of a buffer and a number."""
    program = disassembled(code)
    registers: list[int | None] = [None] * 10
    registers[1], registers[2] = 0, number
    at = 0
    while True:
        it = program[at]
        at += 1
        if it.code == 0x95:
            assert registers[0] is not None
            return registers[0]
        if it.code == 0x05:
            at += it.offset
            continue
        if it.code == 0x18:
            registers[it.to] = it.constant & 0xFFFFFFFF | (program[at].constant & 0xFFFFFFFF) << 32
            at += 1
            continue
        if it.code == 0x7B:
            place = _value(registers, it.to) + it.offset
            buffer[place : place + 8] = _value(registers, it.source).to_bytes(8, "little")
            continue
        if it.code in _SIZES:
            place, size = _value(registers, it.source) + it.offset, _SIZES[it.code]
            assert 0 <= place <= BUFFER_BYTES - size, "read outside of the buffer"
            registers[it.to] = int.from_bytes(buffer[place : place + size], "little")
            continue
        operand = _value(registers, it.source) if it.code & 0x08 else it.constant & _64_BITS
        if it.code in (0xBF, 0xB7):
            registers[it.to] = operand
            continue
        left = _value(registers, it.to)
        match it.code & 0xF7:
            case 0x07:
                registers[it.to] = left + operand & _64_BITS
            case 0x47:
                registers[it.to] = left | operand
            case 0x57:
                registers[it.to] = left & operand
            case _:
                at += it.offset if _jumps(it.code, left, operand) else 0


def _value(registers: list[int | None], number: int) -> int:
    found = registers[number]
    assert found is not None, f"register {number} was not set"
    return found


def _jumps(code: int, left: int, right: int) -> bool:
    if code & 7 == 6:
        left, right = left & 0xFFFFFFFF, right & 0xFFFFFFFF
    else:
        assert code & 7 == 5, f"{code:#x} is not known"
    return {0x10: left == right, 0x20: left > right, 0x50: left != right, 0xA0: left < right}[code & 0xF0]


def path_buffer(path: bytes) -> tuple[bytearray, int]:
    """A buffer with a path that ends at PATH_END, and where it begins."""
    buffer = bytearray(BUFFER_BYTES)
    start = PATH_END - len(path)
    buffer[start:PATH_END] = path
    return buffer, start


def name_buffer(name: bytes) -> tuple[bytearray, int]:
    """A buffer with the last component of a path, and its length."""
    buffer = bytearray(BUFFER_BYTES)
    buffer[NAME_AT : NAME_AT + len(name)] = name
    return buffer, len(name)
