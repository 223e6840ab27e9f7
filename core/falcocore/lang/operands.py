"""Operands of a check bound to fields: names looked up, arguments parsed, types found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from falcocore.errors import FalcocoreError
from falcocore.fields import Argument, ArgumentKind, Field, FieldTable
from falcocore.lang.bound import BoundArgument, BoundField, BoundOperand, BoundTransform
from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.lang.syntax import FieldRef, Group, Literal, Operand, Transform
from falcocore.lang.text import Place
from falcocore.lang.transformers import TRANSFORMERS, Transformer
from falcocore.types import FieldType, Kind

Elsewhere = Callable[[str], Iterable[str]]
"""Names the sources that do have a field, for the message about an unknown one."""


def nowhere(_name: str) -> Iterable[str]:
    """For where only one source is known."""
    return ()


class BindError(FalcocoreError):
    """An operand that can't be bound."""

    def __init__(
        self, message: str, place: Place | None, *, hint: str | None = None, unknown_field: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.place = place
        self.unknown_field = unknown_field

    def diagnostic(self, code: Code, item: str | None) -> Diagnostic:
        """What to tell the author."""
        span = self.place.span if self.place else None
        return Diagnostic(code, self.message, span, item, self.hint, unknown_field=self.unknown_field)


def bind_operand(operand: Operand, fields: FieldTable, elsewhere: Elsewhere) -> BoundOperand:
    """Find the fields and check the transformers of one side of a check.

    Raises:
        BindError: unknown field, refused argument, or a transformer that doesn't take what it is given.
    """
    if isinstance(operand, FieldRef):
        return bind_field(operand, fields, elsewhere)
    return _bind_transform(operand, fields, elsewhere)


def bind_field(ref: FieldRef, fields: FieldTable, elsewhere: Elsewhere) -> BoundField:
    """Find a field and give it its argument."""
    field = fields.get(ref.name)
    if field is None and ref.argument is None and (parts := fields.split(ref.name)):
        bound = bind_field(FieldRef(parts[0], parts[1], ref.place), fields, elsewhere)
        return replace(bound, label=ref.name)
    if field is None:
        raise BindError(
            f"source {fields.source} has no field `{ref.name}`",
            ref.place,
            hint=_unknown_hint(ref.name, fields, elsewhere),
            unknown_field=ref.name,
        )
    label = ref.name if ref.argument is None else f"{ref.name}[{_quote_argument(ref.argument)}]"
    if field.argument is None:
        if ref.argument is not None:
            raise BindError(f"field `{ref.name}` takes no argument", ref.place)
        return BoundField(field, label, field.getter)
    argument = _argument(ref, field.argument)
    try:
        made = field.getter(argument)
    except ValueError as error:
        raise BindError(f"field `{ref.name}`: {error}", ref.place) from None
    return BoundField(made, label, made.getter) if isinstance(made, Field) else BoundField(field, label, made)


_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,19})\Z", re.ASCII)


def _argument(ref: FieldRef, argument: Argument) -> str | int | None:
    if ref.argument is None:
        if argument.required:
            raise BindError(
                f"field `{ref.name}` needs an argument: {ref.name}[{argument.kind.value}]", ref.place
            )
        return None
    if argument.kind is ArgumentKind.KEY:
        return ref.argument
    if not _INDEX.match(ref.argument) or int(ref.argument) >= 1 << 64:
        message = f"field `{ref.name}` takes an index: a number without leading zeros, of 64 bits"
        raise BindError(message, ref.place)
    return int(ref.argument)


def _unknown_hint(name: str, fields: FieldTable, elsewhere: Elsewhere) -> str:
    others = ", ".join(elsewhere(name))
    if others:
        return f"it is a field of source {others}: set the rule's `source:`"
    near = fields.nearest(name)
    listing = f"`falcocore list fields {fields.source}` shows all"
    return f"did you mean `{near}`? {listing}" if near else listing


def _quote_argument(argument: str) -> str:
    return f'"{argument}"' if re.search(r"""[\s='"]""", argument) else argument


