"""Which macros and lists a condition may use, resolved once, in an order in which nothing recurses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from falcocore.lang.diagnostics import Code, ConditionError, Diagnostic, Report
from falcocore.lang.grammar import parse_condition, parse_item
from falcocore.lang.resolve import Resolved, resolve
from falcocore.lang.syntax import And, Literal, MacroRef, Node, Not, Or
from falcocore.lang.text import Span
from falcocore.rules.collection import Collection, MacroDefinition, Visibility
from falcocore.rules.items import Broken

MAX_LIST_ITEMS = 100_000
"""Items of one list with the lists in it put in."""
MAX_ALL_ITEMS = 1_000_000
"""The same for all lists together."""


_SHOWN = 12
"""Macros of a cycle that a message names."""


class Definitions:
    """The lists and macros of all files, resolved. What is wrong with them was reported."""

    def __init__(self, collection: Collection, report: Report) -> None:
        self._collection = collection
        self._report = report
        self.used_lists: set[str] = set()
        self.used_macros: set[str] = set()
        self.lists = self._resolve_lists()
        self.written_macros: dict[str, Node | None] = {}
        """Their conditions as they stand in the files; None where one can't be parsed."""
        self.macros: dict[str, Resolved | None] = {}
        self._resolve_macros()

    def scope(self, sees: Callable[[Visibility], bool]) -> _Scope:
        """What a user may use that sees a definition where `sees` says so."""
        return _Scope(self, self._collection, sees)

    def report_unused(self) -> None:
        """A warning for each macro and list that nothing uses."""
        for name, macro in self._collection.macros.items():
            if name not in self.used_macros:
                self._warn(Code.WARN_UNUSED_MACRO, f"macro `{name}` is not used", macro.span)
        for name, defined in self._collection.lists.items():
            if name not in self.used_lists:
                self._warn(Code.WARN_UNUSED_LIST, f"list `{name}` is not used", defined.span)

    def _warn(self, code: Code, message: str, span: Span) -> None:
        self._report.add(Diagnostic(code, message, span))

    # --- lists --------------------------------------------------------------------------------------------

    def _resolve_lists(self) -> dict[str, tuple[Literal, ...]]:
        parsed = {name: self._parsed_items(name) for name in self._collection.lists}
        resolved: dict[str, tuple[Literal, ...]] = {}
        inner = {name: self._lists_in(name, items) for name, items in parsed.items()}
        order, _ = dependency_order(inner)
        total = 0
        for name in order:
            items: list[Literal] = []
            for literal in parsed[name]:
                # A list that contains itself is taken by its name, as a list that is not there.
                items += resolved.get(literal.text, (literal,)) if literal.text in inner[name] else (literal,)
                if len(items) > MAX_LIST_ITEMS or total + len(items) > MAX_ALL_ITEMS:
                    self._refuse_list(name, len(items))
                    items.clear()
                    break
            total += len(items)
            resolved[name] = tuple(items)
        return resolved

    def _refuse_list(self, name: str, size: int) -> None:
        message = f"list `{name}` has more than {MAX_LIST_ITEMS} items once its lists are put in"
        if size <= MAX_LIST_ITEMS:
            message = f"with list `{name}` the lists have more than {MAX_ALL_ITEMS} items together"
        self._report.add(Diagnostic(Code.VALIDATE, message, self._collection.lists[name].span))

    def _parsed_items(self, name: str) -> tuple[Literal, ...]:
        found = []
        for text in self._collection.lists[name].items:
            try:
                found.append(parse_item(text))
            except ConditionError as error:
                wrong = error.diagnostic
                item = f'list "{name}"'
                self._report.add(Diagnostic(wrong.code, wrong.message, wrong.span, item, wrong.hint))
        return tuple(found)

    def _lists_in(self, name: str, items: Iterable[Literal]) -> set[str]:
        """Names of the lists among the items: those that were there before this one was last changed."""
        lists = self._collection.lists
        last = lists[name].seen.last
        inner = {
            literal.text
            for literal in items
            if literal.bare and literal.text in lists and lists[literal.text].seen.first < last
        }
        self.used_lists |= inner - {name}
        return inner

    # --- macros -------------------------------------------------------------------------------------------

    def _resolve_macros(self) -> None:
        macros = self._collection.macros
        parsed = {name: self._parsed_macro(macro) for name, macro in macros.items()}
        self.written_macros = parsed
        uses = {
            name: {
                used
                for used in macro_names(tree)
                if used in macros and macros[used].seen.first < macros[name].seen.last
            }
            for name, tree in parsed.items()
            if tree is not None
        }
        order, cycles = dependency_order(uses)
        in_cycle: set[str] = set()
        for cycle in cycles:
            # Macros that all use each other make cycles without number; each is named once.
            if not in_cycle.issuperset(cycle):
                self._report_cycle(cycle)
                in_cycle.update(cycle)
        for name in (*order, *(name for name in macros if name not in uses)):
            tree = parsed[name]
            if tree is None or name in in_cycle:
                self.macros[name] = None
                continue
            scope = self.scope(partial(_first_before, macros[name].seen.last))
            self.macros[name] = resolve(tree, scope, self._report, f'macro "{name}"')

    def _parsed_macro(self, macro: MacroDefinition) -> Node | None:
        try:
            return parse_condition(macro.condition)
        except ConditionError as error:
            wrong = error.diagnostic
            item = f'macro "{macro.name}"'
            self._report.add(Diagnostic(wrong.code, wrong.message, wrong.span, item, wrong.hint))
            return None

    def _report_cycle(self, cycle: list[str]) -> None:
        left_out = len(cycle) - _SHOWN
        shown = cycle if left_out <= 0 else [*cycle[: _SHOWN - 1], f"... ({left_out} more)", cycle[-1]]
        path = " -> ".join((*shown, cycle[0]))
        message = f"macro `{cycle[0]}` uses itself: {path}"
        hint = "to extend a macro, use `override: {condition: append}`"
        self._report.add(
            Diagnostic(Code.VALIDATE, message, self._collection.macros[cycle[0]].span, hint=hint)
        )


