"""A condition that stands by itself, outside of rule files: no macros, no lists."""

from __future__ import annotations

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundNode
from falcocore.lang.check import check_condition
from falcocore.lang.diagnostics import ConditionError, Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.resolve import Resolved, resolve
from falcocore.lang.syntax import Literal
from falcocore.lang.text import Span, Text


class _Nothing:
    """A scope without macros and lists."""

    def macro(self, _name: str) -> Resolved | None:
        return None

    def is_broken(self, _name: str) -> bool:
        return False

    def macro_span(self, _name: str) -> Span | None:
        return None

    def list_items(self, _name: str) -> tuple[Literal, ...] | None:
        return None

    def macro_names(self) -> list[str]:
        return []

    def list_names(self) -> list[str]:
        return []


def bind_condition(text: Text, fields: FieldTable, item: str) -> BoundNode:
    """The tree of a condition; `item` says in messages what it is of.

    Raises:
        ConditionError: it can't be parsed, or names a field or macro that is not there.
    """
    report = Report()
    resolved = resolve(parse_condition(text), _Nothing(), report, item)
    bound = check_condition(resolved.node, fields, report, item) if resolved is not None else None
    if bound is None or report.errors:
        first, *more = report.errors
        raise ConditionError(first, more)
    return bound
