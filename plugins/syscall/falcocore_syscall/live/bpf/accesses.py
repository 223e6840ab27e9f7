"""Ways into a structure, such as `file.f_path.dentry`: as the object was compiled, and in this kernel.

The object writes a way as numbers of members. In the kernel each member is found by its name, through
whatever anonymous structures and unions it may lie in there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from falcocore_syscall.live.bpf.btf import COMPOSITES, ENUMS, Btf, Kind, Member
from falcocore_syscall.live.bpf.errors import BpfError

_FLAVOUR = re.compile(r"(.*[^_])___[^_].*", re.DOTALL)
_MOST_DEPTH = 32


def essential(name: str) -> str:
    """A name without its flavour: `task_struct___old` stands for `task_struct` of some kernel."""
    found = _FLAVOUR.fullmatch(name)
    return found[1] if found else name


def are_same_kind(one: Kind, other: Kind) -> bool:
    """Whether kinds can stand for each other: an enum may have become one of 64 bits."""
    return one == other or (one in ENUMS and other in ENUMS)


@dataclass(frozen=True, slots=True)
class Step:
    """One step into a structure: a member by name, or an element of an array where the name is None."""

    name: str | None
    index: int
    type: int
    """Of what is reached by the step."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where a way ends: bits from the start, the type there, and the member where the last step was one."""

    steps: tuple[Step, ...]
    offset_bits: int
    type: int
    member: Member | None


def parse_indexes(text: str) -> list[int]:
    """The numbers of `0:1:2`."""
    try:
        numbers = [int(part) for part in text.split(":")]
    except ValueError:
        numbers = [-1]
    if min(numbers) < 0:
        raise BpfError(f"the object has a relocation by {text!r}, which is no way into a type")
    return numbers


def compiled(btf: Btf, root: int, text: str) -> Access:
    """The way as the object's own types have it."""
    first, *indexes = parse_indexes(text)
    current, member = btf.resolve(root), None
    steps, bits = [Step(None, first, current)], first * btf.size(current) * 8
    for index in indexes:
        current = btf.resolve(current)
        if btf.kind(current) in COMPOSITES:
            member = next(islice(btf.members(current), index, None), None)
            if member is None:
                raise BpfError(f"the object has a relocation by {text!r}, but {btf.name(root)} is smaller")
            bits += member.offset_bits
            current = member.type
            if member.name:
                steps.append(Step(member.name, index, current))
        elif btf.kind(current) is Kind.ARRAY:
            current, member = btf.array(current)[0], None
            bits += index * btf.size(current) * 8
            steps.append(Step(None, index, current))
        else:
            raise BpfError(f"the object has a relocation by {text!r}, which leaves the type {btf.name(root)}")
    return Access(tuple(steps), bits, current, member)


def found(local: Btf, access: Access, kernel: Btf, root: int) -> Access | None:
    """The same way from a type of the kernel, or None where it has no such."""
    current, member = kernel.resolve(root), None
    bits = access.steps[0].index * kernel.size(current) * 8
    for step in access.steps[1:]:
        current = kernel.resolve(current)
        if step.name is not None:
            place = find_member(kernel, current, step.name)
            if place is None or not _can_be(local, step.type, kernel, place.type):
                return None
            member, current = place, place.type
            bits += place.offset_bits
        else:
            if kernel.kind(current) is not Kind.ARRAY:
                return None
            current, count = kernel.array(current)
            if count and step.index >= count:
                return None
            member = None
            bits += step.index * kernel.size(current) * 8
    return Access(access.steps, bits, current, member)


def find_member(btf: Btf, number: int, name: str, depth: int = _MOST_DEPTH) -> Member | None:
    """A member by name, through anonymous ones; its offset is that from the start of the outermost."""
    if not depth:
        raise BpfError("the type information (BTF) has a structure within itself")
    for member in btf.members(btf.resolve(number)):
        if member.name == name:
            return member
        inner = None if member.name else find_member(btf, member.type, name, depth - 1)
        if inner:
            return Member(name, inner.type, member.offset_bits + inner.offset_bits, inner.bits)
    return None


def _can_be(local: Btf, one: int, kernel: Btf, other: int) -> bool:
    """Whether a member in the kernel may be what the object takes it for: numbers may differ in size."""
    for _ in range(_MOST_DEPTH):
        one, other = local.resolve(one), kernel.resolve(other)
        kind, its = local.kind(one), kernel.kind(other)
        if kind in COMPOSITES and its in COMPOSITES:
            return True
        if not are_same_kind(kind, its):
            return False
        match kind:
            case Kind.PTR | Kind.FLOAT:
                return True
            case Kind.FWD | Kind.ENUM | Kind.ENUM64:
                names = essential(local.name(one)), essential(kernel.name(other))
                return not all(names) or names[0] == names[1]
            case Kind.INT:
                return not local.is_bit_integer(one) and not kernel.is_bit_integer(other)
            case Kind.ARRAY:
                one, other = local.array(one)[0], kernel.array(other)[0]
            case _:
                return False
    return False


def are_compatible(local: Btf, one: int, kernel: Btf, other: int, depth: int = _MOST_DEPTH) -> bool:
    """Whether two types of one name are the same sort of thing, prototypes of functions in full."""
    one, other = local.resolve(one), kernel.resolve(other)
    kind = local.kind(one)
    if not depth or not are_same_kind(kind, kernel.kind(other)):
        return False
    match kind:
        case Kind.INT:
            return not local.is_bit_integer(one) and not kernel.is_bit_integer(other)
        case Kind.PTR:
            return are_compatible(local, local.target(one), kernel, kernel.target(other), depth - 1)
        case Kind.ARRAY:
            return are_compatible(local, local.array(one)[0], kernel, kernel.array(other)[0], depth - 1)
        case Kind.FUNC_PROTO:
            mine = [local.target(one), *local.parameters(one)]
            its = [kernel.target(other), *kernel.parameters(other)]
            return len(mine) == len(its) and all(
                are_compatible(local, one, kernel, other, depth - 1)
                for one, other in zip(mine, its, strict=True)
            )
        case _:
            return True
