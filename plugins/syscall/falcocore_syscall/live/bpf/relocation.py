"""CO-RE relocations: what the compiler wrote about the kernel's types, made right for this kernel.

An object lists, for each instruction that depends on a type of the kernel, that type, the way into it and
what is asked of it. The records are described in Documentation/bpf/llvm_reloc.rst of the kernel. What this
kernel can't answer poisons the instruction, so that only a program that gets there is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice

from falcocore_syscall.live.bpf.accesses import (
    Access,
    are_compatible,
    compiled,
    essential,
    found,
    parse_indexes,
)
from falcocore_syscall.live.bpf.btf import ENUMS, Btf, Kind
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.instructions import WIDTHS, Code

_HEADER = struct.Struct("<HBBIIIIIII")
_BTF_MAGIC = 0xEB9F
_RECORD = struct.Struct("<IIII")


class Asked(IntEnum):
    """What is asked of a type; the numbers of the format."""

    FIELD_OFFSET = 0
    FIELD_SIZE = 1
    FIELD_EXISTS = 2
    FIELD_SIGNED = 3
    FIELD_LEFT_SHIFT = 4
    FIELD_RIGHT_SHIFT = 5
    LOCAL_TYPE = 6
    KERNEL_TYPE = 7
    TYPE_EXISTS = 8
    TYPE_SIZE = 9
    ENUMERATOR_EXISTS = 10
    ENUMERATOR_VALUE = 11


_FIELDS = frozenset(asked for asked in Asked if asked <= Asked.FIELD_RIGHT_SHIFT)


@dataclass(frozen=True, slots=True)
class CoreRelocation:
    """One record: the instruction at a byte of its section depends on a type of the object."""

    offset: int
    type: int
    access: str
    asked: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The number for an instruction, None where this kernel has none, and what stands there now (if known).

    `widths` are the bytes of the field as compiled and in the kernel, `fits` whether an access may be
    changed from one to the other.
    """

    value: int | None
    old: int | None = None
    widths: tuple[int, int] = (0, 0)
    fits: bool = True


def core_relocations(extension: bytes, btf: Btf) -> dict[str, list[CoreRelocation]]:
    """The records of a `.BTF.ext` section, by section of code."""
    by_section: dict[str, list[CoreRelocation]] = {}
    if len(extension) < _HEADER.size:
        return by_section  # Only older compilers write a shorter header, and they know no CO-RE.
    magic, _, _, header_bytes, *_, offset, size = _HEADER.unpack_from(extension)
    data = extension[header_bytes + offset : header_bytes + offset + size]
    if magic != _BTF_MAGIC or len(data) != size:
        raise BpfError("the object's extended type information (.BTF.ext) is damaged")
    if not data:
        return by_section
    try:
        (record_bytes,) = struct.unpack_from("<I", data)
        if record_bytes < _RECORD.size:
            raise BpfError("the object's relocations by type are in a format that is not known")
        at = 4
        while at < len(data):
            name, count = struct.unpack_from("<II", data, at)
            at += 8
            records = by_section.setdefault(btf.text(name), [])
            for _ in range(count):
                place, number, access, asked = _RECORD.unpack_from(data, at)
                records.append(CoreRelocation(place, number, btf.text(access), asked))
                at += record_bytes
    except struct.error:
        raise BpfError("the object's relocations by type are cut off") from None
    return by_section


