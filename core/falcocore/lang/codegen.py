"""Expressions of generated code, and what is known of each variable while they run.

One variable stands for one operand (a field with its argument, or a transform). It is filled where it is
first needed. `Flow` follows the order in which `and`, `or` and `not` evaluate their parts, so that the
code knows which variables are filled for certain (used as they are), for certain not (filled on the
spot), or perhaps (tested first).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, repeat
from typing import Any

from falcocore.lang.bound import (
    BoundAnd,
    BoundArgument,
    BoundCheck,
    BoundField,
    BoundNode,
    BoundNot,
    BoundOperand,
    BoundOr,
    BoundTransform,
)
from falcocore.lang.escapes import quote, quote_if_needed
from falcocore.lang.evaluate import evaluate_operand, evaluate_several
from falcocore.lang.operators import ListOperator

Guard = Callable[[BoundField, Callable[..., Any]], Callable[..., Any]]
"""Wraps a field's getter, so that one that raises does no harm."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Variables that are filled for certain, and those that may be."""

    certain: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()

    def with_filled(self, variable: str) -> Flow:
        """The flow after the variable was filled."""
        return Flow(self.certain | {variable}, self.possible | {variable})

    @staticmethod
    def joined(flows: Iterable[Flow]) -> Flow:
        """The flow where several ways meet."""
        first, *rest = flows
        return Flow(
            first.certain.intersection(*(f.certain for f in rest)),
            first.possible.union(*(f.possible for f in rest)),
        )


@dataclass(slots=True)
class Expression:
    """Generated code, and the flow after it came out true or false."""

    code: str
    if_true: Flow
    if_false: Flow


@dataclass(slots=True)
class Writer:
    """Writes expressions, and collects the names that they use: `names` becomes the code's globals."""

    names: dict[str, Any] = field(default_factory=dict)
    getters: dict[str, BoundField] = field(default_factory=dict)
    """Global name of a getter, and the field it reads."""
    tested: set[str] = field(default_factory=set)
    """Variables that the code tests before it fills them; they need a value at the start."""
    _variables: dict[str, str] = field(default_factory=dict)

    def node(self, node: BoundNode, flow: Flow) -> Expression:
        """The condition as an expression, run with `flow` known."""
        match node:
            case BoundCheck():
                return self._check(node, flow)
            case BoundNot(child):
                inner = self.node(child, flow)
                return Expression(f"not {inner.code}", inner.if_false, inner.if_true)
            case BoundAnd(children):
                return self._sequence(children, flow, decides=False)
            case BoundOr(children):
                return self._sequence(children, flow, decides=True)

    def _sequence(self, children: Sequence[BoundNode], flow: Flow, *, decides: bool) -> Expression:
        """`and` (a false part decides) and `or` (a true one does)."""
        codes: list[str] = []
        ends: list[Flow] = []
        for child in children:
            part = self.node(child, flow)
            codes.append(part.code)
            ends.append(part.if_true if decides else part.if_false)
            flow = part.if_false if decides else part.if_true
        code = f"({(' or ' if decides else ' and ').join(codes)})"
        decided = Flow.joined(ends)
        return Expression(code, decided, flow) if decides else Expression(code, flow, decided)

    def _check(self, check: BoundCheck, flow: Flow) -> Expression:
        variable, filling = self.operand(check.left, flow)
        after = flow.with_filled(variable)
        if isinstance(check.left, BoundField) and check.left.field.several:
            return self._several_check(check, variable, filling, after)
        if check.compares_operand:
            return self._operand_check(check, variable, filling, after)
        if check.modifier is None:
            template = (_on_lists(check) or check.operator).code
            constant = self._constant(check.right) if check.right is not None else ""
            function = self._function(check) if "{f}" in template else ""
            code = _fill(template, variable, filling, k=constant, f=function)
            return Expression(code, after, after)
        code = self._modified(check, variable)
        return Expression(f"({filling} is not None and {code})", after, after)

    def _operand_check(self, check: BoundCheck, variable: str, filling: str, after: Flow) -> Expression:
        other, other_filling = self.operand(check.right, after)
        operator = check.operator
        template = (_on_lists(check) or operator).operand_code or ""
        code = _fill(template, variable, filling, g=self._name(operator.operand_function))
        code = _fill(code.replace("{w}", "{v}"), other, other_filling)
        # The right side is not looked at where the left one is absent.
        both = after.with_filled(other)
        return Expression(code, both, Flow.joined((after, both)))

    def _several_check(self, check: BoundCheck, variable: str, filling: str, after: Flow) -> Expression:
        """A call for each check: such fields are rare, and their values are few."""
        holds = self._name(partial(evaluate_several, check), keep=False)
        if not check.compares_operand:
            right = self._constant(check.right)
            return Expression(f"bool({filling} and {holds}({variable}, {right}))", after, after)
        other, other_filling = self.operand(check.right, after)
        both = after.with_filled(other)
        code = f"bool({filling} and {other_filling} is not None and {holds}({variable}, {other}))"
        return Expression(code, both, Flow.joined((after, both)))

    def _modified(self, check: BoundCheck, variable: str) -> str:
        template = check.operator.code
        function = self._function(check) if "{f}" in template else ""
        parts = [_fill(template, variable, variable, k=self._constant(c), f=function) for c in check.right]
        if not parts:
            return "False"
        match check.modifier:
            case "anyof":
                return f"({' or '.join(parts)})"
            case "allof":
                return f"({' and '.join(parts)})"
            case _:
                return f"({' + '.join(f'bool({part})' for part in parts)} == 1)"

    def _function(self, check: BoundCheck) -> str:
        return self._name(check.operator.function)

    def operand(self, operand: BoundOperand, flow: Flow) -> tuple[str, str]:
        """(variable, expression that yields its value and leaves the variable filled)."""
        if isinstance(operand, BoundField):
            return self.value(operand.label, flow, lambda: self._call(operand, operand.getter))
        key = operand_text(operand)
        return self.value(key, flow, lambda: self._transform(operand))

    def variable(self, bound: BoundField) -> str:
        """The variable of a field."""
        return self._variables.setdefault(bound.label, f"v{len(self._variables)}")

    def captured(self, bound: BoundField, flow: Flow) -> tuple[str, str]:
        """The same for the value that an alert shows, where it has a getter of its own."""
        getter = bound.field.captured
        if getter is None:
            return self.operand(bound, flow)
        return self.value(f"{bound.label} captured", flow, lambda: self._call(bound, getter))

    def value(self, key: str, flow: Flow, extraction: Callable[[], str]) -> tuple[str, str]:
        """The variable for `key`, and how to read it with what the flow knows."""
        variable = self._variables.setdefault(key, f"v{len(self._variables)}")
        if variable in flow.certain:
            return variable, variable
        filling = f"({variable} := {extraction()})"
        if variable not in flow.possible:
            return variable, filling
        self.tested.add(variable)
        return variable, f"({variable} if {variable} is not U else {filling})"

    def _call(self, bound: BoundField, getter: Callable[..., Any]) -> str:
        name = self._name(getter)
        self.getters[name] = bound
        return f"{name}(e, s)" if bound.field.of_stream else f"{name}(e)"

    def _transform(self, transform: BoundTransform) -> str:
        """A call with the values of the plain fields inside; they are not kept, a transform is rare."""
        fields = tuple(dict.fromkeys(plain_fields(transform)))
        values = ", ".join(self._call(bound, bound.getter) for bound in fields)
        return f"{self._name(transform_function(transform, fields), keep=False)}({values})"

    def _constant(self, value: object) -> str:
        if value is None or isinstance(value, bool | int | str):
            return repr(value)
        return self._name(value, keep=False)

    def _name(self, value: object, *, keep: bool = True) -> str:
        """A global name for a value; functions share one, other constants get one each."""
        if keep:
            for name, known in self.names.items():
                if known is value:
                    return name
        name = f"{'g' if callable(value) else 'k'}{len(self.names)}"
        self.names[name] = value
        return name


