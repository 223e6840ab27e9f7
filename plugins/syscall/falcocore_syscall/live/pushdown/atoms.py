"""What a path has to begin with, to be, or to end in, for a condition to hold: in which class of calls.

Of a condition the *demand* is computed: in each class nothing can make it hold, or anything may, or only
paths that fit one of some atoms. It is an upper bound: the kernel may send more than rules match, never less.

Two things that a kernel could look at are left alone. The name of a task (`comm`) is not `proc.name`: that is
the one that the last exec has given, while prctl(PR_SET_NAME) changes the kernel's, so that a thread could
hide behind another name. And where a call has failed there is no resolved path. What the caller gave is then
in `fd.name`, made absolute; it is tested if it is that already (`is_plain`), other texts pass.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from falcocore.toolkit import BoundAnd, BoundCheck, BoundField, BoundNode, BoundNot, BoundOr, PathPatterns
from falcocore_syscall.live.pushdown.classes import CLASSES, EVERY, NONE, Verdict, constants


class Part(enum.Enum):
    """Which part of a path an atom is about."""

    PREFIX = "begins with"
    PATH = "is"
    NAME = "is named"
    SUFFIX = "has a name that ends in"
    PIECE = "holds"
    CLIMBS = "was given with"
    """The path as the caller gave it holds `../`."""


class Atom(NamedTuple):
    """One test of a path: its text, or that of its last component."""

    part: Part
    text: bytes

    def holds(self, path: bytes, raw: bytes) -> bool:
        """True for an absolute path that passes the test; `raw` is how the caller gave it."""
        match self.part:
            case Part.CLIMBS:
                return self.text in raw
            case Part.PREFIX:
                return path.startswith(self.text)
            case Part.PATH:
                return path == self.text
            case Part.PIECE:
                return self.text in path
            case Part.NAME:
                return path.rpartition(b"/")[2] == self.text
            case Part.SUFFIX:
                return path.rpartition(b"/")[2].endswith(self.text)


@dataclass(frozen=True, slots=True)
class Demand:
    """The classes in which any event may make a condition hold, and those in which an atom has to."""

    anything: int = NONE
    atoms: Mapping[Atom, int] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """All classes in which the condition may hold."""
        found = self.anything
        for classes in self.atoms.values():
            found |= classes
        return found

    def within(self, classes: int) -> Demand:
        """The same in fewer classes."""
        return Demand(
            self.anything & classes,
            {atom: left for atom, its in self.atoms.items() if (left := its & classes)},
        )


NOTHING = Demand()
ANYTHING = Demand(EVERY)
CLIMBING = Atom(Part.CLIMBS, b"../")

Decide = Callable[[BoundCheck], Verdict]


def is_plain(raw: bytes) -> bool:
    """True for a path that is absolute as it stands, and has nothing in it that resolving would take out."""
    return raw[:1] == b"/" and b"//" not in raw and b"/." not in raw and raw[-1:] != b"/"


def may_hold(node: BoundNode, decide: Decide, paths: int) -> Demand:
    """When a condition may hold; `paths` are the classes of calls that have a path."""
    match node:
        case BoundCheck():
            return _check_holds(node, decide(node), paths)
        case BoundNot(child):
            return may_fail(child, decide, paths)
        case BoundAnd(children):
            return _all(children, may_hold, decide, paths)
        case BoundOr(children):
            return _any(children, may_hold, decide, paths)


def may_fail(node: BoundNode, decide: Decide, paths: int) -> Demand:
    """When a condition may not hold."""
    match node:
        case BoundCheck():
            return Demand(EVERY & ~decide(node).holds)
        case BoundNot(child):
            return may_hold(child, decide, paths)
        case BoundAnd(children):
            return _any(children, may_fail, decide, paths)
        case BoundOr(children):
            return _all(children, may_fail, decide, paths)


_Half = Callable[[BoundNode, Decide, int], Demand]


def _check_holds(check: BoundCheck, verdict: Verdict, paths: int) -> Demand:
    possible = EVERY & ~verdict.fails
    tested = possible & ~verdict.holds & paths
    atoms = path_atoms(check) if tested else None
    if atoms is None:
        return Demand(possible)
    return Demand(possible & ~tested, dict.fromkeys(atoms, tested))


def _any(children: Iterable[BoundNode], half: _Half, decide: Decide, paths: int) -> Demand:
    return joined(half(child, decide, paths) for child in children)


def joined(demands: Iterable[Demand]) -> Demand:
    """The demand of whoever has one of these."""
    anything = NONE
    atoms: dict[Atom, int] = {}
    for demand in demands:
        anything |= demand.anything
        for atom, classes in demand.atoms.items():
            atoms[atom] = atoms.get(atom, NONE) | classes
    if anything == EVERY:
        return ANYTHING
    return Demand(anything, {atom: left for atom, its in atoms.items() if (left := its & ~anything)})


def _all(children: Iterable[BoundNode], half: _Half, decide: Decide, paths: int) -> Demand:
    """In each class the demand of the child that lets the fewest events pass."""
    possible = EVERY
    demands: list[Demand] = []
    for child in children:
        demand = half(child, decide, paths)
        possible &= demand.classes
        if not possible:
            return NOTHING
        demands.append(demand)
    certain = possible
    for demand in demands:
        certain &= demand.anything
    parts = [Demand(certain)]
    for classes in _alike(possible & ~certain, demands):
        choices = [demand.within(classes) for demand in demands if not demand.anything & classes]
        parts.append(min(choices, key=lambda demand: _looseness(demand.atoms)))
    return joined(parts)


def _alike(classes: int, demands: Sequence[Demand]) -> Iterable[int]:
    """Sets of classes in which the same demands have atoms, and the same number of them."""
    found: dict[tuple[int | None, ...], int] = {}
    for number in range(CLASSES):
        if bit := classes & 1 << number:
            key = tuple(
                None if demand.anything & bit else sum(its & bit != 0 for its in demand.atoms.values())
                for demand in demands
            )
            found[key] = found.get(key, NONE) | bit
    return found.values()


_WIDE = (Part.PREFIX, Part.PIECE)


def _looseness(atoms: Iterable[Atom]) -> float:
    """How much passes these atoms, by guess: many short ones let more pass than a few long ones."""
    return sum(1 / (1 + len(atom.text)) ** (1 if atom.part in _WIDE else 2) for atom in atoms)


def path_atoms(check: BoundCheck) -> tuple[Atom, ...] | None:
    """The atoms of which one fits every path with which a check holds; None where there are none such."""
    if not isinstance(check.left, BoundField) or check.compares_operand:
        return None
    reader = _READERS.get(check.left.label, {}).get(check.operator.name)
    if reader is None:
        return None
    found: list[Atom] = []
    for text in _texts(check):
        atoms = reader(text)
        if atoms is None or any(_is_no_test(atom) for atom in atoms):
            return None
        found += atoms
    return tuple(found)


def _texts(check: BoundCheck) -> Iterable[Any]:
    """What a check compares with: texts, and of globs the methods that the checker makes of them."""
    for constant in constants(check):
        if isinstance(constant, PathPatterns):
            yield from constant.patterns
        else:
            yield constant


def _is_no_test(atom: Atom) -> bool:
    return not atom.text or (atom.text == b"/" and atom.part in (Part.PREFIX, Part.PIECE))


_Reader = Callable[..., "tuple[Atom, ...] | None"]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is(text: str) -> tuple[Atom, ...]:
    return (Atom(Part.PATH, _bytes(text)),)


def _begins(text: str) -> tuple[Atom, ...]:
    return (Atom(Part.PREFIX, _bytes(text)),)


def _holds(text: str) -> tuple[Atom, ...]:
    return (Atom(Part.PIECE, _bytes(text)),)


def _ends(text: str) -> tuple[Atom, ...] | None:
    """Behind a slash the whole name is known; nothing ends in a slash but the root."""
    _, slash, name = text.rpartition("/")
    return (Atom(Part.NAME if slash else Part.SUFFIX, _bytes(name)),) if name else None


def _below(directory: str) -> tuple[Atom, ...]:
    """A directory itself, or what is in it."""
    path = directory.rstrip("/")
    return (Atom(Part.PATH, _bytes(path)), Atom(Part.PREFIX, _bytes(path + "/")))


_GLOB = re.compile(r"[*?\[]")


def _below_pattern(pattern: str) -> tuple[Atom, ...]:
    """What `pmatch` takes: whole components, up to the first one that is a glob."""
    path = ""
    for component in filter(None, pattern.split("/")):
        if _GLOB.search(component):
            return (Atom(Part.PREFIX, _bytes(path + "/")),)
        path += "/" + component
    return _below(path)


def _is_named(text: str) -> tuple[Atom, ...] | None:
    return None if "/" in text else (Atom(Part.NAME, _bytes(text)),)


def _is_named_with_end(text: str) -> tuple[Atom, ...] | None:
    return None if "/" in text else (Atom(Part.SUFFIX, _bytes(text)),)


def _fits(matches: Callable[..., object]) -> tuple[Atom, ...] | None:
    """A glob, of which the checker keeps the expression's method: what stands before its first wildcard."""
    prefix, whole = _literal(matches)
    if whole:
        return _is(prefix)
    found = [atoms for atoms in (_begins(prefix), _ends(_literal_end(matches))) if atoms is not None]
    useful = [atoms for atoms in found if not _is_no_test(atoms[0])]
    return min(useful, key=_looseness, default=None)