class Resolver:
    """Answers relocations of one object for one kernel. Equal ones are answered once."""

    def __init__(self, local: Btf, kernel: Btf) -> None:
        self._local = local
        self._kernel = kernel
        self._answers: dict[tuple[int, str, int], Answer] = {}

    def relocate(self, code: Code, relocation: CoreRelocation) -> None:
        """Write the answer into the instruction that asks."""
        answer, at = self.answer(relocation), relocation.offset
        code.check(at)
        narrow, wide = answer.widths
        resized = code.is_access(at) and narrow != wide
        if answer.value is None or (resized and not answer.fits):
            code.poison(at)
            return
        code.fill_in(at, answer.value, answer.old)
        if resized:
            code.set_width(at, wide)

    def answer(self, relocation: CoreRelocation) -> Answer:
        """What this kernel says to a relocation."""
        key = relocation.type, relocation.access, relocation.asked
        if key not in self._answers:
            self._answers[key] = self._resolve(relocation)
        return self._answers[key]

    def _resolve(self, relocation: CoreRelocation) -> Answer:
        try:
            asked = Asked(relocation.asked)
        except ValueError:
            raise BpfError(f"the object has a relocation of an unknown kind: {relocation.asked}") from None
        root, local = relocation.type, self._local
        if asked is Asked.LOCAL_TYPE:
            return Answer(root)
        name, kind = essential(local.name(root)), local.kind(root)
        if not name:
            raise BpfError("the object has a relocation by a type that has no name")
        kinds = tuple(ENUMS) if kind in ENUMS else (kind,)
        candidates = self._kernel.find(name, *kinds)
        if asked in _FIELDS:
            answers = self._fields(asked, compiled(local, root, relocation.access), candidates)
        elif asked in (Asked.ENUMERATOR_EXISTS, Asked.ENUMERATOR_VALUE):
            answers = self._enumerators(asked, root, relocation.access, candidates)
        else:
            answers = self._types(asked, root, candidates)
        if len(set(answers)) > 1:
            raise BpfError(f"the kernel has several types {name}, which answer {asked.name} differently")
        if answers:
            return answers[0]
        return Answer(None if asked in _NEEDED else 0)

    def _fields(self, asked: Asked, access: Access, candidates: list[int]) -> list[Answer]:
        local, kernel, answers = self._local, self._kernel, []
        for root in candidates:
            there = found(local, access, kernel, root)
            if there is None:
                continue
            if asked is Asked.FIELD_EXISTS:
                answers.append(Answer(1))
                continue
            value = field_value(kernel, there, asked)
            if asked is not Asked.FIELD_OFFSET or _bits(there) or _bits(access):
                answers.append(Answer(value))
                continue
            widths = local.size(access.type), kernel.size(there.type)
            old = access.offset_bits // 8
            answers.append(Answer(value, old, widths, self._fits(access.type, there.type, widths)))
        return answers

    def _fits(self, one: int, other: int, widths: tuple[int, int]) -> bool:
        """Whether an access can read the kernel's field instead: neither would have to be sign-extended."""
        one, other = self._local.resolve(one), self._kernel.resolve(other)
        kinds = self._local.kind(one), self._kernel.kind(other)
        numbers = kinds == (Kind.INT, Kind.INT) and not (
            self._local.is_signed(one) or self._kernel.is_signed(other)
        )
        return (numbers or kinds == (Kind.PTR, Kind.PTR)) and set(widths) <= WIDTHS

    def _enumerators(self, asked: Asked, root: int, access: str, candidates: list[int]) -> list[Answer]:
        if self._local.kind(root) not in ENUMS:
            raise BpfError(f"the object asks for a value of {self._local.name(root)}, which is no enum")
        chosen = next(islice(self._local.enumerators(root), parse_indexes(access)[0], None), None)
        if chosen is None:
            raise BpfError(f"the object asks for a value that {self._local.name(root)} does not have")
        wanted = essential(chosen[0])
        return [
            Answer(1 if asked is Asked.ENUMERATOR_EXISTS else value)
            for candidate in candidates
            for name, value in self._kernel.enumerators(candidate)
            if name == wanted
        ]

    def _types(self, asked: Asked, root: int, candidates: list[int]) -> list[Answer]:
        kernel = self._kernel
        if asked is Asked.KERNEL_TYPE:
            candidates = candidates[:1]  # Of several each would do, and their numbers always differ.
        values = {Asked.KERNEL_TYPE: lambda number: number, Asked.TYPE_SIZE: kernel.size}
        value = values.get(asked, lambda _: 1)
        return [
            Answer(value(number))
            for number in candidates
            if are_compatible(self._local, root, kernel, number)
        ]


_NEEDED = frozenset(_FIELDS - {Asked.FIELD_EXISTS} | {Asked.ENUMERATOR_VALUE})
"""Without an answer to these an instruction has no sense; the others are 0 then."""


def _bits(access: Access) -> int:
    """Size of a bit field, 0 for what is none."""
    return access.member.bits if access.member else 0


def field_value(btf: Btf, access: Access, asked: Asked) -> int:
    """A property of a field. That of a bit field is of the aligned number in which it lies."""
    bits, width = _bits(access), btf.size(access.type)
    start = access.offset_bits // 8
    if bits:
        width = width or 1
        start = start // width * width
        while access.offset_bits + bits > (start + width) * 8:
            width *= 2
            if width > 8:
                raise BpfError(f"the field {access.steps[-1].name} of bits lies across more than eight bytes")
            start = access.offset_bits // 8 // width * width
    match asked:
        case Asked.FIELD_OFFSET:
            return start
        case Asked.FIELD_SIZE:
            return width
        case Asked.FIELD_SIGNED:
            return int(btf.is_signed(access.type))
        case Asked.FIELD_LEFT_SHIFT:
            return 64 - (access.offset_bits + (bits or width * 8) - start * 8)
        case _:
            return 64 - (bits or width * 8)
