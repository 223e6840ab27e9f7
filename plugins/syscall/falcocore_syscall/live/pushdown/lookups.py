"""The tests of ports and of who calls as generated code of the kernel program."""

from __future__ import annotations

from dataclasses import dataclass

from falcocore_syscall.live.pushdown.assembler import Assembler
from falcocore_syscall.live.pushdown.atoms import Part
from falcocore_syscall.live.pushdown.groups import Groups, bits
from falcocore_syscall.live.pushdown.keys import MOST_INSTRUCTIONS, Keys
from falcocore_syscall.live.pushdown.matchers import name_matcher, number_matcher
from falcocore_syscall.live.pushdown.needs import Names, Ranges

LONGEST_PROGRAM = 15
"""The kernel cuts names of programs."""
LONGEST_EXE = 63
"""So much is kept of what a program was started as."""
MARKS = ("exe_writable", "exe_upper_layer", "exe_from_memfd", "exe_lower_layer")
"""What is told of a program's file, in the order of the kernel program's bits."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One test. `groups` are those that need it; the others don't care.

    What the code returns is the set of groups that pass but for those of `inverted`, which it has the other
    way round. Where the code would become too long there is no test.
    """

    code: bytes
    groups: int
    inverted: int = 0


def of_numbers(name: str, groups: Groups, most_instructions: int = MOST_INSTRUCTIONS) -> Lookup:
    """The test of the attribute `users` or `ports` of what groups need."""
    found: dict[tuple[int, int], int] = {}
    for number, needs in enumerate(groups.needs):
        ranges: Ranges | None = getattr(needs, name)
        for pair in ranges or ():
            found[pair] = found.get(pair, 0) | 1 << number
    return _lookup(number_matcher(found), groups.where(name), most_instructions)


def of_names(name: str, groups: Groups, most_instructions: int = MOST_INSTRUCTIONS) -> Lookup:
    """The test of the attribute `programs`, `parents` or `ancestors`, which are names of programs."""
    found: dict[bytes, int] = {}
    inverted = 0
    for number, needs in enumerate(groups.needs):
        names: Names | None = getattr(needs, name)
        for listed in names.listed if names is not None else ():
            if len(listed) <= LONGEST_PROGRAM:
                found[listed + b"\0"] = found.get(listed + b"\0", 0) | 1 << number
        inverted |= 1 << number if names is not None and names.others else 0
    return _lookup(name_matcher(found, {}), groups.where(name), most_instructions, inverted)


def of_exes(groups: Groups, most_instructions: int = MOST_INSTRUCTIONS) -> Lookup:
    """The test of what programs were started as."""
    found: dict[bytes, int] = {}
    for (part, text), its in groups.atoms("exes").items():
        key = text + b"\0" if part is Part.PATH and len(text) < LONGEST_EXE else text[:LONGEST_EXE]
        found[key] = found.get(key, 0) | its
    return _lookup(name_matcher(found, {}), groups.where("exes"), most_instructions)


def _lookup(code: Assembler, groups: int, most_instructions: int, inverted: int = 0) -> Lookup:
    # Names can't be cut, as those of files are: a group that wants all but some would lose others too.
    if len(code) > most_instructions:
        return Lookup(number_matcher({}).code(), 0)
    return Lookup(code.code(), groups, inverted)


def of_directories(groups: Groups) -> Lookup:
    """The test of working directories."""
    return Lookup(Keys.of(groups.atoms("directories")).path_code, groups.where("directories"))


def of_marks(groups: Groups) -> tuple[int, ...]:
    """The groups that need each of MARKS, in their order."""
    return tuple(
        bits(number for number, needs in enumerate(groups.needs) if mark in (needs.marks or ()))
        for mark in MARKS
    )
