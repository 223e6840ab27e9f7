"""Putting a program together: its function and those that it calls, with everything in them relocated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from falcocore_syscall.live.bpf.elf import Elf, Section, Symbol, SymbolKind
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.instructions import CALL, INSTRUCTION_BYTES, LOAD_64, Code, Source
from falcocore_syscall.live.bpf.relocation import CoreRelocation, Resolver

TEXT_SECTION = ".text"
TRACEPOINT_PREFIX, EXIT_PREFIX = "tp_btf/", "fexit/"
"""Of names of sections: their programs follow a tracepoint, or run when a function of the kernel ends."""

Place = tuple[int, int]
"""Where a function begins: number of its section, byte in it."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the object. The kernel starts it at a tracepoint, or at the end of one of its own
    functions, whose name is `ending`; what has neither is called by other functions of the object."""

    name: str
    place: Place
    size: int
    tracepoint: str | None
    is_global: bool
    ending: str | None = None

    @property
    def is_program(self) -> bool:
        """True for what the kernel starts."""
        return self.tracepoint is not None or self.ending is not None


@dataclass(frozen=True, slots=True)
class Linked:
    """A whole program: its instructions, and where in them each function begins (in instructions)."""

    code: bytes
    functions: Sequence[tuple[Function, int]]


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the code of an object may refer to, as file descriptors."""

    maps: Mapping[Place, int]
    data: Mapping[int, int]
    """By number of the section."""
    kernel_function: Callable[[str], int | None]
    """The kernel's id of a function by its name."""


def functions(elf: Elf) -> list[Function]:
    """All functions of the object, in its order."""
    found = []
    for symbol in elf.symbols:
        section = elf.sections[symbol.section]
        if symbol.kind != SymbolKind.FUNCTION or not section.is_code:
            continue
        if not symbol.size or symbol.value + symbol.size > section.size:
            raise BpfError(f"the object is damaged: function {symbol.name} ends behind its section")
        tracepoint, ending = (None, None) if symbol.is_local else _started_by(section)
        place = section.index, symbol.value
        found.append(Function(symbol.name, place, symbol.size, tracepoint, not symbol.is_local, ending))
    return found


def _started_by(section: Section) -> tuple[str | None, str | None]:
    """The tracepoint, or the function of the kernel whose end starts what is in a section."""
    name = section.name.removeprefix("?")
    if name == TEXT_SECTION:
        return None, None
    if name.startswith(TRACEPOINT_PREFIX) and name != TRACEPOINT_PREFIX:
        return name.removeprefix(TRACEPOINT_PREFIX), None
    if name.startswith(EXIT_PREFIX) and name != EXIT_PREFIX:
        return None, name.removeprefix(EXIT_PREFIX)
    known = f"{TRACEPOINT_PREFIX}NAME and {EXIT_PREFIX}NAME"
    raise BpfError(f"section {section.name} has programs; the loader knows {known} alone")


class Linker:
    """Makes the bytes of programs. `replacements` are bodies of functions by name: final bytecode."""

    def __init__(
        self,
        elf: Elf,
        core: Mapping[str, list[CoreRelocation]],
        resolver: Resolver,
        addresses: Addresses,
        replacements: Mapping[str, bytes],
    ) -> None:
        self._elf = elf
        self._core = core
        self._resolver = resolver
        self._addresses = addresses
        self._replacements = replacements
        self._functions = {function.place: function for function in functions(elf)}
        self._related = {
            section.index: list(elf.relocations(section)) for section in elf.sections if section.is_code
        }

    def link(self, program: Function) -> Linked:
        """A whole program. What isn't called from it is not in it, as the verifier refuses such code."""
        linked = bytearray()
        starts: dict[Place, int] = {}
        waiting, calls = [program], []
        while waiting:
            function = waiting.pop(0)
            if function.place in starts:
                continue
            starts[function.place] = len(linked)
            code, called = self._relocated(function)
            for at, place in called.items():
                if place not in self._functions:
                    raise BpfError(f"{function.name} calls what is no function, at byte {at}")
                calls.append((len(linked) + at, place))
                waiting.append(self._functions[place])
            linked += code.bytes
        whole = Code(bytes(linked), program.name)
        for at, place in calls:
            distance = (starts[place] - at) // INSTRUCTION_BYTES - 1
            whole.set_constant(at, distance, source=Source.SUBPROGRAM)
        begins = [(self._functions[place], at // INSTRUCTION_BYTES) for place, at in starts.items()]
        return Linked(bytes(whole.bytes), begins)

    def _relocated(self, function: Function) -> tuple[Code, dict[int, Place]]:
        """A function's code, and the functions that it calls, by the byte of the call."""
        if function.name in self._replacements:
            return Code(self._replacements[function.name], function.name), {}
        number, start = function.place
        section = self._elf.sections[number]
        end = start + function.size
        code = Code(self._elf.body(section)[start:end], function.name)
        called = _calls_within(code, number, start)
        for relocation in self._related[number]:
            if start <= relocation.offset < end:
                at = relocation.offset - start
                called.pop(at, None)
                place = self._refer(code, at, relocation.symbol)
                if place is not None:
                    called[at] = place
        for asked in self._core.get(section.name, ()):
            if start <= asked.offset < end:
                moved = CoreRelocation(asked.offset - start, asked.type, asked.access, asked.asked)
                self._resolver.relocate(code, moved)
        return code, called

    def _refer(self, code: Code, at: int, symbol: Symbol) -> Place | None:
        """Fill in the address of a symbol, or say which function is called."""
        operation = code.operation(at)
        if operation not in (CALL, LOAD_64):
            raise BpfError(f"the code of {code.name} refers to {symbol.name} in a way that is not known")
        if not symbol.section:
            self._refer_to_kernel(code, at, symbol, is_call=operation == CALL)
            return None
        if operation == CALL:
            return symbol.section, symbol.value + INSTRUCTION_BYTES * (1 + code.constant(at))
        offset = symbol.value + code.constant(at)
        if (fd := self._addresses.maps.get((symbol.section, offset))) is not None:
            code.set_constant(at, fd, source=Source.MAP)
        elif (fd := self._addresses.data.get(symbol.section)) is not None:
            code.set_constant(at, fd, high=offset, source=Source.MAP_VALUE)
        else:
            section = self._elf.sections[symbol.section].name
            raise BpfError(f"the code of {code.name} takes an address in {section}: {symbol.name}")
        return None

    def _refer_to_kernel(self, code: Code, at: int, symbol: Symbol, *, is_call: bool) -> None:
        """A function of the kernel. A weak one may be missing: its address is 0 then, a call refused."""
        number = self._addresses.kernel_function(symbol.name)
        if number is None and not symbol.is_weak:
            raise BpfError(f"the kernel has no function {symbol.name}, which {code.name} needs")
        if not is_call:
            # Programs only ask whether it is there. A constant tells the verifier which way they go.
            exists = number is not None
            code.set_constant(at, int(exists), high=0, source=Source.PLAIN)
        elif number is None:
            code.poison(at)
        else:
            code.set_constant(at, number, source=Source.KERNEL_FUNCTION)


def _calls_within(code: Code, section: int, start: int) -> dict[int, Place]:
    """Calls to which the compiler wrote no relocation, as caller and called are in one section."""
    called, at = {}, 0
    while at < len(code.bytes):
        operation = code.operation(at)
        if operation == CALL and code.source(at) == Source.SUBPROGRAM:
            called[at] = (section, start + at + INSTRUCTION_BYTES * (1 + code.constant(at)))
        at += INSTRUCTION_BYTES * (2 if operation == LOAD_64 else 1)
    return called