def _fits_name(matches: Callable[..., object]) -> tuple[Atom, ...] | None:
    prefix, whole = _literal(matches)
    return _is_named(prefix) if whole else _is_named_with_end(_literal_end(matches))


def _expression(matches: Callable[..., object]) -> str:
    pattern: str = matches.__self__.pattern  # type: ignore[attr-defined]
    return pattern


_LITERAL = re.compile(r"(?:\\[^A-Za-z0-9]|[^\\.*+?()\[\]{}^$|])*", re.DOTALL)


def _literal(matches: Callable[..., object]) -> tuple[str, bool]:
    """What an expression of `compile_glob` begins with, and whether that is all of it."""
    expression = _expression(matches)
    found = _LITERAL.match(expression)
    end = 0 if found is None else found.end()
    return _unquoted(expression[:end]), end == len(expression)


def _literal_end(matches: Callable[..., object]) -> str:
    """What stands behind the last star, where nothing there is a wildcard."""
    last = _expression(matches).rpartition(".*")[2]
    return _unquoted(last) if _LITERAL.fullmatch(last) else ""


def _unquoted(expression: str) -> str:
    return re.sub(r"\\(.)", r"\1", expression, flags=re.DOTALL)


def _climbs(text: str) -> tuple[Atom, ...] | None:
    return (CLIMBING,) if "../" in text else None


