"""Putting programs together from an object's functions, without a kernel."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.bpf.elf import Elf
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.instructions import CALL, LOAD_64
from falcocore_syscall.live.bpf.object import BpfObject
from falcocore_syscall.live.bpf.program import Addresses, Linker, functions
from falcocore_syscall.live.bpf.relocation import Resolver
from tests.support.bpf_objects import compiled, types_of
from tests.support.bpf_sources import LINKED

EXIT = bytes.fromhex("9500000000000000")
SEVEN = bytes.fromhex("b700000007000000") + EXIT
POISON = 195_896_080


def linked(program: str, source: str = LINKED, **replacements: bytes) -> list[tuple[int, int, int]]:
    """Operation, source register and constant of each instruction of a linked program."""
    elf, types = Elf(compiled(source)), types_of(source)
    places = {
        (symbol.section, symbol.value): number
        for number, symbol in enumerate(elf.symbols)
        if elf.sections[symbol.section].name == ".maps" and symbol.name
    }
    data = {section.index: 1000 for section in elf.sections if section.name == ".data"}
    addresses = Addresses(places, data, {"bpf_there": 77}.get)
    linker = Linker(elf, {}, Resolver(types, types), addresses, replacements)
    code = linker.link(next(one for one in functions(elf) if one.name == program)).code
    return [(one[0], one[1] >> 4, one[3]) for one in struct.iter_unpack("<BBhi", code)]


def size(function: str) -> int:
    """In instructions."""
    return next(one.size // 8 for one in functions(Elf(compiled(LINKED))) if one.name == function)


def called(code: list[tuple[int, int, int]]) -> list[int]:
    """Where calls of other functions go, as numbers of instructions."""
    return [at + 1 + one[2] for at, one in enumerate(code) if one[:2] == (CALL, 1)]


def test_what_is_called_is_linked_once_and_nothing_else() -> None:
    code = linked("calling")
    own, outer, inner, beside = (size(name) for name in ("calling", "outer", "inner", "beside"))
    assert len(code) == own + outer + inner + beside
    targets = called(code)
    starts = sorted(set(targets))
    assert len(targets) == 4
    assert len(starts) == 3
    assert all(code[start - 1][0] == EXIT[0] for start in starts)
    assert len(linked("sharing")) == size("sharing") + inner


def test_a_replaced_function() -> None:
    code = linked("calling", outer=SEVEN)
    assert len(code) == size("calling") + len(SEVEN) // 8 + size("beside")
    assert (0xB7, 0, 7) in code


def test_maps_are_told_apart() -> None:
    loads = [one for one in linked("mapping") if one[0] == LOAD_64]
    assert len({constant for _, _, constant in loads}) == 2
    assert {source for _, source, _ in loads} == {1}


def test_variables_are_places_in_their_section() -> None:
    code = linked("reading")
    found = {(one[1], one[2], code[at + 1][2]) for at, one in enumerate(code) if one[0] == LOAD_64}
    assert found == {(2, 1000, 0), (2, 1000, 8)}


def test_functions_of_the_kernel() -> None:
    code = linked("asking")
    assert [one for one in code if one[0] == CALL] == [(CALL, 0, POISON), (CALL, 2, 77)]
    assert [one[1:] for one in code if one[0] == LOAD_64] == [(0, 0), (0, 1)]


def test_tracepoints() -> None:
    found = {one.name: one.tracepoint for one in functions(Elf(compiled(LINKED)))}
    assert found == {
        **dict.fromkeys(("inner", "outer", "never", "beside")),
        **dict.fromkeys(("calling", "sharing"), "own"),
        "mapping": "maps",
        "reading": "data",
        "asking": "kernel",
    }


def test_programs_that_follow_the_end_of_a_function() -> None:
    source = 'SEC("fexit/vfs_open") int ending(u64 *c) { return 0; } NOINLINE int other(void) { return 1; }'
    found = {
        one.name: (one.ending, one.tracepoint, one.is_program) for one in functions(Elf(compiled(source)))
    }
    assert found == {"ending": ("vfs_open", None, True), "other": (None, None, False)}


STRONG = 'extern void *bpf_strong(void *) __attribute__((section(".ksyms")));'


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            STRONG + 'SEC("tp_btf/a") int main_(u64 *c) { return bpf_strong(c) != 0; }',
            "the kernel has no function bpf_strong",
        ),
        (
            "static NOINLINE u64 f(void *n) { return 3; }"
            'SEC("tp_btf/a") int main_(u64 *c) { u64 (*volatile at)(void *) = f; return (u64)at; }',
            "takes an address in .text",
        ),
        ('SEC("kprobe/x") int main_(u64 *c) { return 0; }', "section kprobe/x has programs"),
        ('SEC("fexit/") int main_(u64 *c) { return 0; }', "section fexit/ has programs"),
        ('SEC("tp_btf/") int main_(u64 *c) { return 0; }', "section tp_btf/ has programs"),
    ],
)
def test_what_cannot_be_linked(source: str, message: str) -> None:
    with pytest.raises(BpfError, match=message):
        linked("main_", source)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ('struct { __uint(type, 99); } strange SEC(".maps");', (), "map strange is of type 99"),
        (
            'struct { __uint(colour, 9); } strange SEC(".maps");',
            (),
            "'colour', which the loader does not know",
        ),
        ("int x; int *pointer = &x;", (), "section .data has addresses as values"),
        ("int x;", ("-g0",), "section .BTF"),
    ],
)
def test_objects_that_cannot_be_used(source: str, options: tuple[str, ...], message: str) -> None:
    with pytest.raises(BpfError, match=message):
        BpfObject.open(compiled(source, *options))


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("nothing", EXIT, "no function nothing"),
        ("calling", EXIT, "calling is a program"),
        ("outer", EXIT[:-1], "whole instructions"),
        ("outer", b"", "whole instructions"),
    ],
)
def test_what_cannot_be_replaced(name: str, code: bytes, message: str) -> None:
    with pytest.raises(BpfError, match=message):
        BpfObject.open(compiled(LINKED)).replace(name, code)


def test_variables_before_loading() -> None:
    opened = BpfObject.open(compiled(LINKED))
    variable = opened.variables["second_variable"]
    assert variable.read() == struct.pack("<Q", 2)
    variable.write(struct.pack("<Q", 9))
    assert variable.read() == struct.pack("<Q", 9)
    assert opened.variables["first_variable"].read() == struct.pack("<Q", 1)
    with pytest.raises(BpfError, match="has 8 bytes, not 4"):
        variable.write(bytes(4))
