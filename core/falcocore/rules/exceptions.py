"""Exceptions of a rule as a tree: `condition and not (...) and not (...)` (rules-language, section 4).

Values are parsed by the grammar of literals and not pasted into text, so that a mistake in one is shown
where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Sequence as Items
from dataclasses import replace
from typing import Any, NamedTuple, NoReturn, TypeVar

from falcocore.errors import nearest
from falcocore.fields import FieldTable
from falcocore.lang import words
from falcocore.lang.diagnostics import Code, ConditionError, Diagnostic, Report
from falcocore.lang.grammar import parse_item, parse_operand, parse_value, parse_values
from falcocore.lang.operands import BindError, Elsewhere, bind_operand
from falcocore.lang.syntax import And, Check, Literal, Node, Not, Operand, Or, RightSide, Values
from falcocore.lang.text import Place, Span, Text
from falcocore.rules.collection import ExceptionDefinition
from falcocore.yamltree.nodes import Mapping, Scalar, Sequence
from falcocore.yamltree.nodes import Node as YamlNode

G = TypeVar("G")
P = TypeVar("P")

_SINGLE_DEFAULT = "in"
_TUPLE_DEFAULT = "="


class _RefusedError(Exception):
    """Something of an exception that was reported."""


def with_exceptions(
    condition: Node | None,
    exceptions: Items[ExceptionDefinition],
    fields: FieldTable,
    report: Report,
    item: str,
    elsewhere: Elsewhere,
) -> Node | None:
    """The condition with its exceptions; what is wrong with one is reported, and it is left out.

    Without a condition, which is one that was reported, they are checked all the same.
    """
    parts = [] if condition is None else [condition]
    for exception in exceptions:
        try:
            matched = _Expansion(exception, fields, report, item, elsewhere).tree()
        except _RefusedError:
            continue
        if matched is not None:
            parts.append(Not(matched, matched.place))
    if len(parts) < 2:
        return parts[0] if parts else None
    return And(tuple(parts), parts[0].place)


class _Comp(NamedTuple):
    """The operator for one field of an exception; `place` is None where it is the default."""

    operator: str
    modifier: str | None = None
    place: Place | None = None


class _Expansion:
    def __init__(
        self,
        exception: ExceptionDefinition,
        fields: FieldTable,
        report: Report,
        item: str,
        elsewhere: Elsewhere,
    ) -> None:
        self.exception = exception
        self.fields = fields
        self.report = report
        self.item = item
        self.elsewhere = elsewhere

    def tree(self) -> Node | None:
        """What the exception matches; None where it has no values."""
        exception = self.exception
        operands, operators = self._each(
            (lambda: self._each(exception.fields, self._operand), self._operators), _call
        )
        if not exception.values:
            return None
        place = Place.at(exception.span)
        if exception.is_single:
            items = tuple(self._each(exception.values, self._single_value))
            return _check(operands[0], operators[0], Values(items, place))
        rows = self._each(exception.values, lambda value: self._row(value, operands, operators))
        return rows[0] if len(rows) == 1 else Or(tuple(rows), place)

    def _each(self, given: Iterable[G], make: Callable[[G], P]) -> list[P]:
        """What is made of each. All of them are looked at, also where one is refused."""
        made: list[P] = []
        refused = False
        for one in given:
            try:
                made.append(make(one))
            except _RefusedError:
                refused = True
        if refused:
            raise _RefusedError
        return made

    def _operators(self) -> list[_Comp]:
        """What each field is compared by."""
        exception = self.exception
        comps = exception.comps
        if comps is None:
            default = _SINGLE_DEFAULT if exception.is_single else _TUPLE_DEFAULT
            return [_Comp(default)] * len(exception.fields)
        if comps.is_single != exception.is_single:
            shapes = "one text" if exception.is_single else "a list, one for each field"
            self._error(comps.span, f"`comps` of exception `{exception.name}` is {shapes}, as `fields` is")
        if len(comps.names) != len(exception.fields):
            counts = f"{_count(comps.names, 'comp')} for {_count(exception.fields, 'field')}"
            self._error(comps.span, f"exception `{exception.name}` has {counts}")
        return self._each(comps.names, self._operator)

    def _operator(self, text: Text) -> _Comp:
        operator, _, modifier = text.value.partition(" ")
        modifier = modifier.strip()
        span = text.span(0, len(text.value))
        if operator not in words.ALL_OPERATORS or operator == "exists":
            near = nearest(operator, words.ALL_OPERATORS)
            self._error(span, f"`{text.value}` is no operator", f"did you mean `{near}`?" if near else None)
        if modifier and (
            modifier not in words.MODIFIERS or operator in (*words.LIST_OPERATORS, *words.NUMBER_OPERATORS)
        ):
            self._error(span, f"`{text.value}` is no operator", "modifiers are oneof, anyof and allof")
        if self.exception.is_single and not modifier and operator not in words.LIST_OPERATORS:
            hint = f"use in, pmatch or intersects, `{operator} anyof`, or give `fields` and `comps` as lists"
            self._error(
                span, f"`{operator}` compares with one value, and a single exception has a list", hint
            )
        place = Place(text, 0, len(text.value))
        return _Comp("=" if operator == "==" else operator, modifier or None, place)

    def _operand(self, text: Text) -> Operand:
        """A field of the exception. It has to exist, also where the exception has no values yet."""
        try:
            operand = parse_operand(text)
            bind_operand(operand, self.fields, self.elsewhere)
        except ConditionError as error:
            self._add(error.diagnostic, Code.VALIDATE)
        except BindError as error:
            code = Code.COMPILE_CONDITION if self.exception.replaced else Code.VALIDATE
            self._add(error.diagnostic(code, self.item))
        else:
            return operand
        raise _RefusedError

    def _single_value(self, node: YamlNode) -> Literal:
        if not isinstance(node, Scalar):
            hint = "give `fields` as a list to compare several at once"
            self._error(node.span, f"a value of exception `{self.exception.name}` is one text", hint)
        return self._parsed(lambda: parse_item(node.text))

    def _row(self, node: YamlNode, operands: Items[Operand], operators: Items[_Comp]) -> Node:
        """One entry of `values` in the tuple form: a value for each field."""
        if not isinstance(node, Sequence):
            self._error(
                node.span, f"an entry of `values` is a list with a value for each of {len(operands)} fields"
            )
        if len(node.items) != len(operands):
            counts = f"{_count(node.items, 'value')} for {_count(operands, 'field')}"
            self._error(node.span, f"exception `{self.exception.name}` has {counts}")
        cells = zip(operands, operators, node.items, strict=True)
        checks = tuple(
            self._each(cells, lambda cell: _check(cell[0], cell[1], self._value(cell[2], cell[1])))
        )
        return checks[0] if len(checks) == 1 else And(checks, Place.at(node.span))

    def _value(self, node: YamlNode, comp: _Comp) -> RightSide:
        if isinstance(node, Mapping):
            self._error(node.span, "a value is a text or a list of texts")
        if isinstance(node, Sequence):
            return Values(tuple(self._each(node.items, self._single_value)), Place.at(node.span))
        text = node.text
        if comp.modifier or comp.operator in words.LIST_OPERATORS:
            if text.value.lstrip().startswith("("):
                return self._parsed(lambda: parse_values(text))
            return Values((self._parsed(lambda: parse_item(text)),), Place.at(node.span))
        if " " in text.value and text.value[0] not in "\"'":
            return self._parsed(lambda: parse_item(text))
        return self._parsed(lambda: parse_value(text))

    def _parsed(self, parse: Callable[[], P]) -> P:
        try:
            return parse()
        except ConditionError as error:
            self._add(error.diagnostic)
            raise _RefusedError from None

    def _error(self, span: Span, message: str, hint: str | None = None) -> NoReturn:
        self.report.add(Diagnostic(Code.VALIDATE, message, span, self.item, hint))
        raise _RefusedError

    def _add(self, found: Diagnostic, code: Code | None = None) -> None:
        self.report.add(replace(found, code=code or found.code, item=self.item))


def _count(things: Items[object], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _call(step: Callable[[], Any]) -> Any:
    return step()


def _check(operand: Operand, comp: _Comp, right: RightSide) -> Check:
    return Check(operand, comp.operator, right, comp.modifier, operand.place, comp.place or operand.place)
