"""BTF, the kernel's and an object's own: types by name, what they are made of, and how large they are.

The format is described in the kernel's Documentation/bpf/btf.rst. A kernel has more than 100,000 types, so
that nothing is made of one until it is asked for: there are only arrays of where each is, of its kind and
of its name.
"""

from __future__ import annotations

import enum
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from falcocore_syscall.live.bpf.errors import BpfError

KERNEL_BTF = Path("/sys/kernel/btf/vmlinux")
POINTER_BYTES = 8
_MAGIC = 0xEB9F
_HEADER = struct.Struct("<HBBIIIII")
_MOST_DEPTH = 32
"""How many types may stand between a name and what it is; more are a circle in a damaged object."""


class Kind(enum.IntEnum):
    """What a type is; the numbers of the format."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


COMPOSITES = frozenset({Kind.STRUCT, Kind.UNION})
ENUMS = frozenset({Kind.ENUM, Kind.ENUM64})
_ALIASES = frozenset({Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG})
_NAMED = COMPOSITES | ENUMS | {Kind.TYPEDEF, Kind.INT, Kind.FWD, Kind.FLOAT, Kind.DATASEC}
"""Kinds that are looked up by name so often that an index is worth its memory."""
_FIXED_WORDS = {Kind.INT: 1, Kind.ARRAY: 3, Kind.VAR: 1, Kind.DECL_TAG: 1}
_WORDS_EACH = {
    **dict.fromkeys((Kind.STRUCT, Kind.UNION, Kind.DATASEC, Kind.ENUM64), 3),
    **dict.fromkeys((Kind.ENUM, Kind.FUNC_PROTO), 2),
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a structure or union; `bits` is 0 for what is not a bit field."""

    name: str
    type: int
    offset_bits: int
    bits: int


