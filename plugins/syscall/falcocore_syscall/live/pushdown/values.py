"""What the kernel has to find in a call for a check to hold, or not to hold.

The name of a task (`comm`) is not `proc.name`: that is the one that the last exec has given, while
prctl(PR_SET_NAME) changes the kernel's, so that a thread could hide behind another name. The kernel program
therefore keeps the names that execs have given.
"""

from __future__ import annotations

from collections.abc import Sequence

from falcocore.api import Value
from falcocore.toolkit import BoundCheck, BoundField, evaluate_check
from falcocore_syscall.live.pushdown.atoms import CLIMBING, Atom, path_atoms
from falcocore_syscall.live.pushdown.classes import PORTS, Kind, constants
from falcocore_syscall.live.pushdown.needs import EVERY_USER, Names, Needs, Ranges, ranges_of

_MOST_PORT = (1 << 16) - 1
_PORTS = frozenset({*PORTS, "fd.port"})
_NAMES = ("proc.name", "proc.pname", "proc.aname")
_MARKS = {
    "proc.is_exe_writable": "exe_writable",
    "proc.is_exe_upper_layer": "exe_upper_layer",
    "proc.is_exe_lower_layer": "exe_lower_layer",
    "proc.is_exe_from_memfd": "exe_from_memfd",
}
_EQUALITIES = frozenset({"=", "!=", "in", "intersects"})
_COMPARISONS = _EQUALITIES | {"<", "<=", ">", ">="}


def needs_of(check: BoundCheck, kind: Kind, *, holds: bool) -> Needs | None:
    """What has to be found in a call of a kind for a check to hold, or to fail; None where nothing is known.

    A user and a program are always there. A path, ports or ancestors may be missing, and then a check fails.
    """
    if not isinstance(check.left, BoundField) or check.compares_operand:
        return None
    label = check.left.label
    if holds and (atoms := path_atoms(check)):
        return _needs_of_atoms(label, frozenset(atoms), kind)
    if label == "user.uid":
        users = _numbers(check, EVERY_USER[0][1], holds=holds)
        return None if users is None else Needs(users=users)
    if holds and kind is Kind.SOCKET and label in _PORTS:
        ports = _numbers(check, _MOST_PORT, holds=True)
        return None if ports is None else Needs(ports=ports)
    if label in _MARKS:
        is_needed = _outcome(check, True) is holds and _outcome(check, False) is not holds
        return Needs(marks=frozenset({_MARKS[label]})) if is_needed else None
    return _needs_of_names(check, label, holds=holds)


def _needs_of_names(check: BoundCheck, label: str, *, holds: bool) -> Needs | None:
    """Where there is no parent the kernel knows no name of it either, and sends the call."""
    names = _names(check, holds=holds) if label in _NAMES else None
    if names is None:
        return None
    if label == "proc.name":
        return Needs(programs=names)
    if label == "proc.pname":
        return Needs(parents=names)
    return Needs(ancestors=names) if holds and not names.others else None


def _needs_of_atoms(label: str, atoms: frozenset[Atom], kind: Kind) -> Needs | None:
    if label == "proc.exe":
        return Needs(exes=atoms)
    if label == "proc.cwd":
        return Needs(directories=atoms)
    if kind is not Kind.OPEN:
        return None
    return Needs(climbs=True) if CLIMBING in atoms else Needs(paths=atoms)


def _numbers(check: BoundCheck, most: int, *, holds: bool) -> Ranges | None:
    """The numbers from 0 to `most` with which a check holds, or fails; None for all of them.

    Of a field with several values it is one of them that has to be in there.
    """
    compared = list(constants(check))
    if check.operator.name not in _COMPARISONS or not all(isinstance(number, int) for number in compared):
        return None
    pieces = _pieces(sorted({number for number in compared if 0 <= number <= most}), most)
    found = ranges_of(piece for piece in pieces if _outcome(check, piece[0]) is holds)
    return None if found == ((0, most),) else found


def _outcome(check: BoundCheck, value: Value) -> bool:
    """Whether a check holds for a value, or where there may be several, for it alone."""
    several = isinstance(check.left, BoundField) and check.left.field.several
    return evaluate_check(check, lambda _bound: (value,) if several else value)


def _pieces(numbers: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Ranges in which no comparison with these numbers changes."""
    pieces = [(number, number) for number in numbers]
    starts = [0, *(number + 1 for number in numbers)]
    ends = [*(number - 1 for number in numbers), most]
    pieces += [(start, end) for start, end in zip(starts, ends, strict=True) if start <= end]
    return pieces


def _names(check: BoundCheck, *, holds: bool) -> Names | None:
    compared = {text for text in constants(check) if isinstance(text, str)}
    if check.operator.name not in _EQUALITIES or not compared:
        return None
    others = _outcome(check, "".join(["?", *compared])) is holds
    listed = (text for text in compared if (_outcome(check, text) is holds) is not others)
    return Names(frozenset(text.encode("utf-8", "surrogateescape") for text in listed), others=others)
