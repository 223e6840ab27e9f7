"""What is known of one system call: what the kernel captures of it, and how that becomes an event."""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, TypeAlias

from falcocore_syscall.live.flags import NUMBERS, Numbers
from falcocore_syscall.live.pushdown.classes import CLASSES
from falcocore_syscall.tables import EVENTS, SYSCALL_NAMES, SYSCALL_TYPES

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent
    from falcocore_syscall.state.fds import Fd

Read: TypeAlias = "Callable[[LiveEvent], bytes]"
"""Gives the bytes of one parameter; none where it is not available."""
Found: TypeAlias = "tuple[int, Fd | None, str | None]"
"""The number of the descriptor that an event is about, what it stands for, and its name before the event."""
Find: TypeAlias = "Callable[[LiveEvent], Found]"

MOST_OPS = 8
NO_ARGUMENT = 255
"""Stands for the working directory in place of a descriptor, and for flags that a call does not have."""
FLAGS_IN_STRUCTURE = 254
"""Says that the flags of an open stand in a structure in memory."""
_IN_MESSAGE = 254
"""Says that the length of an address, and the address, stand in a structure in memory."""
_OP = struct.Struct("<BBBxHxx")
_ENTRY = struct.Struct(f"<BBBBBBBx{CLASSES}QQ")
_CODES = {name: code for code, name in enumerate(SYSCALL_NAMES)}
ENTRY_BYTES = _ENTRY.size + MOST_OPS * _OP.size


class OpKind(enum.IntEnum):
    """What the kernel program can capture."""

    TEXT = 1
    PATH = 2
    FD = 3
    ADDRESS = 4
    ADDRESS_OUT = 5
    BYTES = 6
    MEMORY = 7
    IOVEC = 8
    MESSAGE = 9
    VECTOR = 10
    CWD = 11
    PROCESS = 12


@dataclass(frozen=True, slots=True)
class Op:
    """One thing to capture; what the numbers mean depends on the kind."""

    kind: OpKind
    arg: int = 0
    arg2: int = 0
    size: int = 0

    def packed(self) -> bytes:
        """As it stands in the kernel's table."""
        return _OP.pack(self.kind, self.arg, self.arg2, self.size)


def _nothing_found(_event: LiveEvent) -> Found:
    return -1, None, None


@dataclass(frozen=True, slots=True)
class Call:
    """One system call. `reads` has the parameters of its type of event in their order.

    `flags_arg` is the argument with the flags of an open, and that with the family of a call that makes
    sockets. `makes_two_at` is the argument that points to the numbers of two new descriptors.
    """

    name: str
    type: int
    reads: tuple[Read, ...]
    ops: tuple[Op, ...] = ()
    find: Find = _nothing_found
    flags_arg: int = NO_ARGUMENT
    makes_two_at: int | None = None
    numbers: Numbers = field(default=NUMBERS["x86_64"], repr=False)

    def packed(self, action: int = 0, kind: int = 0, groups: Sequence[int] = (0,) * CLASSES) -> bytes:
        """The entry of the kernel's table; with action 0 nothing is captured.

        `kind` says by what classes are told apart, `groups` are the sets of groups of rules by class.
        """
        path_arg = next((op.arg for op in self.ops if op.kind is OpKind.PATH), 0)
        address = next(((op.arg, op.arg2) for op in self.ops if op.kind is OpKind.ADDRESS), None)
        if address is None:
            message = next((op.arg for op in self.ops if op.kind is OpKind.MESSAGE), None)
            address = (0, NO_ARGUMENT) if message is None else (message, _IN_MESSAGE)
        every = reduce(or_, groups)
        head = _ENTRY.pack(action, kind, self.flags_arg, len(self.ops), path_arg, *address, *groups, every)
        return (head + b"".join(op.packed() for op in self.ops)).ljust(ENTRY_BYTES, b"\0")


def call(name: str, *reads: Read, **more: Any) -> tuple[str, Call]:
    """The system call of that name, which has a type of event of its own; `more` are fields of Call."""
    kind = SYSCALL_TYPES[_CODES[name]]
    if len(reads) != len(EVENTS[kind].params):
        raise ValueError(f"{name} has {len(EVENTS[kind].params)} parameters, not {len(reads)}")
    return name, Call(EVENTS[kind].name, kind, reads, **more)


def text(arg: int) -> Op:
    """A text."""
    return Op(OpKind.TEXT, arg)


def path(arg: int, dirfd: int = NO_ARGUMENT) -> Op:
    """A path, and what it is relative to."""
    return Op(OpKind.PATH, arg, dirfd)


def fd(arg: int) -> Op:
    """What a descriptor stands for; 6 is the returned one."""
    return Op(OpKind.FD, arg)


def address(arg: int, length_arg: int) -> Op:
    """An address that the caller gives."""
    return Op(OpKind.ADDRESS, arg, length_arg)


def address_out(arg: int, length_arg: int) -> Op:
    """An address that the caller gets; its length stands in memory too."""
    return Op(OpKind.ADDRESS_OUT, arg, length_arg)


def data(arg: int, length_arg: int, size: int) -> Op:
    """Memory whose length is an argument, or 6: what is returned."""
    return Op(OpKind.BYTES, arg, length_arg, size)


def memory(arg: int, size: int) -> Op:
    """Memory of one size."""
    return Op(OpKind.MEMORY, arg, 0, size)


def vectors(arg: int, count_arg: int, size: int) -> Op:
    """The first of what a vector of pieces of memory holds."""
    return Op(OpKind.IOVEC, arg, count_arg, size)


def message(arg: int, size: int) -> Op:
    """The address and the first bytes of a message."""
    return Op(OpKind.MESSAGE, arg, 0, size)


def arguments(arg: int) -> Op:
    """The arguments of a program."""
    return Op(OpKind.VECTOR, arg, 0)


def environment(arg: int) -> Op:
    """The environment of a program."""
    return Op(OpKind.VECTOR, arg, 1)


CWD = Op(OpKind.CWD)
PROCESS = Op(OpKind.PROCESS)
