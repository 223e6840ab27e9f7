"""From rule files to a rule set for each source, with everything that there is to say about them.

All files are read first, then everything is resolved, checked and compiled once. What is reported stands
where the text does, whichever file was read last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundField
from falcocore.lang.check import check_condition
from falcocore.lang.diagnostics import Code, ConditionError, Diagnostic, Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.recursion import recursion_room
from falcocore.lang.resolve import Resolved, resolve
from falcocore.lang.syntax import Node
from falcocore.lang.template import REMOVED_FIELD
from falcocore.lang.text import SourceFile
from falcocore.rules.additions import Addition, Output, rule_output
from falcocore.rules.collection import Collection, RuleDefinition, Visibility
from falcocore.rules.exceptions import with_exceptions
from falcocore.rules.reader import read_items
from falcocore.rules.requirements import check_requirements
from falcocore.rules.scope import Definitions
from falcocore.rules.selection import Selection, reason_not_to_run, without_effect
from falcocore.ruleset import Rule, RuleSet
from falcocore.types import Priority


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What rules are checked against: the fields of each known source, and which sources run."""

    tables: Mapping[str, FieldTable]
    running: frozenset[str]

    def elsewhere(self, name: str) -> list[str]:
        """The sources that have a field of that name."""
        return [source for source, table in self.tables.items() if name in table]


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """The configuration's say in loading rules."""

    first: bool = True
    least_priority: Priority = Priority.DEBUG
    selections: tuple[Selection, ...] = ()
    additions: tuple[Addition, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedRule:
    """One rule of the files, for listings: why it does not run, and how far it was understood.

    `written` is its condition with its exceptions, `resolved` the same with macros and lists put in.
    """

    definition: RuleDefinition
    reason: str | None = None
    rule: Rule | None = None
    written: Node | None = None
    resolved: Node | None = None


@dataclass(slots=True)
class LoadResult:
    """What came of the files. `rule_sets` has one for each running source, empty where there are errors."""

    files: Sequence[SourceFile]
    diagnostics: list[Diagnostic]
    collection: Collection
    definitions: Definitions
    rules: list[LoadedRule] = field(default_factory=list)
    rule_sets: dict[str, RuleSet] = field(default_factory=dict)
    idle_selections: list[Selection] = field(default_factory=list)
    """Entries of the configuration's `rules` that speak of no rule."""

    @property
    def errors(self) -> list[Diagnostic]:
        """Those for which the rules can't be used."""
        return [d for d in self.diagnostics if d.is_error]

    def of(self, file: SourceFile) -> list[Diagnostic]:
        """What was said about one file; what has its place in none of them belongs to the last."""
        last = self.files[-1] if self.files else None
        theirs = {id(one) for one in self.files}
        return [
            d
            for d in self.diagnostics
            if (d.span.file if d.span and id(d.span.file) in theirs else last) is file
        ]


def load(
    files: Sequence[SourceFile],
    catalogue: Catalogue,
    settings: LoadSettings | None = None,
    generation: int = 0,
) -> LoadResult:
    """Load rule files, in order. Nothing is raised for what is wrong with them; it is reported."""
    with recursion_room(_FRAMES):
        return _Loading(files, catalogue, settings or LoadSettings()).result(generation)


_FRAMES = 1000
"""More than resolving, checking and compiling take for the deepest condition."""


class _Loading:
    def __init__(self, files: Sequence[SourceFile], catalogue: Catalogue, settings: LoadSettings) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self.files = files
        self.report = Report()
        self.collection = Collection(self.report)
        for number, file in enumerate(files):
            for item in read_items(file, self.report):
                self.collection.add(item, number)
        check_requirements(self.collection.requirements, catalogue.running, self.report)
        self.definitions = Definitions(self.collection, self.report)
        self.strangers: dict[tuple[str, SourceFile], list[RuleDefinition]] = {}
        """Rules of sources that are not installed, by source and file."""

    def result(self, generation: int) -> LoadResult:
        loaded: list[LoadedRule] = []
        running: dict[str, list[Rule]] = {source: [] for source in self.catalogue.running}
        for definition in self.collection.rules.values():
            one = self._rule(definition)
            if one.rule is not None and one.reason is None:
                running[definition.source].append(one.rule)
            loaded.append(one)
        self._report_strangers()
        if not self.report.errors:
            # What stands in a broken condition would be reported as well.
            self.definitions.report_unused()
        idle = without_effect(self.settings.selections, list(self.collection.rules.values()))
        result = LoadResult(
            self.files,
            in_order(self.report.diagnostics, self.files),
            self.collection,
            self.definitions,
            loaded,
            idle_selections=idle,
        )
        for source, rules in running.items():
            usable = [] if result.errors else rules
            result.rule_sets[source] = RuleSet.compiled(
                source, usable, first=self.settings.first, generation=generation
            )
        return result

    def _rule(self, definition: RuleDefinition) -> LoadedRule:
        label = f'rule "{definition.name}"'
        report = Report()
        table = self.catalogue.tables.get(definition.source)
        written, resolved = self._condition(definition, table, label, report)
        tree = resolved.node if resolved is not None else None
        if table is None:
            # Its fields can't be checked, but what it uses of macros and lists counts as used.
            self.strangers.setdefault((definition.source, definition.span.file), []).append(definition)
            return LoadedRule(definition, f"source {definition.source} is not installed", None, written, tree)
        rule = self._checked(definition, resolved, table, label, report)
        return LoadedRule(definition, self._reason(definition, rule, label, report), rule, written, tree)

    def _reason(
        self, definition: RuleDefinition, rule: Rule | None, label: str, report: Report
    ) -> str | None:
        """Why a rule does not run; passes on what was reported of it."""
        unknown = [d for d in report.errors if d.unknown_field]
        if definition.skip_if_unknown and unknown and unknown == report.errors:
            names = ", ".join(sorted({str(d.unknown_field) for d in unknown}))
            message = f"the rule is left out: no plugin offers {names}"
            self.report.add(Diagnostic(Code.WARN_UNKNOWN_FILTER, message, unknown[0].span, label))
            return f"no plugin offers {names} (skip-if-unknown-filter)"
        self.report.extend(report.diagnostics)
        if rule is None:
            return "it has errors"
        if definition.source not in self.catalogue.running:
            return f"source {definition.source} is not running"
        return reason_not_to_run(definition, self.settings.selections, self.settings.least_priority)

    def _condition(
        self, definition: RuleDefinition, table: FieldTable | None, label: str, report: Report
    ) -> tuple[Node | None, Resolved | None]:
        """(the condition with its exceptions, the same with macros and lists in it), as far as they go."""
        tree: Node | None = None
        try:
            tree = parse_condition(definition.condition)
        except ConditionError as error:
            report.add(replace(error.diagnostic, item=label))
        has_condition = tree is not None
        if table is not None:
            tree = with_exceptions(
                tree, definition.exceptions, table, report, label, self.catalogue.elsewhere
            )
        if tree is None:
            return None, None
        scope = self.definitions.scope(partial(_defined_up_to, definition.seen.last_file))
        resolved = resolve(tree, scope, report, label)
        if not has_condition and resolved is not None:
            resolved = replace(resolved, is_whole=False)
        return tree, resolved

    def _checked(
        self,
        definition: RuleDefinition,
        resolved: Resolved | None,
        table: FieldTable,
        label: str,
        report: Report,
    ) -> Rule | None:
        """The rule bound to its source's fields; None where something of it has errors."""
        condition = None
        if resolved is not None:
            condition = check_condition(resolved.node, table, report, label, self.catalogue.elsewhere)
        output = self._output(definition, table, label, report)
        if condition is None or output is None or report.errors or definition.is_partial:
            return None
        if resolved is None or not resolved.is_whole:
            return None
        listed = _unique((*output.template.fields, *output.raw))
        hidden = (bound for _, template in output.formatted for bound in template.fields)
        return Rule(
            name=definition.name,
            source=definition.source,
            priority=definition.priority,
            tags=definition.tags,
            description=definition.desc.value,
            condition=condition,
            output=output.template,
            captures=_unique((*listed, *hidden)),
            listed=len(listed),
            extra=output.formatted,
        )

    def _output(
        self, definition: RuleDefinition, table: FieldTable, label: str, report: Report
    ) -> Output | None:
        if f"%{REMOVED_FIELD}" in definition.output.value:
            at = definition.output.value.index(f"%{REMOVED_FIELD}")
            span = definition.output.span(at, at + len(REMOVED_FIELD) + 1)
            message = f"`%{REMOVED_FIELD}` is deprecated and stands for nothing"
            report.add(Diagnostic(Code.WARN_DEPRECATED_ITEM, message, span, label, "take it out"))
        try:
            return rule_output(definition, self.settings.additions, table, self.catalogue.elsewhere)
        except ConditionError as error:
            report.extend(replace(found, item=label) for found in error.all)
            return None

    def _report_strangers(self) -> None:
        """One warning for each source and file: whole files may be for a source that isn't there."""
        hint = "install the plugin that offers the source; `falcocore list sources` shows what is there"
        for (source, _), rules in self.strangers.items():
            which = f"rule `{rules[0].name}` is" if len(rules) == 1 else f"{len(rules)} rules are"
            message = f"source `{source}` is not installed: {which} left out"
            self.report.add(Diagnostic(Code.WARN_UNKNOWN_SOURCE, message, rules[0].span, hint=hint))


def in_order(diagnostics: Iterable[Diagnostic], files: Sequence[SourceFile]) -> list[Diagnostic]:
    """What was said in the order of the files and their lines; what has no place in them comes last."""
    numbers = {id(file): number for number, file in enumerate(files)}

    def place(diagnostic: Diagnostic) -> tuple[int, int]:
        span = diagnostic.span
        return (numbers.get(id(span.file), len(numbers)), span.start) if span else (len(numbers), 0)

    return sorted(diagnostics, key=place)


def _defined_up_to(file: int, seen: Visibility) -> bool:
    return seen.first_file <= file


def _unique(fields: Iterable[BoundField]) -> tuple[BoundField, ...]:
    return tuple({bound.label: bound for bound in fields}.values())
