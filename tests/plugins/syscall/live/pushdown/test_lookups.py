"""The tests of ports and of who calls, as the generated code decides them."""

from __future__ import annotations

import pytest

from falcocore_syscall.live.pushdown.atoms import Atom, Part
from falcocore_syscall.live.pushdown.classes import EVERY
from falcocore_syscall.live.pushdown.groups import Groups
from falcocore_syscall.live.pushdown.lookups import (
    LONGEST_EXE,
    MARKS,
    Lookup,
    of_directories,
    of_exes,
    of_marks,
    of_names,
    of_numbers,
)
from falcocore_syscall.live.pushdown.matchers import BUFFER_BYTES
from falcocore_syscall.live.pushdown.needs import NO_NEEDS, Names, Needs
from tests.support.bpf_machine import call, name_buffer, path_buffer


def grouped(*needs: Needs) -> Groups:
    return Groups.of(dict.fromkeys((NO_NEEDS, *needs), EVERY))


def passed(lookup: Lookup, groups: Groups, found: int) -> set[Needs]:
    """The needs that are left by what the code has found, as the kernel program has them left."""
    left = (found ^ lookup.inverted) | ~lookup.groups
    return {needs for needs, number in groups.numbers.items() if left >> number & 1}


IN, OUT = (Needs(programs=Names(frozenset({b"cat", b"dd"}), others)) for others in (False, True))


@pytest.mark.parametrize(
    ("name", "left"),
    [(b"cat", {IN}), (b"dd", {IN}), (b"ca", {OUT}), (b"cats", {OUT}), (b"", {OUT}), (b"x" * 15, {OUT})],
)
def test_names(name: bytes, left: set[Needs]) -> None:
    groups = grouped(IN, OUT)
    lookup = of_names("programs", groups)
    assert passed(lookup, groups, call(lookup.code, *name_buffer(name))) == {NO_NEEDS, *left}


LONG = b"/opt/" + b"x" * LONGEST_EXE
WHOLE, BEGIN, LONGER = (
    Needs(exes=frozenset({Atom(part, text)}))
    for part, text in ((Part.PATH, b"./x"), (Part.PREFIX, b"./"), (Part.PATH, LONG))
)


@pytest.mark.parametrize(
    ("exe", "left"),
    [
        (b"./x", {WHOLE, BEGIN}),
        (b"./xy", {BEGIN}),
        (b"x", set()),
        (LONG[:LONGEST_EXE], {LONGER}),
        (b"", set()),
    ],
)
def test_what_programs_were_started_as(exe: bytes, left: set[Needs]) -> None:
    """Of a long one the kernel has the beginning only."""
    groups = grouped(WHOLE, BEGIN, LONGER)
    lookup = of_exes(groups)
    assert passed(lookup, groups, call(lookup.code, *name_buffer(exe))) == {NO_NEEDS, *left}


LOW, SOME = Needs(ports=((0, 1023),)), Needs(ports=((22, 22), (443, 443)))


@pytest.mark.parametrize(
    ("port", "left"), [(22, {LOW, SOME}), (1023, {LOW}), (1024, set()), (443, {LOW, SOME}), (65535, set())]
)
def test_ports(port: int, left: set[Needs]) -> None:
    groups = grouped(LOW, SOME)
    lookup = of_numbers("ports", groups)
    assert passed(lookup, groups, call(lookup.code, bytearray(BUFFER_BYTES), port)) == {NO_NEEDS, *left}


def test_directories() -> None:
    below = Needs(directories=frozenset({Atom(Part.PATH, b"/a"), Atom(Part.PREFIX, b"/a/")}))
    groups = grouped(below)
    lookup = of_directories(groups)
    for path, left in ((b"/a", {below}), (b"/a/b", {below}), (b"/ab", set()), (b"/", set())):
        assert passed(lookup, groups, call(lookup.code, *path_buffer(path))) == {NO_NEEDS, *left}, path


def test_marks() -> None:
    one, two = Needs(marks=frozenset({"exe_from_memfd"})), Needs(marks=frozenset(MARKS[:2]))
    groups = grouped(one, two)
    first, second = 1 << groups.numbers[one], 1 << groups.numbers[two]
    assert of_marks(groups) == (second, second, first, 0)


def test_without_room_for_the_code_there_is_no_test() -> None:
    """All groups pass then: what is not looked at leaves nothing out."""
    groups = grouped(IN, OUT, WHOLE, LOW)
    for lookup in (of_names("programs", groups, 3), of_exes(groups, 3), of_numbers("ports", groups, 3)):
        assert (lookup.groups, lookup.inverted) == (0, 0)
        assert call(lookup.code, bytearray(BUFFER_BYTES), 0) == 0