def _first_before(last: int, seen: Visibility) -> bool:
    return seen.first < last


class _Scope:
    """The definitions as one user sees them."""

    def __init__(
        self, definitions: Definitions, collection: Collection, sees: Callable[[Visibility], bool]
    ) -> None:
        self._definitions = definitions
        self._collection = collection
        self._sees = sees

    def macro(self, name: str) -> Resolved | None:
        macro = self._collection.macros.get(name)
        if macro is None:
            return None
        self._definitions.used_macros.add(name)
        return self._definitions.macros.get(name) if self._sees(macro.seen) else None

    def is_broken(self, name: str) -> bool:
        macro = self._collection.macros.get(name)
        if macro is None:
            return Broken("macro", name) in self._collection.broken
        return self._sees(macro.seen)

    def macro_span(self, name: str) -> Span | None:
        macro = self._collection.macros.get(name)
        return macro.span if macro else None

    def list_items(self, name: str) -> tuple[Literal, ...] | None:
        found = self._definitions.lists.get(name)
        if found is not None:
            self._definitions.used_lists.add(name)
        return found

    def macro_names(self) -> Iterable[str]:
        return self._collection.macros

    def list_names(self) -> Iterable[str]:
        return self._collection.lists


def macro_names(tree: Node | None) -> set[str]:
    """The macros that a tree names."""
    found: set[str] = set()
    waiting = [tree] if tree is not None else []
    while waiting:
        match waiting.pop():
            case MacroRef(name):
                found.add(name)
            case Not(child):
                waiting.append(child)
            case And(children) | Or(children):
                waiting += children
    return found


def dependency_order(uses: Mapping[str, set[str]]) -> tuple[list[str], list[list[str]]]:
    """(names, each after those that it uses; the cycles among them as paths). Names in no cycle only once.

    Iterative: a chain of thousands of macros must not end in a RecursionError.
    """
    order: list[str] = []
    cycles: list[list[str]] = []
    done: set[str] = set()
    for start in uses:
        path: list[str] = []
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            name, left = waiting.pop()
            if left:
                path.pop()
                if name not in done:
                    done.add(name)
                    order.append(name)
            elif name in path:
                cycles.append(path[path.index(name) :])
            elif name not in done and name in uses:
                path.append(name)
                waiting.append((name, True))
                waiting += [(used, False) for used in sorted(uses[name], reverse=True)]
    return order, cycles
