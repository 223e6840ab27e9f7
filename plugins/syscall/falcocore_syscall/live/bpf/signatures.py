"""What the verifier is told of a program's functions, so that it looks at each global one by itself.

Without that it follows every call anew, which takes a large program beyond its limits. Types are written here
as BTF (Documentation/bpf/btf.rst of the kernel): all that it needs to know is how many numbers a function
takes, whatever the object says of them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_MAGIC, _VERSION = 0xEB9F, 1
_INT, _FUNC, _FUNC_PROTO = 1, 12, 13
_NUMBER_ID, _FIRST_ID = 1, 2
_NUMBER_BITS = 64


@dataclass(frozen=True, slots=True)
class Signature:
    """A function of a linked program. `at` is its first instruction."""

    name: str
    at: int
    parameters: int
    is_global: bool


def function_types(signatures: Sequence[Signature]) -> bytes:
    """The BTF of functions; the type of the first is `type_of(0)`."""
    strings = bytearray(b"\0")

    def named(text: str) -> int:
        at = len(strings)
        strings.extend(text.encode() + b"\0")
        return at

    parameter, number = named("a"), named("number")
    types = bytearray(struct.pack("<IIII", number, _INT << 24, _NUMBER_BITS // 8, _NUMBER_BITS))
    for place, one in enumerate(signatures):
        prototype = type_of(place) - 1
        types += struct.pack("<III", 0, _FUNC_PROTO << 24 | one.parameters, _NUMBER_ID)
        types += struct.pack("<II", parameter, _NUMBER_ID) * one.parameters
        types += struct.pack("<III", named(one.name), _FUNC << 24 | int(one.is_global), prototype)
    head = struct.pack("<HBBIIIII", _MAGIC, _VERSION, 0, 24, 0, len(types), len(types), len(strings))
    return head + bytes(types) + bytes(strings)


def type_of(place: int) -> int:
    """The id of a function's type by its place among all."""
    return _FIRST_ID + 2 * place + 1


def function_info(signatures: Sequence[Signature]) -> bytes:
    """Which function begins at which instruction, as the kernel takes it: 8 bytes for each."""
    return b"".join(struct.pack("<II", one.at, type_of(place)) for place, one in enumerate(signatures))
