"""The tables of system calls: numbers of both architectures, what the kernel is told, what records become."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.calls.call import ENTRY_BYTES, FLAGS_IN_STRUCTURE, MOST_OPS, OpKind
from falcocore_syscall.live.calls.table import OWN, Calls, compat_table
from falcocore_syscall.live.pushdown.classes import CLASSES
from falcocore_syscall.live.record import UNKNOWN_CALL, Record, RecordKind
from falcocore_syscall.tables import EVENTS, GENERIC, SYSCALL_NAMES, SYSCALL_TYPES, types_named
from tests.support.live_records import CALLS, called, number_of, record
from tests.support.syscall_events import value_of


def test_every_call_with_an_event_of_its_own_has_its_parameters() -> None:
    known = {name for name, kind in zip(SYSCALL_NAMES, SYSCALL_TYPES, strict=True) if kind not in GENERIC}
    assert OWN.keys() == known
    assert all(len(call.reads) == len(EVENTS[call.type].params) for call in OWN.values())
    assert all(call.type in types_named(call.name) for call in OWN.values() if call.name != "accept")
    assert all(len(call.ops) <= MOST_OPS for call in OWN.values())


@pytest.mark.parametrize(
    ("architecture", "number", "name", "kind"),
    [
        ("x86_64", 257, "openat", 307),
        ("aarch64", 56, "openat", 307),
        ("x86_64", 17, "pread", 113),
        ("aarch64", 221, "execve", 293),
        ("x86_64", 13, "rt_sigaction", 1),
        ("x86_64", 520, "execve", 293),
        ("x86_64", 545, "execveat", 331),
        ("x86_64", 1000, "unknown", 1),
        ("aarch64", 520, "unknown", 1),
        ("x86_64", UNKNOWN_CALL, "unknown", 1),
    ],
)
def test_calls_by_number(architecture: str, number: int, name: str, kind: int) -> None:
    found = CALLS[architecture].by_number(number)
    assert (found.name, found.type) == (name, kind)


def test_an_architecture_that_is_not_known() -> None:
    with pytest.raises(KeyError):
        Calls("sparc")


def test_what_the_kernel_is_told() -> None:
    calls = CALLS["x86_64"]
    groups = [1 << number for number in range(CLASSES)]
    table = {number: calls.by_number(number).packed(2, 1, groups) for number in (42, 46, 257, 437)}
    assert {len(entry) for entry in table.values()} == {ENTRY_BYTES}
    head, ops = table[257][:-64], table[257][-64:]
    assert struct.unpack("<BBBBBBBx64QQ", head) == (2, 1, 2, 2, 1, 0, 255, *groups, (1 << 64) - 1)
    assert ops[:16] == struct.pack("<BBBBHH", OpKind.PATH, 1, 0, 0, 0, 0) + struct.pack(
        "<BBBBHH", OpKind.FD, 6, 0, 0, 0, 0
    )
    assert ops[16:] == bytes(48)
    assert table[437][2] == FLAGS_IN_STRUCTURE
    assert tuple(table[42][5:7]) == (1, 2)  # connect: where the address is, and its length
    assert tuple(table[46][5:7]) == (1, 254)  # sendmsg: both are in a structure
    nothing = struct.pack("<BBBBBBB", 0, 0, 255, 0, 0, 0, 255)
    assert calls.by_number(900).packed() == nothing.ljust(ENTRY_BYTES, b"\0")


def test_numbers_of_programs_of_32_bits() -> None:
    numbers = struct.unpack("<512H", compat_table("x86_64"))
    assert (numbers[5], numbers[11], numbers[295]) == (2, 59, 257)
    assert (numbers[102], numbers[511]) == (UNKNOWN_CALL, UNKNOWN_CALL)
    assert set(struct.unpack("<512H", compat_table("aarch64"))) == {UNKNOWN_CALL}


@pytest.mark.parametrize(
    ("kind", "name", "ret", "expected"),
    [
        (RecordKind.CALL, "openat", 3, "openat"),
        (RecordKind.CALL, "execve", 0, None),
        (RecordKind.CALL, "execve", -2, "execve"),
        (RecordKind.CALL, "execveat", -2, "execveat"),
        (RecordKind.FORK, "clone", 0, None),
        (RecordKind.EXEC, "execveat", 0, "execve"),
        (RecordKind.EXIT, "exit", 0, "procexit"),
    ],
)
def test_what_a_record_becomes(kind: RecordKind, name: str, ret: int, expected: str | None) -> None:
    found = CALLS["x86_64"].of(Record(record(kind=kind, nr=number_of(name), ret=ret)))
    assert (None if found is None else found.name) == expected


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_a_call_without_an_event_of_its_own(architecture: str) -> None:
    event = called("rt_sigaction", ret=-1, architecture=architecture)
    assert (event.type, event.name, event.result) == (1, "rt_sigaction", None)
    assert value_of(event, "evt.type") == "rt_sigaction"
    assert event.number(1) == number_of("rt_sigaction", architecture)
    assert value_of(event, "evt.arg.ID") == "rt_sigaction"