_PLACEHOLDER = re.compile(r"\{([a-z])\}")


def _on_lists(check: BoundCheck) -> ListOperator | None:
    return check.operator.on_lists if check.left.is_list else None


def _fill(template: str, variable: str, filling: str, **names: str) -> str:
    """The template with the first `{v}` filled and the others read.

    In one pass: a constant that is filled in may look like a placeholder itself.
    """
    readings = chain((filling,), repeat(variable))
    return _PLACEHOLDER.sub(
        lambda found: next(readings) if found[1] == "v" else names.get(found[1], found[0]), template
    )


def plain_fields(operand: BoundArgument) -> Iterable[BoundField]:
    """The fields inside an operand, from left to right."""
    match operand:
        case BoundField():
            yield operand
        case BoundTransform(arguments=arguments) | tuple(arguments):
            for argument in arguments:
                yield from plain_fields(argument)


def operand_text(operand: BoundArgument) -> str:
    """An operand as a condition has it: the same for operands that are, and for no others."""
    match operand:
        case BoundField(label=label):
            return label
        case BoundTransform(transformer=transformer, arguments=arguments, index=index):
            end = "" if index is None else f"[{quote_if_needed(index)}]"
            return f"{transformer.name}({', '.join(map(operand_text, arguments))}){end}"
        case str():
            return quote(operand)
        case tuple():
            return f"({', '.join(map(operand_text, operand))})"


def transform_function(transform: BoundTransform, fields: Sequence[BoundField]) -> Callable[..., Any]:
    """A function from the values of `fields` to the transform's value."""
    labels = [bound.label for bound in fields]

    def transformed(*values: Any) -> Any:
        known = dict(zip(labels, values, strict=True))
        return evaluate_operand(transform, lambda bound: known[bound.label])

    return transformed
