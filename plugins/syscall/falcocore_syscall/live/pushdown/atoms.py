"""What a path has to begin with, to be, or to end in, for a check to hold; also of the one that calls.

Where a call has failed there is no resolved path. What the caller gave is then in `fd.name`, made absolute;
it is tested if it is that already (`is_plain`), other texts pass.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from falcocore.toolkit import BoundCheck, BoundField, PathPatterns
from falcocore_syscall.live.pushdown.classes import constants


class Part(enum.Enum):
    """Which part of a path an atom is about."""

    PREFIX = "begins with"
    PATH = "is"
    NAME = "is named"
    SUFFIX = "has a name that ends in"
    BEGINNING = "has a name that begins with"
    PIECE = "holds"
    CLIMBS = "was given with"
    """The path as the caller gave it holds `../`."""


class Atom(NamedTuple):
    """One test of a path: its text, or that of its last component."""

    part: Part
    text: bytes


CLIMBING = Atom(Part.CLIMBS, b"../")


def is_plain(raw: bytes) -> bool:
    """True for a path that is absolute as it stands, and has nothing in it that resolving would take out."""
    return raw[:1] == b"/" and b"//" not in raw and b"/." not in raw and raw[-1:] != b"/"


_WIDE = (Part.PREFIX, Part.PIECE)


def looseness(atoms: Iterable[Atom]) -> float:
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


def _in_directory(text: str) -> tuple[Atom, ...]:
    """The working directory ends in a slash, which the kernel's path does not have."""
    return _is(text.rstrip("/") or "/") if text.endswith("/") else ()


def _below_directory(text: str) -> tuple[Atom, ...]:
    return _below(text) if text.endswith("/") and text != "/" else _begins(text)


def _is_named(text: str) -> tuple[Atom, ...] | None:
    return None if "/" in text else (Atom(Part.NAME, _bytes(text)),)


def _is_named_with_beginning(text: str) -> tuple[Atom, ...] | None:
    return None if "/" in text else (Atom(Part.BEGINNING, _bytes(text)),)


def _is_named_with_end(text: str) -> tuple[Atom, ...] | None:
    return None if "/" in text else (Atom(Part.SUFFIX, _bytes(text)),)


def _fits(matches: Callable[..., object]) -> tuple[Atom, ...] | None:
    """A glob, of which the checker keeps the expression's method: what stands before its first wildcard."""
    prefix, whole = _literal(matches)
    if whole:
        return _is(prefix)
    found = [atoms for atoms in (_begins(prefix), _ends(_literal_end(matches))) if atoms is not None]
    useful = [atoms for atoms in found if not _is_no_test(atoms[0])]
    return min(useful, key=looseness, default=None)


def _fits_name(matches: Callable[..., object]) -> tuple[Atom, ...] | None:
    prefix, whole = _literal(matches)
    if whole:
        return _is_named(prefix)
    end = _literal_end(matches)
    return _is_named_with_end(end) if len(end) > len(prefix) else _is_named_with_beginning(prefix)


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
    "proc.exe": {"=": _is, "in": _is, "intersects": _is, "startswith": _begins},
    "proc.cwd": {
        "=": _in_directory,
        "in": _in_directory,
        "intersects": _in_directory,
        "startswith": _below_directory,
    },
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
        "startswith": _is_named_with_beginning,
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
