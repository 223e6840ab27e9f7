"""All items of all files merged; a rule keeps the place of its first definition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from falcocore.errors import nearest
from falcocore.lang.diagnostics import Code, Diagnostic, Report
from falcocore.lang.text import JoinedText, Span, Text
from falcocore.rules.items import Broken, Comps, EngineVersion, ExceptionItem, Item, Read, Requirement
from falcocore.types import Priority
from falcocore.yamltree.nodes import Node


@dataclass(frozen=True, slots=True)
class Visibility:
    """When a thing was first defined and last changed, as numbers of items and of files.

    A list or macro may use what was first defined before its own last change; a rule, what was first
    defined in the file of its last change or before.
    """

    first: int
    last: int
    first_file: int
    last_file: int


@dataclass(slots=True)
class ListDefinition:
    """A list; its items may name other lists."""

    name: str
    items: tuple[Text, ...]
    span: Span
    seen: Visibility


@dataclass(slots=True)
class MacroDefinition:
    """A macro."""

    name: str
    condition: Text
    span: Span
    seen: Visibility


@dataclass(frozen=True, slots=True)
class ExceptionDefinition:
    """An exception with everything that was appended to it. `replaced` ones came with an override."""

    name: str
    span: Span
    fields: tuple[Text, ...]
    is_single: bool
    comps: Comps | None
    values: tuple[Node, ...]
    replaced: bool = False
    near_miss: str | None = None
    """An unknown key that looks like `values`."""
    is_open: bool = False
    """True where `values: []` says that values are to be appended by others."""


@dataclass(slots=True)
class RuleDefinition:
    """A rule."""

    name: str
    span: Span
    seen: Visibility
    condition: Text
    output: Text
    desc: Text
    priority: Priority
    source: str
    enabled: bool = True
    tags: tuple[str, ...] = ()
    exceptions: tuple[ExceptionDefinition, ...] = ()
    skip_if_unknown: bool = False
    warn_evttypes: bool = True
    capture: bool = False
    capture_duration_ms: int = 0
    is_partial: bool = False
    """True where something of it was reported and left out: the rest is only to be checked."""


_RULE_KEYS = {
    "enabled": "enabled",
    "skip-if-unknown-filter": "skip_if_unknown",
    "warn_evttypes": "warn_evttypes",
    "capture": "capture",
    "capture_duration": "capture_duration_ms",
    "condition": "condition",
    "output": "output",
    "desc": "desc",
    "priority": "priority",
}
"""Keys that are taken over as they are, and the attribute each sets."""


@dataclass(slots=True)
class Collection:
    """What the files define together, by name, in order of first definition."""

    report: Report
    lists: dict[str, ListDefinition] = field(default_factory=dict)
    macros: dict[str, MacroDefinition] = field(default_factory=dict)
    rules: dict[str, RuleDefinition] = field(default_factory=dict)
    requirements: list[Requirement] = field(default_factory=list)
    engine_version: tuple[int, int, int] = (0, 0, 0)
    """The highest that a file needs."""
    broken: set[Broken] = field(default_factory=set)
    """Items that could not be read."""
    _count: int = 0

    def add(self, item: Read, file: int) -> None:
        """Merge one item of the file with that number."""
        self._count += 1
        if isinstance(item, Requirement):
            self.requirements.append(item)
        elif isinstance(item, EngineVersion):
            self.engine_version = max(self.engine_version, item.version)
        elif isinstance(item, Broken):
            self.broken.add(item)
        elif item.kind == "list":
            self._list(item, file)
        elif item.kind == "macro":
            self._macro(item, file)
        else:
            self._rule(item, file)

    def _seen(self, before: Visibility | None, file: int) -> Visibility:
        if before is None:
            return Visibility(self._count, self._count, file, file)
        return replace(before, last=self._count, last_file=file)

    def _list(self, item: Item, file: int) -> None:
        known = self.lists.get(item.name)
        appends = item.how == "append" or item.overrides.get("items") == "append"
        if appends and known is None:
            return self._no_target(item, self.lists)
        items = known.items if appends and known else ()
        seen = self._seen(known.seen if known else None, file)
        self.lists[item.name] = ListDefinition(
            item.name, items + item.values.get("items", ()), item.span, seen
        )
        return None

    def _macro(self, item: Item, file: int) -> None:
        known = self.macros.get(item.name)
        appends = item.how == "append" or item.overrides.get("condition") == "append"
        if appends and known is None:
            return self._no_target(item, self.macros)
        text: Text = item.values["condition"]
        condition = JoinedText(known.condition, text) if appends and known else text
        seen = self._seen(known.seen if known else None, file)
        self.macros[item.name] = MacroDefinition(item.name, condition, item.span, seen)
        return None

    def _rule(self, item: Item, file: int) -> None:
        known = self.rules.get(item.name)
        if item.how == "define":
            self._define(item, known, file)
        elif known is None:
            self._no_target(item, self.rules)
        else:
            self._change(item, known)
            known.seen = self._seen(known.seen, file)

    def _define(self, item: Item, known: RuleDefinition | None, file: int) -> None:
        values = item.values
        source = values.get("source", "syscall")
        if known is not None and known.source != source:
            message = f"{item.label} has source {source} here, and {known.source} where it was defined first"
            hint = "give it another name; rule names are shared by all sources"
            if "source" not in values:
                hint = f"without `source:` it is syscall; write `source: {known.source}`, or another name"
            self._error(item.span, message, hint, ("defined first", known.span))
            return
        rule = RuleDefinition(
            name=item.name,
            span=item.span,
            seen=self._seen(known.seen if known else None, file),
            condition=values["condition"],
            output=values["output"],
            desc=values["desc"],
            priority=values["priority"],
            source=source,
            tags=_tags(values.get("tags", ())),
            exceptions=self._defined(item),
            is_partial=item.is_partial,
        )
        _take_over(rule, values, _RULE_KEYS)
        # Redefined, a rule keeps its place: a dict does that for a known key.
        self.rules[item.name] = rule

    def _change(self, item: Item, rule: RuleDefinition) -> None:
        values = item.values
        if item.how == "switch":
            rule.enabled = values["enabled"]
            return
        if item.how == "append":
            if not {"condition", "exceptions"} & set(values):
                hint = "`append: true` adds a condition or exceptions; anything else goes with `override`"
                self._error(item.span, f"{item.label} appends nothing", hint)
                return
            overrides = dict.fromkeys(("condition", "exceptions"), "append")
        else:
            overrides = item.overrides
        for key in (key for key, operation in overrides.items() if operation == "append" and key in values):
            self._append(item, rule, key)
        replaced = {key for key, operation in overrides.items() if operation == "replace"}
        _take_over(rule, values, {key: _RULE_KEYS[key] for key in _RULE_KEYS if key in replaced})
        if "tags" in replaced:
            rule.tags = _tags(values["tags"])
        if "exceptions" in replaced:
            rule.exceptions = tuple(replace(e, replaced=True) for e in self._defined(item))

    def _append(self, item: Item, rule: RuleDefinition, key: str) -> None:
        value = item.values[key]
        match key:
            case "condition":
                rule.condition = JoinedText(rule.condition, value)
            case "output":
                rule.output = JoinedText(rule.output, value)
            case "desc":
                rule.desc = JoinedText(rule.desc, value)
            case "tags":
                rule.tags = tuple(sorted({*rule.tags, *_tags(value)}))
            case "exceptions":
                self._append_exceptions(item, rule)

    # --- exceptions ---------------------------------------------------------------------------------------

    def _defined(self, item: Item) -> tuple[ExceptionDefinition, ...]:
        """The exceptions that a definition or a replacement gives; those without fields are left out."""
        return tuple(
            definition
            for entry in item.values.get("exceptions", ())
            if (definition := self._definition(entry, item, Code.YAML_VALIDATE)) is not None
        )

    def _definition(self, entry: ExceptionItem, item: Item, code: Code) -> ExceptionDefinition | None:
        if entry.fields is None:
            message = f"exception `{entry.name}` has no `fields`"
            self.report.add(
                Diagnostic(code, message, entry.span, item.label, "add `fields:` with one or more fields")
            )
            return None
        return ExceptionDefinition(
            name=entry.name,
            span=entry.span,
            fields=entry.fields,
            is_single=entry.is_single,
            comps=entry.comps,
            values=entry.values,
            near_miss=entry.near_miss,
            is_open=entry.is_open,
        )

    def _append_exceptions(self, item: Item, rule: RuleDefinition) -> None:
        for entry in item.values["exceptions"]:
            at = next((n for n, known in enumerate(rule.exceptions) if known.name == entry.name), None)
            if at is None:
                self._append_new(entry, item, rule)
            elif entry.fields is not None or entry.comps is not None:
                message = f"exception `{entry.name}` is known, and an append gives no `fields` or `comps`"
                self._error(
                    entry.span,
                    message,
                    "leave them out, or use another name",
                    ("defined", rule.exceptions[at].span),
                    item,
                )
            elif not entry.values:
                hint = (
                    f"did you mean `values` instead of `{entry.near_miss}`?"
                    if entry.near_miss
                    else "add `values:`"
                )
                message = f"exception `{entry.name}` is given without values: nothing is appended"
                self.report.add(Diagnostic(Code.WARN_APPEND_NO_VALUES, message, entry.span, item.label, hint))
            else:
                known = rule.exceptions[at]
                grown = replace(known, values=known.values + entry.values)
                rule.exceptions = (*rule.exceptions[:at], grown, *rule.exceptions[at + 1 :])

    def _append_new(self, entry: ExceptionItem, item: Item, rule: RuleDefinition) -> None:
        if entry.fields is None or not entry.values:
            near = nearest(entry.name, [known.name for known in rule.exceptions])
            hint = (
                f"did you mean the exception `{near}`?" if near else "a new one needs `fields` and `values`"
            )
            message = f"{item.label} has no exception `{entry.name}` to append to"
            self._error(entry.span, message, hint, item=item)
            return
        definition = self._definition(entry, item, Code.VALIDATE)
        if definition is not None:
            rule.exceptions = (*rule.exceptions, definition)

    # --- reporting ----------------------------------------------------------------------------------------

    def _no_target(self, item: Item, known: Iterable[str]) -> None:
        if Broken(item.kind, item.name) in self.broken:
            return
        near = nearest(item.name, known)
        hint = (
            f"did you mean `{near}`?"
            if near
            else "define it first; files are read in the order they are given"
        )
        what = "append to" if item.how == "append" or "append" in item.overrides.values() else "change"
        self._error(item.span, f"there is no {item.label} to {what}", hint)

    def _error(
        self,
        span: Span,
        message: str,
        hint: str | None = None,
        related: tuple[str, Span] | None = None,
        item: Item | None = None,
    ) -> None:
        label = item.label if item else None
        self.report.add(Diagnostic(Code.VALIDATE, message, span, label, hint, (related,) if related else ()))


def _tags(texts: Iterable[Text]) -> tuple[str, ...]:
    return tuple(sorted({text.value for text in texts}))


def _take_over(rule: RuleDefinition, values: dict[str, Any], keys: dict[str, str]) -> None:
    for key, attribute in keys.items():
        if key in values:
            setattr(rule, attribute, values[key])
