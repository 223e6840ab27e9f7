"""Types read from BTF: those of small objects, and the running kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcocore_syscall.live.bpf.accesses import find_member
from falcocore_syscall.live.bpf.btf import KERNEL_BTF, Btf, Kind
from falcocore_syscall.live.bpf.errors import BpfError
from tests.support.bpf_objects import types_of

SOURCE = """
typedef const volatile int number;
enum colour { RED, GREEN = 7, LAST = -2 };
enum wide { BIG = 0x1234567890ULL };
struct inner { char c; short s; };
struct outer {
    int first;
    union { u64 whole; struct { u32 low; struct { u16 deep; }; }; };
    struct inner pair[3];
    unsigned flag : 1, three : 3; int : 4; int negative : 5;
    void *pointer;
    number alias;
};
struct outer one; enum colour colour; enum wide wide; struct missing *forward; double real;
NOINLINE u64 sum(u32 a, char *b) { return a + *b; }
"""


@pytest.fixture(scope="module")
def btf() -> Btf:
    return types_of(SOURCE)


def only(btf: Btf, name: str, kind: Kind) -> int:
    (number,) = btf.find(name, kind)
    return number


@pytest.mark.parametrize(
    ("member", "offset_bits", "bits", "size"),
    [
        ("first", 0, 0, 4),
        ("whole", 64, 0, 8),
        ("low", 64, 0, 4),
        ("deep", 96, 0, 2),
        ("pair", 128, 0, 12),
        ("flag", 224, 1, 4),
        ("three", 225, 3, 4),
        ("negative", 232, 5, 4),
        ("pointer", 256, 0, 8),
        ("alias", 320, 0, 4),
    ],
)
def test_members(btf: Btf, member: str, offset_bits: int, bits: int, size: int) -> None:
    found = find_member(btf, only(btf, "outer", Kind.STRUCT), member)
    assert found is not None
    assert (found.offset_bits, found.bits, btf.size(found.type)) == (offset_bits, bits, size)


def test_a_member_that_is_not_there(btf: Btf) -> None:
    assert find_member(btf, only(btf, "outer", Kind.STRUCT), "seventh") is None
    assert find_member(btf, only(btf, "colour", Kind.ENUM), "RED") is None


def test_names_of_members(btf: Btf) -> None:
    names = [member.name for member in btf.members(only(btf, "outer", Kind.STRUCT))]
    assert names == ["first", "", "pair", "flag", "three", "negative", "pointer", "alias"]


def test_sizes_and_kinds(btf: Btf) -> None:
    assert btf.size(only(btf, "outer", Kind.STRUCT)) == 48
    assert btf.size(only(btf, "number", Kind.TYPEDEF)) == 4
    assert btf.size(only(btf, "double", Kind.FLOAT)) == 8
    assert btf.size(0) == 0
    assert btf.kind(btf.resolve(only(btf, "number", Kind.TYPEDEF))) is Kind.INT
    assert btf.is_signed(only(btf, "number", Kind.TYPEDEF))
    assert not btf.is_signed(only(btf, "u64", Kind.TYPEDEF))
    assert btf.find("missing", Kind.STRUCT) == []
    assert len(btf.find("missing", Kind.FWD)) == 1


def test_enumerators(btf: Btf) -> None:
    values = dict(btf.enumerators(only(btf, "colour", Kind.ENUM)))
    # Whether negative values are marked as such depends on clang: before version 15 they are not.
    assert values["LAST"] in (0xFFFFFFFE, 0xFFFFFFFFFFFFFFFE)
    assert (values["RED"], values["GREEN"]) == (0, 7)


def test_functions(btf: Btf) -> None:
    number = btf.find_function("sum")
    assert number is not None
    prototype = btf.target(number)
    assert btf.kind(prototype) is Kind.FUNC_PROTO
    assert [btf.size(kind) for kind in btf.parameters(prototype)] == [4, 8]
    assert btf.find_function("outer") is None
    assert btf.find_function("no_such_name_at_all") is None


def test_sections_of_data(btf: Btf) -> None:
    names = {btf.name(variable) for variable, _ in btf.section(only(btf, ".bss", Kind.DATASEC))}
    assert names == {"one", "colour", "wide", "forward", "real"}


def test_a_number_that_is_no_type(btf: Btf) -> None:
    for number in (len(btf), 1 << 31):
        with pytest.raises(BpfError, match="no type number"):
            btf.kind(number)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut off"),
        (bytes(24), "not little-endian"),
        (b"\x9f\xeb\x01\0\x18\0\0\0" + bytes([0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0]), "cut off"),
    ],
)
def test_what_is_no_btf(data: bytes, message: str) -> None:
    with pytest.raises(BpfError, match=message):
        Btf(data)


def test_a_kernel_without_types(tmp_path: Path) -> None:
    with pytest.raises(BpfError, match="CONFIG_DEBUG_INFO_BTF") as raised:
        Btf.of_kernel(tmp_path / "vmlinux")
    assert raised.value.errno == 2


@pytest.mark.skipif(not KERNEL_BTF.exists(), reason="this kernel has no BTF")
def test_this_kernel() -> None:
    kernel = Btf.of_kernel()
    task = kernel.find("task_struct", Kind.STRUCT)[0]
    comm = find_member(kernel, task, "comm")
    assert comm is not None
    assert kernel.size(comm.type) == 16
    assert kernel.size(task) > comm.offset_bits // 8
    assert kernel.find("btf_trace_sys_exit", Kind.TYPEDEF)
    assert kernel.find_function("vfs_read") is not None
