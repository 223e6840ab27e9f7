"""Output templates: `text %field %field[arg] %10field %tolower(field)` (output-format, section 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from falcocore.fields import FieldTable
from falcocore.lang import words
from falcocore.lang.bound import BoundField, BoundOperand, value_text, value_text_list
from falcocore.lang.codegen import plain_fields
from falcocore.lang.diagnostics import Code, ConditionError, Diagnostic
from falcocore.lang.escapes import EscapeError, unescape
from falcocore.lang.evaluate import evaluate_operand
from falcocore.lang.grammar import parse_operand_prefix
from falcocore.lang.operands import BindError, Elsewhere, bind_field, bind_operand, nowhere
from falcocore.lang.syntax import FieldRef
from falcocore.lang.text import Place, Text
from falcocore.types import Value


@dataclass(frozen=True, slots=True)
class Slot:
    """A value in a template, cut or padded to `width` characters where one is given."""

    operand: BoundOperand
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: texts and slots, and the plain fields that its slots read."""

    parts: tuple[str | Slot, ...]

    @property
    def fields(self) -> tuple[BoundField, ...]:
        """The plain fields, each once, in order of appearance."""
        found: dict[str, BoundField] = {}
        for part in self.parts:
            if isinstance(part, Slot):
                found.update((bound.label, bound) for bound in plain_fields(part.operand))
        return tuple(found.values())

    def render(self, values: dict[str, Value]) -> str:
        """The text with the values of its fields, by label, filled in."""
        texts: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            text = _slot_text(part.operand, values)
            texts.append(text if part.width is None else text[: part.width].ljust(part.width))
        return "".join(texts)


def _slot_text(operand: BoundOperand, values: dict[str, Value]) -> str:
    if isinstance(operand, BoundField):
        return operand.text(values[operand.label])
    value = evaluate_operand(operand, lambda bound: values[bound.label])
    if value is None:
        return "<NA>"
    return value_text_list(value, operand.type) if operand.is_list else value_text(value, operand.type)


REMOVED_FIELD = "container.info"
"""A field of old rule files that stands for nothing any more."""

MAX_WIDTH_DIGITS = 4
"""Digits of a width; `%4000000000field` would fill the memory with blanks."""

_WIDTH = re.compile(r"[0-9]+")
_NAME = re.compile(rf"{words.NAME}(?:\.{words.NAME})+")
_WORD = re.compile(r"\w+")
_ARGUMENT = re.compile(rf"\[(?:{words.QUOTED}|{words.ARGUMENT})\]")
_TRANSFORM = re.compile(rf"(?:{'|'.join(words.TRANSFORMERS)})\(")


def parse_template(text: Text, fields: FieldTable, elsewhere: Elsewhere = nowhere) -> Template:
    """Parse an output template and find its fields.

    Raises:
        ConditionError: code LOAD_ERR_COMPILE_OUTPUT, with the place of all that can't be formatted.
    """
    value = text.value
    if not value.strip():
        raise _error(text, 0, 0, "the output is empty", None)
    parts: list[str | Slot] = []
    problems: list[Diagnostic] = []
    at = 0
    while (percent := value.find("%", at)) >= 0:
        if percent > at:
            parts.append(value[at:percent])
        if value.startswith(REMOVED_FIELD, percent + 1):
            at = percent + 1 + len(REMOVED_FIELD)
            continue
        try:
            slot, at = _parse_slot(text, percent, fields, elsewhere)
            parts.append(slot)
        except ConditionError as error:
            problems.append(error.diagnostic)
            at = percent + 1
    if problems:
        raise ConditionError(problems[0], problems[1:])
    if at < len(value):
        parts.append(value[at:])
    return Template(tuple(parts))


def _parse_slot(text: Text, percent: int, fields: FieldTable, elsewhere: Elsewhere) -> tuple[Slot, int]:
    """The slot that begins with the `%` at offset `percent`, and the offset behind it."""
    value, at = text.value, percent + 1
    width = None
    if digits := _WIDTH.match(value, at):
        if len(digits.group()) > MAX_WIDTH_DIGITS:
            message = f"the width of a value has {MAX_WIDTH_DIGITS} digits at most"
            raise _error(text, at, digits.end(), message, None)
        width, at = int(digits.group()), digits.end()
    try:
        if _TRANSFORM.match(value, at):
            operand, end = parse_operand_prefix(text, at)
            return Slot(bind_operand(operand, fields, elsewhere), width), end
        if name := _NAME.match(value, at):
            ref, end = _field_at(text, name, fields)
            bound = bind_field(ref, fields, elsewhere)
            if not bound.field.printable:
                raise BindError(f"field `{bound.label}` has no single value that could be shown", ref.place)
            return Slot(bound, width), end
    except BindError as error:
        raise ConditionError(error.diagnostic(Code.COMPILE_OUTPUT, None)) from None
    except ConditionError as error:
        found = error.diagnostic
        raise ConditionError(
            Diagnostic(Code.COMPILE_OUTPUT, found.message, found.span, hint=found.hint)
        ) from None
    hint = "a field or a transformer follows `%`; there is no way to write a plain percent sign"
    end = max(at + 1, word.end() if (word := _WORD.match(value, at)) else 0)
    raise _error(text, percent, end, f"`{value[percent:end]}` is not a field", hint)


def _field_at(text: Text, name: re.Match[str], fields: FieldTable) -> tuple[FieldRef, int]:
    """The longest field name that stands there: of `%a.b.txt` it is `a.b` where there is no `a.b.txt`."""
    parts = name.group().split(".")
    length = next((n for n in range(len(parts), 1, -1) if ".".join(parts[:n]) in fields), len(parts))
    word = name.group() if fields.split(name.group()) else ".".join(parts[:length])
    end = name.start() + len(word)
    argument = None
    if bracket := _ARGUMENT.match(text.value, end):
        argument, end = _argument(text, bracket), bracket.end()
    return FieldRef(word, argument, Place(text, name.start(), end)), end


def _argument(text: Text, bracket: re.Match[str]) -> str:
    inner = bracket.group()[1:-1]
    if inner[0] not in "\"'":
        return inner
    try:
        return unescape(inner)
    except EscapeError as error:
        at = bracket.start() + 1 + error.offset
        raise _error(text, at, at + 1, error.message, None) from None


def _error(text: Text, start: int, end: int, message: str, hint: str | None) -> ConditionError:
    return ConditionError(Diagnostic(Code.COMPILE_OUTPUT, message, text.span(start, end), hint=hint))
