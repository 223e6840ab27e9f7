"""The tree of a condition after checking: fields found, literals converted, operators chosen."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from falcocore.fields import Field
from falcocore.lang.text import Place
from falcocore.types import FieldType, Kind, Value

if TYPE_CHECKING:
    from falcocore.lang.operators import Operator
    from falcocore.lang.transformers import Transformer


@dataclass(frozen=True, slots=True)
class BoundField:
    """A field with its argument; two with the same label are extracted once."""

    field: Field
    label: str
    """The field as written, such as `ka.target.name` or `jevt.value[/stage]`."""
    getter: Callable[..., Any]

    @property
    def type(self) -> FieldType:
        """The type of its values."""
        return self.field.type

    @property
    def is_list(self) -> bool:
        """True where a value is a list."""
        return self.field.is_list

    def text(self, value: Value) -> str:
        """The value as it stands in an alert's text."""
        if isinstance(value, str) and self.field.text is None:
            return value  # Most are such: no further look at types.
        if value is None or value == []:
            return "<NA>"
        if self.field.text is not None:
            return self.field.text(value)
        if isinstance(value, list | tuple):
            return value_text_list(value, self.type)
        return value_text(value, self.type)

    def json_value(self, value: Value) -> Any:
        """The value as it stands in `output_fields`."""
        if isinstance(value, str):
            return value
        if value is None or value == []:
            return None
        if self.type.kind in _JSON_AS_TEXT:
            return [value_text(v, self.type) for v in value] if isinstance(value, list) else self.text(value)
        if self.type.kind is Kind.DOUBLE and isinstance(value, float):
            return int(value) if math.isfinite(value) else None
        return value


@dataclass(frozen=True, slots=True)
class BoundTransform:
    """A transformer with its operands: bound fields and transforms, str constants, or a tuple of these."""

    transformer: Transformer
    arguments: tuple[BoundArgument, ...]
    type: FieldType
    is_list: bool
    index: str | None = None


BoundOperand: TypeAlias = BoundField | BoundTransform
BoundArgument: TypeAlias = "BoundField | BoundTransform | str | tuple[BoundArgument, ...]"


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """`left operator right`: right is a converted constant or an operand.

    With a modifier, `right` is a tuple of constants. `exists` has None.
    """

    left: BoundOperand
    operator: Operator
    right: Any
    modifier: str | None = None
    place: Place | None = None

    @property
    def compares_operand(self) -> bool:
        """True where the right side is a field or a transform, not a constant."""
        return isinstance(self.right, BoundField | BoundTransform)


@dataclass(frozen=True, slots=True)
class BoundNot:
    """Negation."""

    child: BoundNode


@dataclass(frozen=True, slots=True)
class BoundAnd:
    """All of two or more."""

    children: tuple[BoundNode, ...]


@dataclass(frozen=True, slots=True)
class BoundOr:
    """One of two or more."""

    children: tuple[BoundNode, ...]


BoundNode: TypeAlias = BoundAnd | BoundOr | BoundNot | BoundCheck
"""A condition, or a part of one."""


def checks(node: BoundNode) -> Iterator[BoundCheck]:
    """Every check of a condition, in order."""
    match node:
        case BoundCheck():
            yield node
        case BoundNot(child):
            yield from checks(child)
        case BoundAnd(children) | BoundOr(children):
            for inner in children:
                yield from checks(inner)


_JSON_AS_TEXT = frozenset({Kind.IPADDR, Kind.IPNET, Kind.BUFFER})
LIST_TEXT_BYTES = 1023
"""Falco cuts the text of a list and of a buffer at this many bytes."""


def value_text(value: Any, of: FieldType) -> str:
    """The text of one present value (output-format, section 2)."""
    match of.kind:
        case Kind.BOOL:
            return "true" if value else "false"
        case Kind.DOUBLE:
            return f"{value:.1f}"
        case Kind.IPADDR:
            return _address_text(value)
        case Kind.IPNET:
            return "<IPNET>"
        case Kind.BUFFER:
            return "".join(chr(b) if 32 <= b < 127 else "." for b in value[:LIST_TEXT_BYTES])
        case _:
            return value if isinstance(value, str) else str(value)


def _address_text(value: Any) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:  # bytes of another length: an alert must not be lost for what a plugin got wrong
        return "<NA>"


def value_text_list(values: Any, of: FieldType) -> str:
    """The text of a present list value: `(a,b)`, cut at LIST_TEXT_BYTES."""
    text = "(" + ",".join(value_text(v, of) for v in values) + ")"
    raw = text.encode("utf-8", "surrogateescape")
    return text if len(raw) <= LIST_TEXT_BYTES else raw[:LIST_TEXT_BYTES].decode("utf-8", "surrogateescape")