class Btf:
    """The types of one BTF section or file. Type 0 is void."""

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEADER.size:
            raise BpfError("the type information (BTF) is cut off")
        magic, _, _, header_bytes, types, types_bytes, names, names_bytes = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise BpfError("the type information (BTF) is not little-endian BTF")
        types, names = types + header_bytes, names + header_bytes
        if types % 4 or types_bytes % 4 or max(types + types_bytes, names + names_bytes) > len(data):
            raise BpfError("the type information (BTF) is cut off")
        self._strings = data[names : names + names_bytes]
        self._words = memoryview(data)[types : types + types_bytes].cast("I")
        self._at = array("I", [0])
        self._names = array("I", [0])
        self.kinds = bytearray([Kind.VOID])
        try:
            self._walk()
        except IndexError:
            raise BpfError("the type information (BTF) is cut off within a type") from None

    @classmethod
    def of_kernel(cls, path: Path = KERNEL_BTF) -> Btf:
        """The running kernel's types."""
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise BpfError(
                f"reading the kernel's types from {path}",
                errno=error.errno,
                hint="The kernel has to be built with CONFIG_DEBUG_INFO_BTF=y.",
            ) from None

    def _walk(self) -> None:
        fixed = [_FIXED_WORDS.get(Kind(kind), 0) if kind < len(Kind) else 0 for kind in range(32)]
        each = [_WORDS_EACH.get(Kind(kind), 0) if kind < len(Kind) else 0 for kind in range(32)]
        words, end, position = self._words, len(self._words), 0
        add_position, add_name, add_kind = self._at.append, self._names.append, self.kinds.append
        while position < end:
            info = words[position + 1]
            kind = info >> 24 & 31
            add_position(position)
            add_name(words[position])
            add_kind(kind)
            position += 3 + fixed[kind] + (info & 0xFFFF) * each[kind]
        if position != end:
            raise IndexError
        if max(self.kinds) >= len(Kind):
            raise BpfError(f"the type information (BTF) has an unknown kind of types: {max(self.kinds)}")

    def __len__(self) -> int:
        return len(self._at)

    def _position(self, number: int) -> int:
        if not 0 < number < len(self._at):
            raise BpfError(f"the type information (BTF) has no type number {number}")
        return self._at[number]

    def kind(self, number: int) -> Kind:
        """What a type is."""
        if number:
            self._position(number)
        return Kind(self.kinds[number])

    def text(self, offset: int) -> str:
        """The string at an offset of the section of strings; other sections refer to them as well."""
        end = self._strings.find(b"\0", offset)
        if end < 0 or offset < 0:
            raise BpfError("the type information (BTF) has a name outside of its strings")
        return self._strings[offset:end].decode(errors="replace")

    def name(self, number: int) -> str:
        """A type's name, empty where it has none."""
        return self.text(self._names[number]) if 0 <= number < len(self._names) else ""

    def _count(self, number: int) -> int:
        return self._words[self._position(number) + 1] & 0xFFFF

    def flag(self, number: int) -> bool:
        """The bit whose sense depends on the kind: bit fields in a structure, signed values in an enum."""
        return bool(self._words[self._position(number) + 1] >> 31)

    def target(self, number: int) -> int:
        """The type that a pointer, alias, variable or function refers to."""
        return self._words[self._position(number) + 2]

    def resolve(self, number: int) -> int:
        """What a type is behind its typedefs and qualifiers."""
        for _ in range(_MOST_DEPTH):
            if self.kind(number) not in _ALIASES:
                return number
            number = self.target(number)
        raise BpfError("the type information (BTF) has a type that refers to itself")

    def array(self, number: int) -> tuple[int, int]:
        """Type and number of an array's elements."""
        position = self._position(number)
        return self._words[position + 3], self._words[position + 5]

    def size(self, number: int) -> int:
        """In bytes; 0 for what has none, as void and functions."""
        factor = 1
        for _ in range(_MOST_DEPTH):
            number = self.resolve(number)
            match self.kind(number):
                case Kind.PTR:
                    return factor * POINTER_BYTES
                case Kind.ARRAY:
                    number, count = self.array(number)
                    factor *= count
                case Kind.INT | Kind.FLOAT | Kind.STRUCT | Kind.UNION | Kind.ENUM | Kind.ENUM64:
                    return factor * self._words[self._position(number) + 2]
                case _:
                    return 0
        raise BpfError("the type information (BTF) has an array of itself")

    def is_signed(self, number: int) -> bool:
        """Whether an integer or enum can be negative."""
        number = self.resolve(number)
        if self.kind(number) is Kind.INT:
            return bool(self._words[self._position(number) + 3] >> 24 & 1)
        return self.kind(number) in ENUMS and self.flag(number)

    def is_bit_integer(self, number: int) -> bool:
        """Whether it is an integer that begins within a byte: how old compilers wrote bit fields."""
        return bool(self._words[self._position(number) + 3] >> 16 & 0xFF)

    def members(self, number: int) -> Iterator[Member]:
        """Those of a structure or union in order, anonymous ones with an empty name."""
        if self.kind(number) not in COMPOSITES:
            return
        words, position, split = self._words, self._position(number), self.flag(number)
        for at in range(position + 3, position + 3 + 3 * self._count(number), 3):
            offset = words[at + 2]
            bits = offset >> 24 if split else 0
            yield Member(self.text(words[at]), words[at + 1], offset & 0xFFFFFF if split else offset, bits)

    def parameters(self, number: int) -> list[int]:
        """Types of the parameters of a function's prototype."""
        position = self._position(number)
        return [self._words[position + 4 + 2 * each] for each in range(self._count(number))]

    def enumerators(self, number: int) -> Iterator[tuple[str, int]]:
        """Names and values of an enum, the values as 64-bit two's complement where they are negative."""
        wide, position, signed = self.kind(number) is Kind.ENUM64, self._position(number), self.flag(number)
        for each in range(self._count(number)):
            at = position + 3 + each * (3 if wide else 2)
            value = self._words[at + 1]
            if wide:
                value |= self._words[at + 2] << 32
            elif signed and value >> 31:
                value |= 0xFFFFFFFF << 32
            yield self.text(self._words[at]), value

    def section(self, number: int) -> Iterator[tuple[int, int]]:
        """Types (variables or functions) of a section of data, and where in it they are."""
        position = self._position(number)
        for at in range(position + 3, position + 3 + 3 * self._count(number), 3):
            yield self._words[at], self._words[at + 1]

    def _string(self, name: str) -> int:
        """Where a string is, 0 for none. BTF has each string once, and no string within another's tail."""
        return self._strings.find(b"\0" + name.encode() + b"\0") + 1

    @cached_property
    def _index(self) -> tuple[dict[int, int], dict[int, list[int]]]:
        """By the place of the name: the first type of it, and the few others of the same name."""
        first: dict[int, int] = {}
        others: dict[int, list[int]] = {}
        for number, (name, kind) in enumerate(zip(self._names, self.kinds, strict=True)):
            if name and kind in _NAMED and first.setdefault(name, number) != number:
                others.setdefault(name, []).append(number)
        return first, others

    def find(self, name: str, *kinds: Kind) -> list[int]:
        """All types of a name and of one of some kinds; not functions."""
        first, others = self._index
        at = self._string(name)
        if not at or at not in first:
            return []
        return [number for number in (first[at], *others.get(at, ())) if self.kinds[number] in kinds]

    def find_function(self, name: str) -> int | None:
        """A function by name. There are too many for an index, and few are asked for."""
        at = self._string(name)
        if not at:
            return None
        wanted, names, found = array("I", [at]).tobytes(), memoryview(self._names).cast("B").tobytes(), -1
        while (found := names.find(wanted, found + 1)) >= 0:
            if not found % 4 and self.kinds[found // 4] == Kind.FUNC:
                return found // 4
        return None
