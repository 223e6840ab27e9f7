"""Global variables of an object: sections of data, each of which is a map of one value in the kernel."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

from falcocore_syscall.live.bpf import calls
from falcocore_syscall.live.bpf.calls import MapFlag, MapType
from falcocore_syscall.live.bpf.elf import Elf, Section, SectionType, SymbolKind
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.maps import Map, index

_KINDS = (".rodata", ".data", ".bss")


class DataSection:
    """One section of data. Before loading it is bytes here, from then on memory shared with the programs."""

    def __init__(self, name: str, contents: bytes) -> None:
        self.is_constant = _kind_of(name) == ".rodata"
        flags = MapFlag.MAPPABLE | (MapFlag.READ_ONLY_PROGRAM if self.is_constant else 0)
        self.map = Map(name, MapType.ARRAY, 4, len(contents), 1, flags)
        self._contents = bytearray(contents)
        self._shared: mmap.mmap | None = None
        self._is_frozen = False

    def create(self) -> None:
        """Make the map with what has been written so far. Constants are frozen, so that the verifier may
        leave out code which they make unreachable."""
        self.map.create()
        self.map.update(index(0), bytes(self._contents))
        if self.is_constant:
            calls.freeze(self.map.fd, self.map.name)
            self._is_frozen = True
        else:
            self._map_in()

    def _map_in(self) -> None:
        pages = -(-len(self._contents) // mmap.PAGESIZE) * mmap.PAGESIZE
        try:
            self._shared = mmap.mmap(self.map.fd, pages)
        except OSError as error:
            raise BpfError(f"mapping variables in {self.map.name}", errno=error.errno) from None

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the section as they are now."""
        return bytes((self._shared or self._contents)[offset : offset + size])

    def write(self, offset: int, data: bytes) -> None:
        """Change bytes of the section; numbers of up to eight bytes change at once for the programs."""
        if self._is_frozen:
            raise BpfError(f"the constants of {self.map.name} can't be changed after loading")
        (self._shared or self._contents)[offset : offset + len(data)] = data

    def close(self) -> None:
        """Keep what was last in it for reading, and let the kernel's memory go."""
        if self._shared is not None:
            self._contents[:] = self._shared[: len(self._contents)]
            self._shared.close()
            self._shared = None
        self.map.close()


@dataclass(frozen=True, slots=True)
class Variable:
    """A named part of a section of data."""

    name: str
    size: int
    _section: DataSection
    _offset: int

    def read(self) -> bytes:
        """Its present value: the initial one before loading, what programs made of it after."""
        return self._section.read(self._offset, self.size)

    def write(self, value: bytes) -> None:
        """Set it, before or after loading; a constant (`const volatile`) only before."""
        if len(value) != self.size:
            raise BpfError(f"variable {self.name} has {self.size} bytes, not {len(value)}")
        self._section.write(self._offset, value)


def _kind_of(name: str) -> str | None:
    """Which sort of data a section holds: `.rodata.str1.1` is as `.rodata`."""
    return next((kind for kind in _KINDS if name == kind or name.startswith(f"{kind}.")), None)


def is_data(section: Section) -> bool:
    """Whether a section holds global variables."""
    return _kind_of(section.name) is not None and section.type in (SectionType.DATA, SectionType.ZEROS)


def data_sections(elf: Elf) -> dict[int, DataSection]:
    """The sections of data of an object, by number."""
    found = {}
    for section in elf.sections:
        if not is_data(section) or not section.size:
            continue
        if next(elf.relocations(section), None):
            raise BpfError(f"section {section.name} has addresses as values, which the loader can't fill in")
        found[section.index] = DataSection(section.name, elf.body(section))
    return found


def variables(elf: Elf, sections: dict[int, DataSection]) -> dict[str, Variable]:
    """The variables in them, by name; of a local and a global one of the same name the global one."""
    found: dict[str, Variable] = {}
    for symbol in sorted(elf.symbols, key=lambda one: not one.is_local):
        section = sections.get(symbol.section)
        if section is None or symbol.kind != SymbolKind.OBJECT:
            continue
        if symbol.value + symbol.size > section.map.value_bytes:
            raise BpfError(f"the object is damaged: variable {symbol.name} ends behind its section")
        found[symbol.name] = Variable(symbol.name, symbol.size, section, symbol.value)
    return found
