"""The tree of a condition as it was written; equality ignores places and quoting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from falcocore.lang.text import Place


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `text` is without quotes and escapes; a bare one may turn out to be a list's name."""

    text: str
    bare: bool = field(default=True, compare=False)
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FieldRef:
    """`name` or `name[argument]`; on the right of an operator it was written `val(...)`."""

    name: str
    argument: str | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Group:
    """`(a, "b", 1)` as an argument of a transformer."""

    items: tuple[FieldRef | Transform | Literal, ...]
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Transform:
    """`name(arguments)`, or `name(arguments)[index]`."""

    name: str
    arguments: tuple[FieldRef | Transform | Literal | Group, ...]
    index: str | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Values:
    """A list of constants: `(a, b)`, or a bare word after a list operator, which names a list."""

    items: tuple[Literal, ...]
    place: Place | None = field(default=None, compare=False, repr=False)


Operand: TypeAlias = FieldRef | Transform
RightSide: TypeAlias = Literal | Values | FieldRef | Transform | None


@dataclass(frozen=True, slots=True)
class Check:
    """`left operator [modifier] right`. `==` is kept as `=`; `exists` has no right side."""

    left: Operand
    operator: str
    right: RightSide = None
    modifier: str | None = None
    place: Place | None = field(default=None, compare=False, repr=False)
    operator_place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MacroRef:
    """A word that stands for a macro's condition."""

    name: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """True where `child` is false; an absent field makes a check false, so its negation true."""

    child: Node
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """True where all children are, tried from left to right."""

    children: tuple[Node, ...]
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Or:
    """True where one child is, tried from left to right."""

    children: tuple[Node, ...]
    place: Place | None = field(default=None, compare=False, repr=False)


Node: TypeAlias = And | Or | Not | Check | MacroRef
