"""Fields: what rules can read from an event, declared once for matching, listing and docs."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from falcocore.errors import PluginError, nearest
from falcocore.types import LIST_ELEMENT_TYPES, FieldType, Value

Getter: TypeAlias = Callable[[Any], Value]
"""Takes the source's event, returns the value or None when the field is absent. Pure, no I/O."""


_G = TypeVar("_G", bound=Getter)


def depends_on(attribute: str) -> Callable[[_G], _G]:
    """Say that a getter's value depends on nothing but one attribute of the event.

    `attribute` may be a path with dots, such as `record.verb`, to a value that can be hashed. Where rules
    dispatch on the field, the attribute is read in place of calling the getter for each event, which is then
    called once for each value of the attribute.
    """

    def mark(getter: _G) -> _G:
        setattr(getter, _ATTRIBUTE, attribute)
        return getter

    return mark


def attribute_of(getter: Getter) -> str | None:
    """The attribute that a getter depends on, None where none was named."""
    found: str | None = getattr(getter, _ATTRIBUTE, None)
    return found


_ATTRIBUTE = "depends_on_attribute"


class ArgumentKind(enum.Enum):
    """What stands in the brackets of `field[argument]`."""

    INDEX = "index"
    KEY = "key"


class Several(enum.Enum):
    """What a check means on a field that has several values at once, such as both ends of a connection."""

    ANY = "it holds where it holds for one of them"
    EITHER = "the same, but `!=` holds only where it holds for all of them"


@dataclass(frozen=True, slots=True)
class Argument:
    """The argument that a field takes. An index reaches the field's `getter` as int, a key as str.

    A `dotted` one may also stand behind a dot: `evt.arg.flags` is `evt.arg[flags]`.
    """

    kind: ArgumentKind
    required: bool = False
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a source.

    `getter` is called with the event. For a field with an `argument` it is a factory instead: it is
    called once, when a rule is compiled, with the parsed argument (None where an optional one is left
    out), and returns the getter; it raises ValueError with a message for an argument that it refuses.
    Where type or cardinality depend on the argument it returns the Field (one without argument) that is
    meant.

    With `several` the getter returns a list, and checks look at each value; in alerts it stands as what
    `captured` returns. A field that is not `printable` can't stand in an output, one that is not
    `filterable` can't stand in a condition.

    `needs` names what must have been collected for the field to be present (an audit level, a kernel
    version). `suggested` puts it in the output of `append_output: suggested_output`.
    `text` turns a present value into its text in alerts, where the type's own rendering is not wanted.
    `captured` is a getter used instead of `getter` for alerts: `evt.time` compares as text but stands in
    JSON as nanoseconds. `of_stream` is for the core's own `evt.*` fields: their getters are called with
    (event, stream).
    """

    name: str
    type: FieldType
    doc: str
    getter: Callable[..., Any]
    is_list: bool = False
    argument: Argument | None = None
    needs: tuple[str, ...] = ()
    suggested: bool = False
    transformable: bool = True
    usable_on_right: bool = True
    deprecated: bool = False
    printable: bool = True
    filterable: bool = True
    several: Several | None = None
    text: Callable[[Any], str] | None = None
    captured: Callable[..., Any] | None = None
    of_stream: bool = False

    def __post_init__(self) -> None:
        if self.is_list and self.type not in LIST_ELEMENT_TYPES:
            raise ValueError(f"field {self.name}: a list of {self.type.label} is not possible")
        if self.captured is not None and self.argument is not None:
            raise ValueError(f"field {self.name}: `captured` and an argument exclude each other")
        if self.several is not None and self.printable and self.captured is None:
            raise ValueError(f"field {self.name}: several values need `captured` to be printed")


class FieldTable:
    """The fields of one source, by name, each with the plugin that declared it."""

    def __init__(self, source: str, fields: Iterable[tuple[Field, str]] = ()) -> None:
        self.source = source
        self._fields: dict[str, tuple[Field, str]] = {}
        for field, owner in fields:
            self.add(field, owner)

    def add(self, field: Field, owner: str) -> None:
        """Add a field declared by `owner`.

        Raises:
            PluginError: another plugin declared a field of that name for this source.
        """
        if field.name in self._fields:
            raise PluginError(
                f"field {field.name} of source {self.source} is declared twice: "
                f"by {self._fields[field.name][1]} and by {owner}",
                hint="uninstall one of the two, or ask its author for another field name",
            )
        self._fields[field.name] = (field, owner)

    def get(self, name: str) -> Field | None:
        """The field of that name, or None."""
        found = self._fields.get(name)
        return found[0] if found else None

    def split(self, name: str) -> tuple[str, str] | None:
        """`evt.arg.flags` as a field with a dotted argument and the argument; None if it is no such name."""
        end = len(name)
        while (end := name.rfind(".", 0, end)) > 0:
            field = self.get(name[:end])
            if field is not None:
                dotted = field.argument is not None and field.argument.dotted
                return (name[:end], name[end + 1 :]) if dotted else None
        return None

    def owner(self, name: str) -> str:
        """The plugin that declared the field `name`."""
        return self._fields[name][1]

    def nearest(self, name: str) -> str | None:
        """The field name most like `name`, for a message about an unknown field."""
        return nearest(name, self._fields)

    def __iter__(self) -> Iterator[Field]:
        return (field for field, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields
