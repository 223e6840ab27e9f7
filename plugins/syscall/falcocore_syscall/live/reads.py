"""How parameters are made of records: small functions that give the bytes of one parameter each."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls.call import Read
from falcocore_syscall.live.items import ItemKind
from falcocore_syscall.live.record import RecordFlag

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent

_pack_signed = struct.Struct("<q").pack
_pack_unsigned = struct.Struct("<Q").pack
_pack_u32 = struct.Struct("<I").pack
_pack_u16 = struct.Struct("<H").pack
_pack_u8 = struct.Struct("<B").pack
_PACKS = {1: _pack_u8, 2: _pack_u16, 4: _pack_u32, 8: _pack_unsigned}
_LOW_32 = 0xFFFFFFFF
_SIGN_32 = 0x80000000
_LOW_64 = (1 << 64) - 1
_NS_PER_S = 1_000_000_000
_NATIVE_PAIR = struct.Struct("<qq")
_COMPAT_PAIR = struct.Struct("<ii")
_LONG = {True: 4, False: 8}
NOT_AVAILABLE = b""


def signed_32(value: int) -> int:
    """The int in an argument, whatever stands in its upper half."""
    return ((value & _LOW_32) ^ _SIGN_32) - _SIGN_32


def packed(value: int, size: int) -> bytes:
    """The lowest bytes of a number."""
    return _PACKS[size](value & ((1 << size * 8) - 1))


def result(event: LiveEvent) -> bytes:
    """What the call has returned."""
    return _pack_signed(event.record.ret)


def result_32(event: LiveEvent) -> bytes:
    """An id that was returned."""
    return _pack_u32(event.record.ret & _LOW_32)


def absent(_event: LiveEvent) -> bytes:
    """What no record tells."""
    return NOT_AVAILABLE


def constant(value: int, size: int) -> Read:
    """Always the same number."""
    made = packed(value, size)
    return lambda _event: made


def integer(arg: int) -> Read:
    """An int that is recorded in eight bytes: descriptors, ids of processes."""

    def read(event: LiveEvent) -> bytes:
        return _pack_signed(((event.record.args[arg] & _LOW_32) ^ _SIGN_32) - _SIGN_32)

    return read


def number(arg: int, size: int) -> Read:
    """A number in so many bytes."""
    pack, mask = _PACKS[size], (1 << size * 8) - 1
    return lambda event: pack(event.record.args[arg] & mask)


def flags(arg: int, size: int, translate: Callable[[int], int]) -> Read:
    """Flags of the kernel's in an argument of 32 bits, as those of captures."""
    pack, mask = _PACKS[size], (1 << size * 8) - 1
    return lambda event: pack(translate(event.record.args[arg] & _LOW_32) & mask)


def choice(arg: int, size: int, known: Mapping[int, int], default: int = 0) -> Read:
    """One of several numbers, as that of captures."""
    return flags(arg, size, lambda value: known.get(value, default))


def open_flags(arg: int) -> Read:
    """Flags of an open; the layer of the file, once it is open, is among them."""

    def read(event: LiveEvent) -> bytes:
        found = event.call.numbers.open_flags(event.record.args[arg] & _LOW_32)
        return _pack_u32(found | event.file_flags)

    return read


def descriptor_flags(arg: int, size: int = 4) -> Read:
    """Flags of a descriptor that has no access mode."""

    def read(event: LiveEvent) -> bytes:
        return packed(event.call.numbers.descriptor_flags(event.record.args[arg] & _LOW_32), size)

    return read


def text(arg: int) -> Read:
    """A text."""

    def read(event: LiveEvent) -> bytes:
        found = event.record.text(arg)
        return NOT_AVAILABLE if found is None else found + b"\0"

    return read


def data(arg: int) -> Read:
    """Bytes of the caller's memory."""

    def read(event: LiveEvent) -> bytes:
        return event.record.item(ItemKind.BYTES, arg) or NOT_AVAILABLE

    return read


def received(arg: int) -> Read:
    """As many bytes of the caller's memory as the call has put there."""

    def read(event: LiveEvent) -> bytes:
        found = event.record.item(ItemKind.BYTES, arg) or NOT_AVAILABLE
        return found[: max(event.record.ret, 0)]

    return read


def in_memory(arg: int, at: int, size: int, wide: int | None = None) -> Read:
    """A number in a structure in the caller's memory; `wide` is its size as a parameter."""

    def read(event: LiveEvent) -> bytes:
        found = memory_number(event, arg, at, size)
        return NOT_AVAILABLE if found is None else packed(found, wide or size)

    return read


def signed_in_memory(arg: int, at: int) -> Read:
    """The same for an int that is recorded in eight bytes."""

    def read(event: LiveEvent) -> bytes:
        found = memory_number(event, arg, at, 4)
        return NOT_AVAILABLE if found is None else _pack_signed(signed_32(found))

    return read


def translated_in_memory(arg: int, at: int, size: int, translate: Callable[[int], int]) -> Read:
    """Flags in a structure, as those of captures, in four bytes."""

    def read(event: LiveEvent) -> bytes:
        found = memory_number(event, arg, at, size)
        return NOT_AVAILABLE if found is None else _pack_u32(translate(found) & _LOW_32)

    return read


def memory_number(event: LiveEvent, arg: int, at: int, size: int) -> int | None:
    """A number in a structure in the caller's memory; None where it could not be read."""
    found = event.record.item(ItemKind.BYTES, arg)
    if found is None or len(found) < at + size:
        return None
    return int.from_bytes(found[at : at + size], "little")


def long_in_memory(arg: int, index: int) -> Read:
    """The so many-th long in memory: shorter in a program of 32 bits. The highest stands for no limit."""

    def read(event: LiveEvent) -> bytes:
        size = _LONG[is_compat(event)]
        found = memory_number(event, arg, index * size, size)
        if found is None:
            return NOT_AVAILABLE
        return _pack_unsigned(_LOW_64 if found == (1 << size * 8) - 1 else found)

    return read


def interval(arg: int, none: int | None = None) -> Read:
    """Seconds and nanoseconds in memory as nanoseconds; `none` stands for a pointer that is 0."""

    def read(event: LiveEvent) -> bytes:
        if none is not None and not event.record.args[arg]:
            return _pack_unsigned(none)
        found = event.record.item(ItemKind.BYTES, arg)
        pair = _COMPAT_PAIR if is_compat(event) else _NATIVE_PAIR
        if found is None or len(found) < pair.size:
            return NOT_AVAILABLE
        seconds, rest = pair.unpack_from(found)
        return _pack_unsigned((seconds * _NS_PER_S + rest) & _LOW_64)

    return read


def is_compat(event: LiveEvent) -> bool:
    """True for a call of a program of 32 bits, whose structures have other layouts."""
    return event.record.flags & RecordFlag.COMPAT != 0


def file_path(event: LiveEvent) -> bytes:
    """The path of the file that was opened."""
    found = event.opened
    return NOT_AVAILABLE if found is None else found.path + b"\0"


def file_device(event: LiveEvent) -> bytes:
    """Its device; 0 where none was opened."""
    return _pack_u32(event.device)


def file_inode(event: LiveEvent) -> bytes:
    """Its inode; 0 where none was opened."""
    found = event.opened
    return _pack_unsigned(0 if found is None else found.ino)


def returned_or_absent(event: LiveEvent) -> bytes:
    """A number of bytes that is known only where the call has worked."""
    ret = event.record.ret
    return _pack_u32(ret & _LOW_32) if ret >= 0 else NOT_AVAILABLE
