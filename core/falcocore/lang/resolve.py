"""Macros and lists put in their places, on the tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from falcocore.errors import nearest
from falcocore.lang import words
from falcocore.lang.diagnostics import Code, Diagnostic, Report
from falcocore.lang.grammar import MAX_DEPTH
from falcocore.lang.syntax import And, Check, Literal, MacroRef, Node, Not, Or, Values
from falcocore.lang.text import Span

MAX_CHECKS = 20_000
"""Checks of one condition once its macros are in; macros of macros can grow without end."""
MAX_VALUES = 100_000
"""Values that the lists of one condition hold together; each is converted and kept for it."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A tree without macros and list names: how many checks it has, groups within each other, and values.

    Where a part could not be resolved the tree is what is left without it, so that the rest can be checked
    all the same; `is_whole` is False then, and the tree is not for running.
    """

    node: Node
    checks: int
    depth: int
    values: int = 0
    is_whole: bool = True


class Scope(Protocol):
    """The macros and lists that a condition may use; asking for one counts as its use."""

    def macro(self, name: str) -> Resolved | None:
        """The resolved tree of a macro; None where there is none or it could not be resolved."""

    def is_broken(self, name: str) -> bool:
        """True for a macro that exists and was reported as unusable, so that nothing more is said."""

    def macro_span(self, name: str) -> Span | None:
        """Where a macro of that name is defined, be it only later."""

    def list_items(self, name: str) -> tuple[Literal, ...] | None:
        """The items of a list with the lists in it put in; None where there is no such list."""

    def macro_names(self) -> Iterable[str]:
        """Names for "did you mean"."""

    def list_names(self) -> Iterable[str]:
        """Names for "did you mean"."""


def resolve(node: Node, scope: Scope, report: Report, item: str) -> Resolved | None:
    """Put macros and lists in; `item` names the rule or macro for messages.

    Everything that is wrong is reported, not only the first. Returns None where nothing is left of the tree.
    """
    return _Resolver(scope, report, item).resolve(node)


class _Resolver:
    def __init__(self, scope: Scope, report: Report, item: str) -> None:
        self.scope = scope
        self.report = report
        self.item = item

    def resolve(self, node: Node) -> Resolved | None:
        match node:
            case Check():
                return self._check(node)
            case MacroRef():
                return self._macro(node)
            case Not(child):
                inner = self.resolve(child)
                if inner is None:
                    return None
                if isinstance(inner.node, Not):
                    return replace(inner, node=inner.node.child)
                return self._bounded(
                    replace(inner, node=Not(inner.node, node.place), depth=inner.depth + 1), node
                )
            case And(children) | Or(children):
                parts = [part for child in children if (part := self.resolve(child)) is not None]
                if not parts:
                    return None
                joined = Resolved(
                    type(node)(tuple(part.node for part in parts), node.place),
                    checks=sum(part.checks for part in parts),
                    depth=1 + max(part.depth for part in parts),
                    values=sum(part.values for part in parts),
                    is_whole=len(parts) == len(children) and all(part.is_whole for part in parts),
                )
                return self._bounded(joined, node)

    def _bounded(self, resolved: Resolved, node: Node) -> Resolved | None:
        for has, most, what in (
            (resolved.checks, MAX_CHECKS, "checks"),
            (resolved.depth, MAX_DEPTH, "groups within each other"),
            (resolved.values, MAX_VALUES, "values in lists"),
        ):
            if has > most:
                whole = "with its macros, lists and exceptions the condition"
                self._error(node, f"{whole} has more than {most} {what}")
                return None
        return resolved

    def _macro(self, node: MacroRef) -> Resolved | None:
        found = self.scope.macro(node.name)
        if found is None and not self.scope.is_broken(node.name):
            self._report_macro(node)
        return found

    def _report_macro(self, node: MacroRef) -> None:
        if later := self.scope.macro_span(node.name):
            message = f"macro `{node.name}` is defined only later"
            hint = "a macro uses what stands before it; a rule, what is in its own file or an earlier one"
            self._error(node, message, Code.VALIDATE, hint, (("defined", later),))
            return
        hint = f"define it before its use: `- macro: {node.name}` with a condition"
        if near := nearest(node.name, self.scope.macro_names()):
            hint = f"did you mean `{near}`? Else {hint}"
        self._error(node, f"macro `{node.name}` is not defined", Code.VALIDATE, hint)

    def _check(self, check: Check) -> Resolved | None:
        right = check.right
        values = 0
        if isinstance(right, Values):
            right = self._values(right)
            values = len(right.items)
        elif isinstance(right, Literal) and right.bare:
            single = self._single(right, check.operator)
            if single is None:
                return None
            right = single
        resolved = check if right is check.right else replace(check, right=right)
        return self._bounded(Resolved(resolved, 1, 0, values), check)

    def _values(self, values: Values) -> Values:
        """The constants with list names replaced; the same object where there are none."""
        items: list[Literal] = []
        changed = False
        for literal in values.items:
            listed = self.scope.list_items(literal.text) if literal.bare else None
            if listed is not None:
                changed = True
                items.extend(listed)
                if len(items) > MAX_VALUES:
                    break
                continue
            items.append(literal)
            # In parentheses values are usual, and short ones are near to any short name.
            if literal.bare and (literal.place == values.place or len(literal.text) >= 4):
                self._warn_of_unknown_list(literal)
        return Values(tuple(items), values.place) if changed else values

    def _warn_of_unknown_list(self, literal: Literal) -> None:
        """A bare name that is no list, but nearly one, is more likely a mistake than a value."""
        near = next((n for n in self.scope.list_names() if _within_two_edits(literal.text, n)), None)
        if near and literal.place:
            message = f"`{literal.text}` is taken as a text to compare with: there is no list of that name"
            hint = f'did you mean the list `{near}`? If not, write "{literal.text}" in quotes'
            span = literal.place.span
            self.report.add(Diagnostic(Code.WARN_COMPILE_CONDITION, message, span, self.item, hint))

    def _single(self, literal: Literal, operator: str) -> Literal | None:
        listed = self.scope.list_items(literal.text)
        if listed is not None:
            if len(listed) == 1:
                return listed[0]
            message = f"`{literal.text}` is a list of {len(listed)} items, and `{operator}` takes one value"
            self._error(literal, message, hint=f"write `in ({literal.text})`")
            return None
        if operator in words.NUMBER_OPERATORS and not literal.text.lstrip("+-")[:1].isdigit():
            self._error(literal, f"expected a number after `{operator}`, found `{literal.text}`")
            return None
        return literal

    def _error(
        self,
        node: Node | Literal,
        message: str,
        code: Code = Code.COMPILE_CONDITION,
        hint: str | None = None,
        related: tuple[tuple[str, Span], ...] = (),
    ) -> None:
        span = node.place.span if node.place else None
        self.report.add(Diagnostic(code, message, span, self.item, hint, related))


@lru_cache(maxsize=10_000)
def _letters(word: str) -> int:
    """The letters of a word as a set of bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _within_two_edits(word: str, name: str) -> bool:
    """True where at most two letters have to be put in, taken out or changed to get from one to the other."""
    if word == name or abs(len(word) - len(name)) > 2:
        return False
    # Each edit adds one letter or takes one away, or both; this settles nearly every pair.
    if (_letters(word) ^ _letters(name)).bit_count() > 4:
        return False
    row = list(range(len(name) + 1))
    for i, a in enumerate(word, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(name, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
        if min(row) > 2:
            return False
    return row[-1] <= 2
