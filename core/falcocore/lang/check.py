"""Fields against the source's table, operators against types, literals into values; and warnings."""

from __future__ import annotations

import re
from collections.abc import Iterable

from falcocore.fields import FieldTable
from falcocore.lang import words
from falcocore.lang.bound import BoundAnd, BoundCheck, BoundField, BoundNode, BoundNot, BoundOperand, BoundOr
from falcocore.lang.diagnostics import Code, Diagnostic, Report
from falcocore.lang.literals import convert
from falcocore.lang.operands import BindError, Elsewhere, bind_operand, nowhere
from falcocore.lang.operators import OPERATORS, Operator
from falcocore.lang.syntax import And, Check, FieldRef, Literal, Node, Not, Or, Transform, Values
from falcocore.types import FieldType, Kind


def check_condition(
    node: Node, fields: FieldTable, report: Report, item: str, elsewhere: Elsewhere = nowhere
) -> BoundNode | None:
    """Bind a resolved condition to the fields of a source.

    Every mistake goes into `report` with `item` as what it is in; None is returned where there was one.
    """
    return _Checker(fields, report, item, elsewhere).bind(node)


class _Checker:
    def __init__(self, fields: FieldTable, report: Report, item: str, elsewhere: Elsewhere) -> None:
        self.fields = fields
        self.report = report
        self.item = item
        self.elsewhere = elsewhere

    def bind(self, node: Node) -> BoundNode | None:
        match node:
            case Check():
                try:
                    return self._check(node)
                except BindError as error:
                    self.report.add(error.diagnostic(Code.COMPILE_CONDITION, self.item))
                    return None
            case Not(child):
                inner = self.bind(child)
                return None if inner is None else BoundNot(inner)
            case And(children) | Or(children):
                parts = [self.bind(child) for child in children]
                bound = tuple(part for part in parts if part is not None)
                if len(bound) < len(parts):
                    return None
                return BoundAnd(bound) if isinstance(node, And) else BoundOr(bound)
        raise AssertionError(f"{node} was not resolved")

    def _check(self, check: Check) -> BoundCheck | None:
        left = bind_operand(check.left, self.fields, self.elsewhere)
        if isinstance(left, BoundField) and not left.field.filterable:
            raise BindError(f"field `{left.label}` can only stand in an output", check.left.place)
        self._warn_of_deprecated(left, check)
        operator = OPERATORS[check.operator]
        _check_types(operator, left, check)
        right = check.right
        if right is None:
            return BoundCheck(left, operator, None, place=check.place)
        if isinstance(right, FieldRef | Transform):
            return BoundCheck(
                left, operator, self._right_operand(operator, left, check, right), place=check.place
            )
        literals = right.items if isinstance(right, Values) else (right,)
        constants = self._constants(literals, left.type, check)
        if constants is None:
            return None
        if check.modifier:
            prepared = tuple(_prepare(operator, c, lit) for c, lit in zip(constants, literals, strict=True))
            return BoundCheck(left, operator, prepared, check.modifier, check.place)
        if operator.takes_list:
            return BoundCheck(left, operator, operator.prepare(tuple(constants)), place=check.place)
        if isinstance(right, Values):
            hint = f"write `in` for a list, or `{operator.name} anyof (...)`"
            raise BindError(f"`{operator.name}` takes one value, not a list", right.place, hint=hint)
        return BoundCheck(left, operator, _prepare(operator, constants[0], right), place=check.place)

    def _right_operand(
        self, operator: Operator, left: BoundOperand, check: Check, right: FieldRef | Transform
    ) -> BoundOperand:
        if operator.operand_code is None:
            raise BindError(f"`{operator.name}` compares with constants, not with a field", right.place)
        if left.type.kind is Kind.IPNET:
            raise BindError("a network field compares with constants, not with a field", right.place)
        operand = bind_operand(right, self.fields, self.elsewhere)
        if isinstance(operand, BoundField) and not operand.field.usable_on_right:
            raise BindError(f"field `{operand.label}` can't stand on the right", right.place)
        if (operand.type, operand.is_list) != (left.type, left.is_list):
            message = f"the left side is {_describe(left)}, the right side {_describe(operand)}"
            raise BindError(message, check.place, hint="both sides need the same type")
        return operand

    def _constants(self, literals: Iterable[Literal], of: FieldType, check: Check) -> list[object] | None:
        """The values of literals; None, with each that has none reported."""
        constants: list[object] = []
        usable = True
        for literal in literals:
            self._warn_of_literal(literal, check)
            try:
                constants.append(convert(literal.text, of, check.operator))
            except ValueError as error:
                self.report.add(
                    BindError(str(error), literal.place).diagnostic(Code.COMPILE_CONDITION, self.item)
                )
                usable = False
        return constants if usable else None

    def _warn(self, code: Code, message: str, literal: Literal, hint: str | None = None) -> None:
        span = literal.place.span if literal.place else None
        self.report.add(Diagnostic(code, message, span, self.item, hint))

    def _warn_of_literal(self, literal: Literal, check: Check) -> None:
        text = re.sub(words.BLANK, "", literal.text)
        if _FIELD.match(text) and text.partition("[")[0] in self.fields:
            message = f"`{literal.text}` is compared as a text, though it is the name of a field"
            self._warn(Code.WARN_COMPILE_CONDITION, message, literal, f"for its value write val({text})")
        elif _TRANSFORM.match(text):
            message = f"`{literal.text}` is compared as a text, though it looks like a transformer"
            self._warn(Code.WARN_COMPILE_CONDITION, message, literal, "for its value leave the quotes out")
        if check.operator == "regex" and not _SPECIAL.search(literal.text[1:-1]):
            message = f"`{literal.text}` does not need a regular expression"
            self._warn(
                Code.WARN_COMPILE_CONDITION, message, literal, "=, startswith, endswith or contains is faster"
            )
        if literal.text == "<NA>" and self.fields.source != "syscall" and check.operator in _NA_OPERATORS:
            message = "an absent field never equals `<NA>`: this is no test for absence"
            self._warn(
                Code.WARN_UNSAFE_NA_CHECK, message, literal, "write `FIELD exists` or `not FIELD exists`"
            )

    def _warn_of_deprecated(self, operand: BoundOperand, check: Check) -> None:
        if isinstance(operand, BoundField) and operand.field.deprecated and check.left.place:
            message = f"field `{operand.label}` is deprecated"
            self.report.add(Diagnostic(Code.WARN_DEPRECATED_ITEM, message, check.left.place.span, self.item))


