"""Whatever bytes of an object are damaged, it ends in the loader's own error or in a program."""

from __future__ import annotations

import contextlib
import os
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from falcocore_syscall.live.bpf.btf import Btf
from falcocore_syscall.live.bpf.elf import Elf
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.object import BpfObject
from falcocore_syscall.live.bpf.program import Addresses, Linker, functions
from falcocore_syscall.live.bpf.relocation import Resolver, core_relocations
from tests.support.bpf_objects import compiled, types_of
from tests.support.bpf_sources import ASKED, KERNEL, LINKED

EXAMPLES = int(os.environ.get("FALCOCORE_EXAMPLES", "300"))
HEADER_BYTES = 64


@cache
def whole() -> bytes:
    """Both test objects in one."""
    return compiled(ASKED + LINKED)


def sections_of(data: bytes) -> list[tuple[int, int]]:
    """Where damage matters: the headers and what the loader reads."""
    elf = Elf(data)
    read = [one for one in elf.sections if one.size and not one.name.startswith((".debug", ".rel.debug"))]
    return [(one.offset, one.size) for one in read if one.type != 8] + [
        (0, HEADER_BYTES),
        (len(data) - 64 * len(elf.sections), 64 * len(elf.sections)),
    ]


def use(data: bytes, kernel: Btf) -> None:
    """All that loading does before it asks the kernel."""
    BpfObject.open(data)
    elf = Elf(data)
    types, extension = elf.find(".BTF"), elf.find(".BTF.ext")
    assert types is not None
    local = Btf(elf.body(types))
    core = core_relocations(elf.body(extension), local) if extension else {}
    addresses = Addresses({}, {section.index: 3 for section in elf.sections}, lambda _: None)
    linker = Linker(elf, core, Resolver(local, kernel), addresses, {})
    for function in functions(elf):
        with contextlib.suppress(BpfError):
            linker.link(function)


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_changed_bytes(data: st.DataObject) -> None:
    damaged = bytearray(whole())
    for _ in range(data.draw(st.integers(1, 4))):
        start, size = data.draw(st.sampled_from(sections_of(whole())))
        at = start + data.draw(st.integers(0, size - 1))
        new = data.draw(
            st.sampled_from([b"\0", b"\xff", b"\x01", b"\x7f"]) | st.binary(min_size=1, max_size=8)
        )
        damaged[at : at + len(new)] = new
    with contextlib.suppress(BpfError):
        use(bytes(damaged), types_of(KERNEL))


@given(st.data())
@settings(max_examples=EXAMPLES // 3, deadline=None)
def test_cut_off(data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(whole()) - 1))
    with contextlib.suppress(BpfError):
        use(whole()[:end], types_of(KERNEL))


@given(st.binary(max_size=200))
def test_garbage(data: bytes) -> None:
    for made in (data, b"\x7fELF\x02\x01\x01" + data):
        with contextlib.suppress(BpfError):
            BpfObject.open(made)
    with contextlib.suppress(BpfError):
        Btf(b"\x9f\xeb\x01\0" + data)


def test_undamaged() -> None:
    use(whole(), types_of(KERNEL))