def _climbs_by_glob(matches: Callable[..., object]) -> tuple[Atom, ...] | None:
    return (CLIMBING,) if r"\.\./" in _expression(matches) else None


_READERS: Mapping[str, Mapping[str, _Reader]] = {
    "fd.name": {
        "=": _is,
        "in": _is,
        "intersects": _is,
        "startswith": _begins,
        "endswith": _ends,
        "contains": _holds,
        "pmatch": _below_pattern,
        "glob": _fits,
    },
    "fd.directory": {
        "=": _below,
        "in": _below,
        "intersects": _below,
        "startswith": _begins,
        "contains": _holds,
        "pmatch": _below_pattern,
    },
    "fd.filename": {
        "=": _is_named,
        "in": _is_named,
        "intersects": _is_named,
        "endswith": _is_named_with_end,
        "contains": _holds,
        "glob": _fits_name,
    },
    "fd.nameraw": {
        "=": _climbs,
        "in": _climbs,
        "intersects": _climbs,
        "startswith": _climbs,
        "endswith": _climbs,
        "contains": _climbs,
        "glob": _climbs_by_glob,
    },
}
"""How the constant of a check becomes atoms, by field and operator.

`fs.path.name` is not here: it is what the caller gave, made absolute; the kernel tests where that has led.
"""