_FIELD = re.compile(rf"{words.NAME}(?:\.{words.NAME})+(?:\[[^\]]*\])?\Z")
_TRANSFORM = re.compile(rf"(?:{'|'.join(words.TRANSFORMERS)})\(.*\)\Z")
_SPECIAL = re.compile(r"[][\\^$.|?*+(){}]")
_NA_OPERATORS = frozenset({"=", "!=", "in", "intersects", "pmatch"})


def _check_types(operator: Operator, left: BoundOperand, check: Check) -> None:
    if left.is_list and operator.on_lists is None:
        possible = ", ".join(o.name for o in OPERATORS.values() if o.on_lists)
        message = f"`{operator.name}` does not take a list, and {_describe(left)}"
        raise BindError(message, check.operator_place, hint=f"lists take {possible}")
    if left.is_list and check.modifier:
        raise BindError(f"`{check.modifier}` does not go with {_describe(left)}", check.operator_place)
    if left.type.kind not in operator.kinds:
        possible = ", ".join(o.name for o in OPERATORS.values() if left.type.kind in o.kinds)
        message = f"`{operator.name}` does not take {left.type.label} values"
        raise BindError(message, check.operator_place, hint=f"{left.type.label} values take {possible}")


def _describe(operand: BoundOperand) -> str:
    label = operand.label if isinstance(operand, BoundField) else f"{operand.transformer.name}(...)"
    return (
        f"`{label}` is a list of {operand.type.label}"
        if operand.is_list
        else f"`{label}` is {operand.type.label}"
    )


def _prepare(operator: Operator, constant: object, literal: Literal) -> object:
    try:
        return operator.prepare(constant)
    except ValueError as error:
        raise BindError(str(error), literal.place) from None
