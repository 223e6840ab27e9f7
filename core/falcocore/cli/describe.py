"""`falcocore describe`: what a rule says, with all that it is made of."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Iterator

import msgspec

from falcocore.app import Project
from falcocore.cli.listing import Row, on_one_line, show
from falcocore.cli.request import load_rules, open_rules
from falcocore.errors import ConfigError, nearest
from falcocore.lang.printer import format_condition
from falcocore.lang.text import Text
from falcocore.rules.collection import ExceptionDefinition
from falcocore.rules.describe import (
    PluginOf,
    describe_files,
    describe_rules,
    exception_operators,
    parsed,
    uses_of,
)
from falcocore.rules.loader import LoadedRule, LoadResult
from falcocore.yamltree.nodes import Node, Scalar, Sequence

WIDTH = 110


def run(options: argparse.Namespace) -> int:
    """Describe one rule, or everything; 1 where the rules have errors."""
    project = open_rules(options)
    loaded = load_rules(project)
    chosen = None if options.rule is None else _rule_named(options.rule, loaded)
    if options.push_down:
        from falcocore.cli.pushed_down import show_push_down

        show_push_down(project, loaded, options.rule, as_json=options.format == "json")
    elif options.format == "json":
        plugin_of = _plugins(project)
        found = (
            describe_files(loaded, plugin_of)
            if chosen is None
            else describe_rules([chosen], loaded, plugin_of)
        )
        print(msgspec.json.encode(found).decode())  # noqa: T201
    elif chosen is None:
        show(list(_rows(loaded)), as_json=False)
    else:
        print("\n".join(_lines(chosen, loaded)))  # noqa: T201
        if options.compiled or options.key:
            print("\n".join(_compiled(chosen, loaded, options.key)))  # noqa: T201
    return 1 if loaded.errors else 0


def _compiled(chosen: LoadedRule, loaded: LoadResult, key: list[str]) -> Iterable[str]:
    from falcocore.cli.compiled import compiled_lines

    if chosen.rule is None:
        return [f"  compiled: no: {chosen.reason}"]
    rules = loaded.rule_sets.get(chosen.definition.source)
    return compiled_lines(chosen.rule, rules.rules if rules else [], key)


def _rule_named(name: str, loaded: LoadResult) -> LoadedRule:
    rules = {rule.definition.name: rule for rule in loaded.rules}
    if name in rules:
        return rules[name]
    lower = {known.lower(): known for known in rules}
    near = nearest(name.lower(), lower)
    hint = f"did you mean `{lower[near]}`?" if near else "`falcocore list rules` shows the names"
    raise ConfigError(f"there is no rule `{name}`", hint=hint)


def _plugins(project: Project) -> PluginOf:
    """What `evt.pluginname` shows for a source."""

    def plugin_of(source: str) -> str | None:
        if source not in project.host.names("source"):
            return None
        cls = project.host.source(source)
        return cls.plugin_name or cls.name

    return plugin_of


def _rows(loaded: LoadResult) -> Iterator[Row]:
    for rule in loaded.rules:
        definition = rule.definition
        yield {"kind": "rule", "name": definition.name, "description": on_one_line(definition.desc.value)}
    for macro in loaded.collection.macros.values():
        yield {"kind": "macro", "name": macro.name, "description": on_one_line(macro.condition.value)}
    for one in loaded.collection.lists.values():
        items = ", ".join(text.value for text in one.items)
        yield {"kind": "list", "name": one.name, "description": on_one_line(items)}


def _lines(loaded_rule: LoadedRule, loaded: LoadResult) -> Iterator[str]:
    """The description of one rule for people."""
    definition, rule = loaded_rule.definition, loaded_rule.rule
    yield definition.name
    line, _ = definition.span.position
    fields = list(uses_of(loaded_rule.resolved).fields)
    if rule is not None:
        fields += [bound.label for bound in rule.captures]
    for label, text in (
        ("description", definition.desc.value),
        ("priority", definition.priority.label),
        ("source", definition.source),
        ("tags", ", ".join(definition.tags)),
        ("runs", f"no: {loaded_rule.reason}" if loaded_rule.reason else "yes"),
        ("defined in", f"{definition.span.file.name}:{line}"),
        ("output", definition.output.value),
        ("fields", ", ".join(dict.fromkeys(fields))),
    ):
        if text.strip():
            yield from _wrapped(f"  {label}: ".ljust(15), text)
    yield "  condition:"
    yield from _condition(definition.condition)
    macros, lists = _behind(loaded_rule, loaded)
    if macros:
        yield "  macros:"
        for name in macros:
            yield f"    {name}:"
            yield from _condition(loaded.collection.macros[name].condition, "      ")
    if lists:
        yield "  lists:"
        for name in lists:
            items = ", ".join(text.value for text in loaded.collection.lists[name].items)
            yield from _wrapped(f"    {name}: ", items or "(it is empty)", "      ")
    if definition.exceptions:
        yield "  exceptions:"
        for exception in definition.exceptions:
            yield from _exception(exception)


def _behind(loaded_rule: LoadedRule, loaded: LoadResult) -> tuple[list[str], list[str]]:
    """The macros and lists of a rule, those that these use included, in order of appearance."""
    collection = loaded.collection
    uses = uses_of(loaded_rule.written, collection.lists)
    macros, lists = dict(uses.macros), dict(uses.lists)
    waiting = list(macros)
    while waiting:
        name = waiting.pop(0)
        if name not in collection.macros:
            macros.pop(name)  # it is not defined, which was reported
            continue
        inner = uses_of(parsed(collection.macros[name].condition), collection.lists)
        waiting += [new for new in inner.macros if new not in macros]
        macros.update(inner.macros)
        lists.update(inner.lists)
    waiting = list(lists)
    while waiting:
        items = (text.value for text in collection.lists[waiting.pop(0)].items)
        new = [item for item in items if item in collection.lists and item not in lists]
        waiting += new
        lists.update(dict.fromkeys(new))
    return list(macros), list(lists)


def _condition(condition: Text, indent: str = "    ") -> Iterator[str]:
    tree = parsed(condition)
    text = condition.value.strip() if tree is None else format_condition(tree)
    for line in text.splitlines():
        yield indent + line


def _exception(exception: ExceptionDefinition) -> Iterator[str]:
    pairs = zip(exception.fields, exception_operators(exception), strict=False)
    checks = " and ".join(f"{text.value} {operator} ..." for text, operator in pairs)
    yield f"    {exception.name}: not where {checks}"
    if not exception.values:
        yield "      (no values yet)"
    elif exception.is_single:
        yield from _wrapped("      ", ", ".join(_value(value) for value in exception.values), "      ")
    else:
        for value in exception.values:
            yield from _wrapped("      ", _value(value), "        ")


def _value(node: Node) -> str:
    """A value of an exception on one line."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        items: Iterable[str] = (
            f"({_value(item)})" if isinstance(item, Sequence) else _value(item) for item in node.items
        )
        return ", ".join(items)
    return "(not a value)"


def _wrapped(first: str, text: str, indent: str | None = None) -> list[str]:
    return textwrap.wrap(
        on_one_line(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * 15 if indent is None else indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
