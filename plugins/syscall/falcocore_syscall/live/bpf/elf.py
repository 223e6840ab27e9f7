"""A relocatable eBPF object: sections, symbols and relocations of a little-endian ELF64 file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from falcocore_syscall.live.bpf.errors import BpfError

MOST_SECTION_BYTES = 64 << 20
"""A longer section of zeros, which needs no bytes in the file, is taken for damage."""
MACHINE_BPF = 247
RELOCATABLE = 1
EXECUTABLE_FLAG = 4
_IDENTITY = b"\x7fELF\x02\x01\x01"
"""Magic number, 64 bits, little-endian, version 1."""
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQ")


class SectionType(IntEnum):
    """Those types of sections that matter here."""

    DATA = 1
    SYMBOLS = 2
    ZEROS = 8
    RELOCATIONS = 9


class SymbolKind(IntEnum):
    """What a symbol stands for."""

    NONE = 0
    OBJECT = 1
    FUNCTION = 2
    SECTION = 3


@dataclass(frozen=True, slots=True)
class Section:
    """One section; `link` and `info` depend on its type."""

    index: int
    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int

    @property
    def is_code(self) -> bool:
        """Whether it holds instructions."""
        return self.type == SectionType.DATA and bool(self.flags & EXECUTABLE_FLAG)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name for a place in a section; `section` 0 means that something else has to provide it."""

    name: str
    kind: int
    section: int
    value: int
    size: int
    is_local: bool
    is_weak: bool


@dataclass(frozen=True, slots=True)
class Relocation:
    """A place in a section where the address of a symbol belongs."""

    offset: int
    symbol: Symbol


class Elf:
    """The tables of an object; every offset in them is checked against the file."""

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEADER.size or not data.startswith(_IDENTITY):
            raise BpfError("the object is not a 64-bit little-endian ELF file")
        self._data = data
        header = _HEADER.unpack_from(data)
        kind, machine, table, entry_bytes, count, names = (header[i] for i in (1, 2, 6, 11, 12, 13))
        if machine != MACHINE_BPF or kind != RELOCATABLE:
            raise BpfError("the object is an ELF file, but not a relocatable eBPF object")
        if entry_bytes != _SECTION.size or not count or names >= count:
            raise BpfError("the object's table of sections is damaged")
        raw = list(_SECTION.iter_unpack(self._slice(table, count * _SECTION.size, "table of sections")))
        strings = self._slice(raw[names][4], raw[names][5], "names of sections")
        self.sections = [
            Section(index, _text(strings, one[0]), one[1], one[2], one[4], one[5], one[6], one[7])
            for index, one in enumerate(raw)
        ]
        self.symbols = list(self._symbols())

    def _slice(self, offset: int, size: int, what: str) -> bytes:
        if offset + size > len(self._data):
            raise BpfError(f"the object is cut off: its {what} should end at byte {offset + size}")
        return self._data[offset : offset + size]

    def find(self, name: str) -> Section | None:
        """The first section of a name."""
        return next((section for section in self.sections if section.name == name), None)

    def body(self, section: Section) -> bytes:
        """The contents of a section."""
        if section.type != SectionType.ZEROS:
            return self._slice(section.offset, section.size, f"section {section.name}")
        if section.size > MOST_SECTION_BYTES:
            raise BpfError(f"the object is damaged: its section {section.name} has {section.size} bytes")
        return bytes(section.size)

    def _symbols(self) -> Iterator[Symbol]:
        table = next((section for section in self.sections if section.type == SectionType.SYMBOLS), None)
        if table is None:
            raise BpfError("the object has no table of symbols")
        if table.link >= len(self.sections) or table.size % _SYMBOL.size:
            raise BpfError("the object's table of symbols is damaged")
        strings = self.body(self.sections[table.link])
        for name, info, _, section, value, size in _SYMBOL.iter_unpack(self.body(table)):
            kind, binding = info & 15, info >> 4
            # The highest numbers stand for no section; here such a symbol is as one of nowhere.
            place = section if section < len(self.sections) else 0
            yield Symbol(_text(strings, name), kind, place, value, size, binding == 0, binding == 2)

    def relocations(self, section: Section) -> Iterator[Relocation]:
        """The relocations of a section, in the order of the file."""
        for table in self.sections:
            if table.type != SectionType.RELOCATIONS or table.info != section.index:
                continue
            if table.size % _RELOCATION.size:
                raise BpfError(f"the object's relocations of section {section.name} are damaged")
            for offset, info in _RELOCATION.iter_unpack(self.body(table)):
                if info >> 32 >= len(self.symbols):
                    raise BpfError(f"a relocation of section {section.name} names a symbol that is not there")
                yield Relocation(offset, self.symbols[info >> 32])


def _text(strings: bytes, offset: int) -> str:
    end = strings.find(b"\0", offset)
    if end < 0:
        raise BpfError("the object is damaged: a name is outside of its table of strings")
    return strings[offset:end].decode(errors="replace")
