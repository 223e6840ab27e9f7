"""An eBPF object from its bytes to programs that run in the kernel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import Self

from falcocore_syscall.live.bpf import calls
from falcocore_syscall.live.bpf.btf import Btf, Kind
from falcocore_syscall.live.bpf.elf import Elf
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.instructions import INSTRUCTION_BYTES
from falcocore_syscall.live.bpf.maps import MAPS_SECTION, Map, defined_maps
from falcocore_syscall.live.bpf.program import Addresses, Function, Linked, Linker, Place, functions
from falcocore_syscall.live.bpf.relocation import CoreRelocation, Resolver, core_relocations
from falcocore_syscall.live.bpf.signatures import Signature, function_info, function_types
from falcocore_syscall.live.bpf.variables import DataSection, Variable, data_sections, variables

_TRACEPOINT_PREFIX = "btf_trace_"
"""The kernel has a type of this name and the tracepoint's for each tracepoint."""


class BpfObject:
    """Maps, variables and programs of one object.

    Nothing is pinned: all that is in the kernel is held by file descriptors of this process, so that it is
    gone with them, whichever way the process ends.
    """

    def __init__(
        self, elf: Elf, local: Btf, core: dict[str, list[CoreRelocation]], kernel: Btf | None
    ) -> None:
        self._elf: Elf | None = elf
        self._local: Btf | None = local
        self._core = core
        self._kernel = kernel
        self._license = _license(elf)
        self._map_places = _map_places(elf)
        self._data: dict[int, DataSection] = data_sections(elf)
        self._functions = functions(elf)
        self._replacements: dict[str, bytes] = {}
        self._programs: dict[str, int] = {}
        self._links: list[int] = []
        self.maps: Mapping[str, Map] = defined_maps(local)
        self.variables: Mapping[str, Variable] = variables(elf, self._data)
        self.left_out: tuple[str, ...] = ()
        """Names of the programs that this kernel has no place for; all known after attaching."""

    @classmethod
    def open(cls, data: bytes, kernel: Btf | None = None) -> Self:
        """Read an object; raises `BpfError` for one that can't be used. `kernel` are the running kernel's
        types where the caller has them already."""
        elf = Elf(data)
        section = elf.find(".BTF")
        if section is None:
            raise BpfError(
                "the object has no type information (section .BTF)",
                hint="It has to be compiled by clang with -g and -target bpf.",
            )
        local = Btf(elf.body(section))
        extension = elf.find(".BTF.ext")
        core = core_relocations(elf.body(extension), local) if extension else {}
        return cls(elf, local, core, kernel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def program_names(self) -> list[str]:
        """Names of the object's programs, loaded or not."""
        return [function.name for function in self._functions if function.is_program]

    def replace(self, function: str, code: bytes) -> None:
        """Have other bytecode in place of a function's. It gets the same arguments and refers to nothing."""
        known = {one.name: one for one in self._functions}
        if function not in known:
            raise BpfError(f"the object has no function {function} to be replaced")
        if known[function].is_program:
            raise BpfError(f"{function} is a program; only functions that programs call can be replaced")
        if not code or len(code) % INSTRUCTION_BYTES:
            raise BpfError(f"the code in place of {function} does not consist of whole instructions")
        self._replacements[function] = bytes(code)

    def load(self, shared: Mapping[str, Map] | None = None) -> None:
        """Create maps and have the kernel verify the programs; an object is loaded once.

        `shared` are maps of another loaded object that this one uses in place of its own, by name: so one set
        of programs can take over from another. What was read for loading is let go.
        """
        elf, local = self._elf, self._local
        if elf is None or local is None:
            raise BpfError("the object is already loaded or closed")
        self._elf = self._local = None
        try:
            self._create_maps(shared or {})
            self._load_programs(elf, local, self._kernel or Btf.of_kernel())
        except BaseException:
            self.close()
            raise
        finally:
            self._kernel = None
            self._core = {}

    def _create_maps(self, shared: Mapping[str, Map]) -> None:
        calls.raise_memory_limit()
        for name, one in self.maps.items():
            if name in shared:
                one.share(shared[name])
            else:
                one.create()
        for section in self._data.values():
            section.create()

    def _load_programs(self, elf: Elf, local: Btf, kernel: Btf) -> None:
        addresses = Addresses(
            {place: self.maps[name].fd for place, name in self._map_places.items() if name in self.maps},
            {index: section.map.fd for index, section in self._data.items()},
            cache(kernel.find_function),
        )
        linker = Linker(elf, self._core, Resolver(local, kernel), addresses, self._replacements)
        for function in self._functions:
            if not function.is_program:
                continue
            started_by = _started_by(function, kernel)
            if started_by is None:
                self._leave_out(function.name)
                continue
            try:
                self._load_program(linker.link(function), function, started_by, local)
            except BpfError:
                if function.ending is None:
                    raise
                self._leave_out(function.name)

    def _leave_out(self, name: str) -> None:
        self.left_out = *self.left_out, name

    def _load_program(self, linked: Linked, function: Function, started_by: int, local: Btf) -> None:
        signatures = [
            Signature(one.name, at, _parameters(local, one.name), one.is_global and not one.is_program)
            for one, at in linked.functions
        ]
        types = calls.load_types(function_types(signatures))
        attachment = calls.Attachment.TRACEPOINT if function.ending is None else calls.Attachment.END
        try:
            self._programs[function.name] = calls.load_program(
                linked.code,
                function.name,
                self._license,
                started_by,
                types,
                function_info(signatures),
                attachment,
            )
        finally:
            os.close(types)

    def attach(self) -> tuple[str, ...]:
        """Have the programs run from now on; the names of those that this kernel has no place for.

        Tracepoints that it has can be followed. The ends of its functions can on some machines only, and not
        of all functions: a program for these is left out where the kernel refuses it.
        """
        if self._links:
            raise BpfError("the programs are already attached")
        optional = {function.name for function in self._functions if function.ending is not None}
        try:
            for name, fd in self._programs.items():
                try:
                    self._links.append(calls.open_raw_tracepoint(fd, name))
                except BpfError:
                    if name not in optional:
                        raise
                    self._leave_out(name)
        except BpfError:
            self.detach()
            raise
        return self.left_out

    def detach(self) -> None:
        """Stop the programs; maps and what they hold stay."""
        calls.close(self._links)

    def info(self, program: str) -> calls.ProgramInfo:
        """What the kernel says of a loaded program."""
        if program not in self._programs:
            raise BpfError(f"program {program} is not loaded")
        return calls.program_info(self._programs[program])

    def close(self) -> None:
        """Let go of everything in the kernel. Variables keep the values that they had last."""
        self.detach()
        while self._programs:
            os.close(self._programs.popitem()[1])
        for section in self._data.values():
            section.close()
        for one in self.maps.values():
            one.close()


def _started_by(function: Function, kernel: Btf) -> int | None:
    """The kernel's type of what a program is started by; None where it has no such thing."""
    if function.ending is not None:
        return kernel.find_function(function.ending)
    types = kernel.find(f"{_TRACEPOINT_PREFIX}{function.tracepoint}", Kind.TYPEDEF)
    return types[0] if types else None


def _parameters(local: Btf, name: str) -> int:
    """How many parameters the object says that a function has."""
    found = local.find_function(name)
    return 1 if found is None else len(local.parameters(local.target(found)))


def _license(elf: Elf) -> str:
    section = elf.find("license")
    if section is None:
        raise BpfError("the object does not say its license (section license)")
    return elf.body(section).split(b"\0")[0].decode(errors="replace")


def _map_places(elf: Elf) -> dict[Place, str]:
    """Names of maps by where they are in the object."""
    section = elf.find(MAPS_SECTION)
    if section is None:
        return {}
    return {
        (section.index, symbol.value): symbol.name
        for symbol in elf.symbols
        if symbol.section == section.index and symbol.name
    }