def _bind_transform(transform: Transform, fields: FieldTable, elsewhere: Elsewhere) -> BoundTransform:
    transformer = TRANSFORMERS[transform.name]
    if transform.index is not None and transformer.name != "getopt":
        raise BindError(f"`{transformer.name}(...)` takes no index", transform.place)
    match transformer.name:
        case "join":
            return _bind_join(transform, transformer, fields, elsewhere)
        case "concat":
            return _bind_concat(transform, transformer, fields, elsewhere)
        case "getopt":
            return _bind_getopt(transform, transformer, fields, elsewhere)
    if len(transform.arguments) != 1 or not isinstance(transform.arguments[0], FieldRef | Transform):
        raise BindError(f"`{transformer.name}` takes one field or transformer", transform.place)
    inner = _transformable(bind_operand(transform.arguments[0], fields, elsewhere), transform)
    is_list = inner.is_list and not transformer.whole_list
    takes_any_list = inner.is_list and transformer.whole_list
    if inner.type.kind not in transformer.takes and not takes_any_list:
        raise BindError(f"`{transformer.name}` does not take {inner.type.label} values", transform.place)
    return BoundTransform(transformer, (inner,), transformer.result or inner.type, is_list)


def _transformable(operand: BoundOperand, transform: Transform) -> BoundOperand:
    if isinstance(operand, BoundField) and not operand.field.transformable:
        raise BindError(f"field `{operand.label}` can't be given to a transformer", transform.place)
    return operand


def _text_argument(
    argument: FieldRef | Transform | Literal | Group,
    transform: Transform,
    fields: FieldTable,
    elsewhere: Elsewhere,
) -> BoundArgument:
    """A single text: a constant, a field or a transformer."""
    if isinstance(argument, Literal):
        return argument.text
    if isinstance(argument, Group):
        raise BindError(f"`{transform.name}` takes no list here", argument.place)
    operand = _transformable(bind_operand(argument, fields, elsewhere), transform)
    if operand.is_list or operand.type.kind is not Kind.STRING:
        kind = f"a list of {operand.type.label}" if operand.is_list else operand.type.label
        raise BindError(f"`{transform.name}` takes texts, not {kind}", argument.place)
    return operand


def _bind_join(
    transform: Transform, transformer: Transformer, fields: FieldTable, elsewhere: Elsewhere
) -> BoundTransform:
    usage = '`join` takes a separator and a list: join(",", FIELD) or join(",", (FIELD, "text"))'
    if len(transform.arguments) != 2 or not isinstance(transform.arguments[0], Literal):
        raise BindError(usage, transform.place)
    separator, values = transform.arguments
    assert isinstance(separator, Literal)  # noqa: S101 - for the type checker; tested above
    if isinstance(values, Group):
        items = tuple(_text_argument(item, transform, fields, elsewhere) for item in values.items)
        return BoundTransform(transformer, (separator.text, items), FieldType.STRING, is_list=False)
    if isinstance(values, Literal):
        raise BindError(usage, transform.place)
    operand = _transformable(bind_operand(values, fields, elsewhere), transform)
    if not operand.is_list or operand.type.kind is not Kind.STRING:
        raise BindError(usage, transform.place)
    return BoundTransform(transformer, (separator.text, operand), FieldType.STRING, is_list=False)


def _bind_concat(
    transform: Transform, transformer: Transformer, fields: FieldTable, elsewhere: Elsewhere
) -> BoundTransform:
    if len(transform.arguments) < 2:
        raise BindError("`concat` takes two texts or more", transform.place)
    items = tuple(_text_argument(item, transform, fields, elsewhere) for item in transform.arguments)
    return BoundTransform(transformer, items, FieldType.STRING, is_list=False)


def _bind_getopt(
    transform: Transform, transformer: Transformer, fields: FieldTable, elsewhere: Elsewhere
) -> BoundTransform:
    usage = '`getopt` takes a list field and the option letters: getopt(proc.args, "ab:c")'
    match transform.arguments:
        case (FieldRef() | Transform() as values, Literal(bare=False, text=options)):
            operand = _transformable(bind_operand(values, fields, elsewhere), transform)
        case _:
            raise BindError(usage, transform.place)
    if not operand.is_list or operand.type.kind is not Kind.STRING:
        raise BindError(usage, transform.place)
    if transform.index is not None and len(transform.index) != 1:
        raise BindError(f"`getopt(...)[{transform.index}]`: the index is one option letter", transform.place)
    is_list = transform.index is None
    return BoundTransform(transformer, (operand, options), FieldType.STRING, is_list, transform.index)
