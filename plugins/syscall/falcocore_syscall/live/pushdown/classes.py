"""The 64 classes of calls that the kernel tells apart at no cost, and what each says of fields.

A class has six bits. Sets of classes are 64-bit numbers: the bit of its number tells that a class is in it.

* bits 0 and 1: how a file is opened (1 to read, 2 to write, 3 both, 0 neither), or the family of a socket
  (1 unix, 2 IPv4, 3 IPv6, 0 another, or not known; of what a call returns, 0 also where it is no socket);
* bit 2: the call has failed, its result is negative;
* bit 3: `container.id` is not `host`;
* bit 4: `user.uid` is 0;
* bit 5: a file is opened with O_DIRECTORY.

What is said here of a field has to hold for every event of the class, as the getters of `fields/` see it: an
event has the newest type of its call's name, its process the user and container of this very call, and
`evt.num` counts from 1.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from falcocore.api import Value
from falcocore.toolkit import BoundCheck, evaluate_check
from falcocore_syscall.rendering import errno_name
from falcocore_syscall.state.fds import FdType
from falcocore_syscall.state.sockaddr import AF_INET, AF_INET6, AF_UNIX
from falcocore_syscall.tables import FLAG_TABLES

CLASSES = 64
EVERY = (1 << CLASSES) - 1
NONE = 0
ACCESS, FAILED, CONTAINER, ROOT, DIRECTORY = 3, 4, 8, 16, 32
"""The bits of a class."""
READS, WRITES = 1, 2
UNIX, IPV4, IPV6 = 1, 2, 3
_LARGEST_ERROR = 4095


class Kind(enum.IntEnum):
    """What bits 0, 1 and 5 of a call's class are about; the values are those of the kernel's table."""

    PLAIN = 0
    OPEN = 1
    SOCKET = 2
    """The family is that of the descriptor in the first argument."""
    DOMAIN = 3
    """The family is the first argument."""
    RETURNED = 4
    """The family is that of the returned descriptor, 0 where that is no such socket."""


_FLAGGED_OPENS = ("open", "openat", "openat2")
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys((*_FLAGGED_OPENS, "creat"), Kind.OPEN),
    **dict.fromkeys(("connect", "bind", "sendto", "sendmsg"), Kind.SOCKET),
    "socket": Kind.DOMAIN,
    **dict.fromkeys(("dup", "dup2", "dup3"), Kind.RETURNED),
}
"""Kinds of calls by name; others are plain."""


def class_set(fits: Callable[[int], bool]) -> int:
    """The set of classes that fit."""
    return sum(1 << number for number in range(CLASSES) if fits(number))


FAILURES = class_set(lambda number: number & FAILED != 0)
SUCCESSES = EVERY & ~FAILURES
CONTAINERS = class_set(lambda number: number & CONTAINER != 0)
ROOTS = class_set(lambda number: number & ROOT != 0)
DIRECTORIES = class_set(lambda number: number & DIRECTORY != 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The classes in which a check holds for every event, and those in which it holds for none."""

    holds: int = NONE
    fails: int = NONE


OPEN_VERDICT = Verdict()
"""Nothing is known."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A field has one of these values; None is absence."""

    values: tuple[Value, ...]

    def candidates(self, check: BoundCheck) -> Sequence[Value] | None:
        """Values that stand for all: of many that are compared whole, those that are named, and another."""
        if len(self.values) < _MANY or check.operator.name not in _EQUALITIES:
            return self.values
        named = set(constants(check))
        other = next(value for value in self.values if value not in named)
        return [other, *named.intersection(self.values)]


@dataclass(frozen=True, slots=True)
class Between:
    """A field has a number from `low` to `high`."""

    low: int
    high: int

    def candidates(self, check: BoundCheck) -> Sequence[Value] | None:
        """The ends, and the constants with their neighbours: between these no comparison changes."""
        near = {number + by for number in constants(check) if isinstance(number, int) for by in (-1, 0, 1)}
        return [self.low, self.high, *(number for number in near if self.low <= number <= self.high)]


@dataclass(frozen=True, slots=True)
class AnyBut:
    """A field has some text that is not this one."""

    text: str

    def candidates(self, check: BoundCheck) -> Sequence[Value] | None:
        """The constants that it may be, and a text that is none of them; None where texts have to be read."""
        if check.operator.name not in _EQUALITIES:
            return None
        compared = {text for text in constants(check) if isinstance(text, str)}
        other = "".join(["?", *compared])
        return [other, *compared.difference({self.text})]


Domain: TypeAlias = OneOf | Between | AnyBut
Parts: TypeAlias = Sequence[tuple[int, Domain]]
"""What values a field has in which classes."""

PORTS = ("fd.sport", "fd.cport", "fd.lport", "fd.rport")
"""The fields of one port; `fd.port` has both."""
_MANY = 1000
_EQUALITIES = frozenset({"=", "!=", "in", "intersects", "exists"})
_SUCCESS = OneOf(("SUCCESS",))
_ERRORS = OneOf(tuple(dict.fromkeys(errno_name(-number) for number in range(1, _LARGEST_ERROR + 1))))


def constants(check: BoundCheck) -> Iterable[Any]:
    """The constants that a check compares with."""
    several = isinstance(check.right, tuple | frozenset)
    return check.right if several else (check.right,)


def decided(check: BoundCheck, parts: Parts) -> Verdict:
    """What is known of a check on one field, of which `parts` tells the values."""
    holds = fails = NONE
    for classes, domain in parts:
        values = domain.candidates(check)
        if values is None:
            continue
        outcomes = {_outcome(check, value) for value in values}
        if outcomes == {True}:
            holds |= classes
        elif outcomes == {False}:
            fails |= classes
    return Verdict(holds, fails)


def _outcome(check: BoundCheck, value: Value) -> bool:
    return evaluate_check(check, lambda _bound: value)


def _by(classes: int, inside: Domain, outside: Domain) -> Parts:
    return ((classes, inside), (EVERY & ~classes, outside))


def _flag(classes: int) -> Parts:
    return _by(classes, OneOf((True,)), OneOf((False,)))


_EVERY_CALL: Mapping[str, Parts] = {
    "evt.num": ((EVERY, Between(1, (1 << 64) - 1)),),
    "user.uid": _by(ROOTS, OneOf((0,)), Between(1, (1 << 32) - 1)),
    "container.id": _by(CONTAINERS, AnyBut("host"), OneOf(("host",))),
}
_RESULTS: Mapping[str, Parts] = {
    "evt.failed": _flag(FAILURES),
    "evt.rawres": _by(FAILURES, Between(-_LARGEST_ERROR, -1), Between(0, (1 << 63) - 1)),
    "evt.res": _by(FAILURES, _ERRORS, _SUCCESS),
}


def _of_opens(name: str) -> Mapping[str, Parts]:
    """What is known of calls that make a descriptor for a path."""
    has_flags = name in _FLAGGED_OPENS
    directories = SUCCESSES & DIRECTORIES if has_flags else NONE
    guessed = "o" if name == "open" else "f"
    known: dict[str, Parts] = {
        "fd.num": _by(FAILURES, OneOf((-1,)), Between(0, (1 << 31) - 1)),
        "fd.sockfamily": ((EVERY, OneOf((None,))),),
        **{
            field: (
                (FAILURES, OneOf((failed,))),
                (directories, OneOf((of_directory,))),
                (SUCCESSES & ~directories, OneOf((of_file,))),
            )
            for field, failed, of_directory, of_file in (
                ("fd.type", None, "directory", "file"),
                ("fd.typechar", guessed, "d", "f"),
            )
        },
    }
    if has_flags:
        for field, bit in (("evt.is_open_read", READS), ("evt.is_open_write", WRITES)):
            known[field] = _flag(_with_access(bit))
    return known


_FAMILIES: Mapping[int, tuple[str, ...]] = {
    UNIX: ("unix",),
    IPV4: ("ipv4", "ipv6"),
    IPV6: ("ipv4", "ipv6"),
}
"""What `fd.type` may be of a socket of each family."""


def _of_sockets(known_in: int, guessed: str) -> dict[str, Parts]:
    """What is known of sockets in these classes; an IPv4 address may be written as one of IPv6.

    The state may not know the socket: then its type is guessed.
    """
    types: list[tuple[int, Domain]] = []
    chars: list[tuple[int, Domain]] = []
    families: list[tuple[int, Domain]] = []
    for family, letters, shown in (
        (UNIX, ("u",), "unix"),
        (IPV4, ("4", "6"), "ip"),
        (IPV6, ("4", "6"), "ip"),
    ):
        labels = _FAMILIES[family]
        classes = known_in & _of_family(family)
        types.append((classes, OneOf((None, *labels))))
        chars.append((classes, OneOf((guessed, *letters))))
        families.append((classes, OneOf((None, shown))))
    portless: Parts = [(known_in & _of_family(UNIX), OneOf((None,)))]
    known: dict[str, Parts] = {"fd.type": types, "fd.typechar": chars, "fd.sockfamily": families}
    return {**known, **dict.fromkeys(PORTS, portless)}


def _of_returned() -> Mapping[str, Parts]:
    """What is known of calls that return any descriptor."""
    known = _of_sockets(SUCCESSES, "o")
    sockets = (*_FAMILIES[UNIX], *_FAMILIES[IPV4])
    others = [kind for kind in FdType if kind.label not in sockets]
    no_socket = SUCCESSES & _of_family(0)
    known["fd.type"] = [*known["fd.type"], (no_socket, OneOf((None, *{kind.label for kind in others})))]
    known["fd.typechar"] = [*known["fd.typechar"], (no_socket, OneOf(tuple({kind.char for kind in others})))]
    known["fd.sockfamily"] = [*known["fd.sockfamily"], (no_socket, OneOf((None,)))]
    return known


def _of_new_sockets() -> Mapping[str, Parts]:
    """What is known of `socket`."""
    domains: Parts = [
        (_of_family(family), OneOf((_domain_text(number),)))
        for family, number in ((UNIX, AF_UNIX), (IPV4, AF_INET), (IPV6, AF_INET6))
    ]
    return {**_of_sockets(SUCCESSES, "4"), "evt.arg.domain": domains}


def _with_access(bit: int) -> int:
    return class_set(lambda number: number & bit != 0)


def _of_family(family: int) -> int:
    return class_set(lambda number: number & ACCESS == family)


def _domain_text(number: int) -> str:
    return "|".join(name for name, value in FLAG_TABLES["socket_families"] if value == number)


def known_parts(name: str, *, has_result: bool) -> Mapping[str, Parts]:
    """By field what the classes of a call say of its value; a generic event carries no result."""
    known = {**_EVERY_CALL, **(_RESULTS if has_result else {})}
    match KINDS.get(name, Kind.PLAIN):
        case Kind.OPEN:
            known.update(_of_opens(name))
        case Kind.SOCKET:
            known.update(_of_sockets(EVERY, "o"))
        case Kind.DOMAIN:
            known.update(_of_new_sockets())
        case Kind.RETURNED:
            known.update(_of_returned())
        case Kind.PLAIN:
            pass
    return known
