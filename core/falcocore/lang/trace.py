"""A condition watched while it is evaluated: what came of each part, as its author wrote it.

The tree that is compiled has its macros put in, and knows their names no more. The tree as it was written
has them, and the same checks in the same order. So this one is walked, and each of its checks is decided by
its twin of the other: who only matches pays nothing for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from falcocore.lang.bound import (
    BoundCheck,
    BoundField,
    BoundNode,
    BoundOperand,
    checks,
    value_text,
    value_text_list,
)
from falcocore.lang.codegen import operand_text, plain_fields
from falcocore.lang.evaluate import Get, evaluate_check, evaluate_operand, is_absent
from falcocore.lang.syntax import And, Check, MacroRef, Node, Not, Or


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a condition: a macro has one part, its condition; only a check has a bound one.

    `exception` is the exception's name where the part is the negation that stands for one.
    """

    node: Node
    parts: tuple[Part, ...] = ()
    check: BoundCheck | None = None
    exception: str | None = None

    def checks(self) -> Iterator[Part]:
        """The checks in it, in order."""
        if self.check is not None:
            yield self
        for part in self.parts:
            yield from part.checks()


def parts_of(
    written: Node, macros: Mapping[str, Node | None], bound: BoundNode, exceptions: Sequence[str] = ()
) -> Part:
    """The parts of a condition that was bound without a mistake.

    `macros` are the trees of its macros, as they were written. `exceptions` names the exceptions that were
    put behind the condition, those without values left out.
    """
    twins = checks(bound)

    def part(node: Node) -> Part:
        match node:
            case Check():
                return Part(node, check=next(twins))
            case MacroRef(name):
                inner = macros[name]
                assert inner is not None, f"macro {name} is broken, and a rule that uses it was bound"  # noqa: S101
                return Part(node, (part(inner),))
            case Not(child):
                return Part(node, (part(child),))
            case And(children) | Or(children):
                return Part(node, tuple(part(child) for child in children))

    whole = part(written)
    if not exceptions:
        return whole
    own, behind = whole.parts[: -len(exceptions)], whole.parts[-len(exceptions) :]
    named = (replace(one, exception=name) for one, name in zip(behind, exceptions, strict=True))
    return replace(whole, parts=(*own, *named))


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that a check looked at. None, or an empty list, is an absent one."""

    operand: BoundOperand
    value: Any

    @property
    def is_absent(self) -> bool:
        """True where the event has no such value, which makes the check false."""
        return is_absent(self.value)

    @property
    def is_plain(self) -> bool:
        """True for a field, false for what a transformer made."""
        return isinstance(self.operand, BoundField)

    @property
    def name(self) -> str:
        """The operand as a condition has it."""
        return operand_text(self.operand)

    @property
    def text(self) -> str:
        """The value as alerts show it."""
        if self.is_absent:
            return "<NA>"
        operand = self.operand
        # Where an alert shows something else than what is compared, so does the field's own text.
        if isinstance(operand, BoundField) and operand.field.captured is None:
            return operand.text(self.value)
        return (value_text_list if operand.is_list else value_text)(self.value, operand.type)

    @property
    def json_value(self) -> Any:
        """The value as JSON can have it, None where it is absent."""
        if isinstance(self.operand, BoundField):
            return self.operand.json_value(self.value)
        return None if self.is_absent else self.text if isinstance(self.value, bytes) else self.value


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a part: true, false, or None where it was not come to, because others had decided."""

    part: Part
    outcome: bool | None
    steps: tuple[Step, ...] = ()
    readings: tuple[Reading, ...] = ()

    def checks(self) -> Iterator[Step]:
        """Those of the checks, in order."""
        if self.part.check is not None:
            yield self
        for step in self.steps:
            yield from step.checks()

    def decisive(self) -> Step:
        """The same with only those parts that made the outcome what it is."""
        reached = [step for step in self.steps if step.outcome is not None]
        if isinstance(self.part.node, And | Or) and self.outcome is isinstance(self.part.node, Or):
            reached = reached[-1:]
        return replace(self, steps=tuple(step.decisive() for step in reached))


def trace(part: Part, get: Get) -> Step:
    """Evaluate a condition for the event whose fields `get` looks up, from left to right, and watch."""
    match part.node:
        case Check():
            return _traced_check(part, get)
        case Not():
            inner = trace(part.parts[0], get)
            return Step(part, not inner.outcome, (inner,))
        case MacroRef():
            inner = trace(part.parts[0], get)
            return Step(part, inner.outcome, (inner,))
        case And() | Or():
            decides = isinstance(part.node, Or)
            steps: list[Step] = []
            outcome = not decides
            for one in part.parts:
                if outcome is decides:
                    steps.append(_skipped(one))
                    continue
                steps.append(trace(one, get))
                outcome = bool(steps[-1].outcome)
            return Step(part, outcome, tuple(steps))


def _skipped(part: Part) -> Step:
    return Step(part, None, tuple(_skipped(one) for one in part.parts))


def _traced_check(part: Part, get: Get) -> Step:
    check = part.check
    assert check is not None  # noqa: S101 - for the type checker; a check has one
    readings: list[Reading] = []
    for operand in (check.left, check.right) if check.compares_operand else (check.left,):
        readings.append(Reading(operand, evaluate_operand(operand, get)))
        if not isinstance(operand, BoundField):
            readings += (Reading(bound, get(bound)) for bound in dict.fromkeys(plain_fields(operand)))
        if readings[0].is_absent:
            break  # The right side is not looked at then.
    return Step(part, evaluate_check(check, get), readings=tuple(readings))
