"""Answers to CO-RE relocations, for a kernel whose types differ from those the object was compiled with."""

from __future__ import annotations

import pytest

from falcocore_syscall.live.bpf.btf import Btf
from falcocore_syscall.live.bpf.elf import Elf
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.instructions import CALL, Code
from falcocore_syscall.live.bpf.program import functions
from falcocore_syscall.live.bpf.relocation import Asked, CoreRelocation, Resolver, core_relocations
from tests.support.bpf_objects import compiled, types_of
from tests.support.bpf_sources import ASKED, KERNEL


@pytest.fixture(scope="module")
def kernel() -> Btf:
    return types_of(KERNEL)


@pytest.fixture(scope="module")
def resolver(kernel: Btf) -> Resolver:
    return Resolver(types_of(ASKED), kernel)


def asked_in(function: str) -> tuple[Code, list[CoreRelocation]]:
    """Code of a function of the object, and its relocations."""
    elf = Elf(compiled(ASKED))
    extension, text = elf.find(".BTF.ext"), elf.find(".text")
    assert extension is not None
    assert text is not None
    one = next(each for each in functions(elf) if each.name == function)
    start, end = one.place[1], one.place[1] + one.size
    records = core_relocations(elf.body(extension), types_of(ASKED))[".text"]
    moved = [
        CoreRelocation(each.offset - start, each.type, each.access, each.asked)
        for each in records
        if start <= each.offset < end
    ]
    return Code(elf.body(text)[start:end], function), moved


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("pid_offset", 32),
        ("flavour_offset", 32),
        ("element_offset", 56 + 3 * 16 + 12),
        ("element_size", 16),
        ("element_outside", 0),
        ("added_offset", 16),
        ("nested_offset", 56 + 8 * 16 + 8),
        ("width_size", 8),
        ("signed_is", 1),
        ("unsigned_is", 0),
        ("link_offset", 208),
        ("name_size", 16),
        ("pid_exists", 1),
        ("gone_exists", 0),
        ("gone_offset", None),
        ("inner_gone_offset", None),
        ("other_sort_exists", 0),
        ("absent_exists", 0),
        ("union_offset", 0),
        ("flag_offset", 200),
        ("flag_size", 4),
        ("flag_left", 64 - 9),
        ("flag_right", 62),
        ("across_left", 64 - 29),
        ("minus_signed", 1),
        ("plain_left", 32),
        ("plain_right", 32),
        ("task_exists", 1),
        ("absent_type", 0),
        ("task_size", 240),
        ("absent_size", 0),
        ("hook_exists", 1),
        ("hook_less_exists", 0),
        ("busy", 12),
        ("busy_exists", 1),
        ("old_exists", 0),
        ("old", None),
        ("other", 12),
        ("absent_id", 0),
    ],
)
def test_answers(resolver: Resolver, function: str, value: int | None) -> None:
    _, (asked,) = asked_in(function)
    assert resolver.answer(asked).value == value


def test_the_number_of_a_type_is_the_kernels(resolver: Resolver, kernel: Btf) -> None:
    _, (asked,) = asked_in("kernel_id")
    value = resolver.answer(asked).value
    assert value is not None
    assert kernel.name(value) == "task"


@pytest.mark.parametrize(
    ("function", "operation", "offset"),
    [
        ("load_width", 0x79, 40),  # From four bytes to eight: both are unsigned.
        ("store_pid", None, 32),
        ("load_signed", CALL, 0),  # Would have to be sign-extended.
        ("load_gone", CALL, 0),
    ],
)
def test_accesses(resolver: Resolver, function: str, operation: int | None, offset: int) -> None:
    code, (asked,) = asked_in(function)
    before = bytes(code.bytes)
    resolver.relocate(code, asked)
    at = asked.offset
    assert code.bytes[at] == (before[at] if operation is None else operation)
    assert int.from_bytes(code.bytes[at + 2 : at + 4], "little") == offset


def test_a_way_over_pointers_is_relocated_step_by_step(resolver: Resolver) -> None:
    code, asked = asked_in("load_link")
    for one in asked:
        resolver.relocate(code, one)
    assert [int.from_bytes(code.bytes[one.offset + 2 :][:2], "little") for one in asked] == [208, 8]


def test_code_that_is_not_what_the_relocation_says(resolver: Resolver) -> None:
    code, (asked,) = asked_in("pid_offset")
    code.set_constant(asked.offset, 1234)
    with pytest.raises(BpfError, match="1234"):
        resolver.relocate(code, asked)


@pytest.mark.parametrize("access", ["", "x", "0:-1", "0:99", "0:0:0:0"])
def test_ways_that_are_none(resolver: Resolver, access: str) -> None:
    _, (asked,) = asked_in("pid_offset")
    with pytest.raises(BpfError):
        resolver.answer(CoreRelocation(0, asked.type, access, Asked.FIELD_OFFSET))


def test_an_unknown_question(resolver: Resolver) -> None:
    _, (asked,) = asked_in("pid_offset")
    with pytest.raises(BpfError, match="unknown kind: 12"):
        resolver.answer(CoreRelocation(0, asked.type, "0:0", 12))
