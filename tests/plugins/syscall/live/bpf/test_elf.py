"""The tables of an object, and files that are none."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.bpf.elf import MOST_SECTION_BYTES, Elf, Section, SectionType, SymbolKind
from falcocore_syscall.live.bpf.errors import BpfError
from tests.support.bpf_objects import compiled

SOURCE = """
u32 counter = 5;
u64 zeros[3];
static NOINLINE u64 twice(u64 *n) { return *n * 2; }
SEC("tp_btf/sys_exit") int first(u64 *context) { zeros[1] = twice(context); return counter; }
SEC("tp_btf/sys_exit") int second(u64 *context) { return 0; }
"""


@pytest.fixture
def elf() -> Elf:
    return Elf(compiled(SOURCE))


def section(elf: Elf, name: str) -> Section:
    found = elf.find(name)
    assert found is not None
    return found


def test_sections(elf: Elf) -> None:
    assert elf.body(section(elf, ".data")) == struct.pack("<I", 5)
    assert elf.body(section(elf, ".bss")) == bytes(24)
    assert elf.body(section(elf, "license")) == b"GPL\0"
    assert [one.name for one in elf.sections if one.is_code and one.size] == [".text", "tp_btf/sys_exit"]
    assert elf.find(".nothing") is None


def test_symbols(elf: Elf) -> None:
    functions = {one.name: one for one in elf.symbols if one.kind == SymbolKind.FUNCTION}
    assert set(functions) == {"twice", "first", "second"}
    assert functions["twice"].is_local
    assert not functions["first"].is_local
    assert functions["second"].value == functions["first"].size
    assert functions["second"].section == functions["first"].section


def test_relocations(elf: Elf) -> None:
    found = elf.relocations(section(elf, "tp_btf/sys_exit"))
    names = [one.symbol.name or elf.sections[one.symbol.section].name for one in found]
    assert sorted(names) == [".text", "counter", "zeros"]
    assert list(elf.relocations(section(elf, ".data"))) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a 64-bit little-endian ELF"),
        (b"#!/bin/sh\n" * 20, "not a 64-bit little-endian ELF"),
        (b"\x7fELF\x01\x01\x01" + bytes(100), "not a 64-bit little-endian ELF"),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, 62) + bytes(44), "not a relocatable eBPF"),
    ],
)
def test_what_is_no_object(data: bytes, message: str) -> None:
    with pytest.raises(BpfError, match=message):
        Elf(data)


def test_an_object_that_is_cut_off() -> None:
    with pytest.raises(BpfError, match="cut off"):
        Elf(compiled(SOURCE)[:-200])


def test_zeros_without_end_are_not_made(elf: Elf) -> None:
    huge = Section(1, ".bss", SectionType.ZEROS, 0, 0, MOST_SECTION_BYTES + 1, 0, 0)
    with pytest.raises(BpfError, match="damaged"):
        elf.body(huge)
