"""What rules, macros and lists consist of, in Falco's JSON shape (rules-language, section 8)."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from falcocore.lang.codegen import operand_text
from falcocore.lang.diagnostics import ConditionError
from falcocore.lang.grammar import parse_condition
from falcocore.lang.printer import print_condition, print_operand
from falcocore.lang.syntax import (
    And,
    Check,
    FieldRef,
    Group,
    Literal,
    MacroRef,
    Node,
    Not,
    Or,
    Transform,
    Values,
)
from falcocore.lang.template import Template
from falcocore.lang.text import Text
from falcocore.rules.collection import ExceptionDefinition, ListDefinition, MacroDefinition, RuleDefinition
from falcocore.rules.items import PluginVersion
from falcocore.rules.loader import LoadedRule, LoadResult

PluginOf = Callable[[str], str | None]
"""Source to the plugin that offers it, None where it is not installed."""


@dataclass(slots=True)
class Uses:
    """What a tree names, each once, in order of appearance."""

    macros: dict[str, None] = field(default_factory=dict)
    lists: dict[str, None] = field(default_factory=dict)
    fields: dict[str, None] = field(default_factory=dict)
    operators: dict[str, None] = field(default_factory=dict)


def uses_of(tree: Node | None, lists: Container[str] = ()) -> Uses:
    """What a tree names; a bare word among its values is a list's name where `lists` has it."""
    found = Uses()
    waiting: list[Node] = [tree] if tree is not None else []
    while waiting:
        match waiting.pop():
            case MacroRef(name):
                found.macros[name] = None
            case Not(child):
                waiting.append(child)
            case And(children) | Or(children):
                waiting += reversed(children)
            case Check(left, operator, right, modifier):
                found.operators[f"{operator} {modifier}" if modifier else operator] = None
                for operand in (left, right):
                    if isinstance(operand, FieldRef | Transform):
                        found.fields.update(dict.fromkeys(_fields(operand)))
                values = right.items if isinstance(right, Values) else (right,)
                found.lists.update(
                    (literal.text, None)
                    for literal in values
                    if isinstance(literal, Literal) and literal.bare and literal.text in lists
                )
    return found


def _fields(operand: FieldRef | Transform | Group | Literal) -> Iterable[str]:
    match operand:
        case FieldRef():
            yield print_operand(operand)
        case Transform(arguments=inner) | Group(inner):
            for one in inner:
                yield from _fields(one)


def parsed(condition: Text) -> Node | None:
    """The tree of a condition; None where it has a mistake, which was reported when it was loaded."""
    try:
        return parse_condition(condition)
    except ConditionError:
        return None


def exception_operators(exception: ExceptionDefinition) -> list[str]:
    """The operator for each field."""
    if exception.comps is not None:
        return [text.value for text in exception.comps.names]
    return ["in" if exception.is_single else "="] * len(exception.fields)


def describe_files(loaded: LoadResult, plugin_of: PluginOf) -> dict[str, Any]:
    """Everything that the files define."""
    collection = loaded.collection
    return {
        "required_engine_version": ".".join(map(str, collection.engine_version)),
        "required_plugin_versions": [
            {
                **_plugin_version(requirement.alternatives[0]),
                "alternatives": [_plugin_version(other) for other in requirement.alternatives[1:]],
            }
            for requirement in collection.requirements
        ],
        **describe_rules(loaded.rules, loaded, plugin_of),
        "macros": [_macro(macro, loaded) for macro in collection.macros.values()],
        "lists": [_list(one, loaded) for one in collection.lists.values()],
    }


def describe_rules(rules: Iterable[LoadedRule], loaded: LoadResult, plugin_of: PluginOf) -> dict[str, Any]:
    """Some rules only."""
    return {"rules": [_rule(rule, loaded, plugin_of) for rule in rules]}


def _plugin_version(plugin: PluginVersion) -> dict[str, str]:
    return {"name": plugin.name, "version": ".".join(map(str, plugin.version))}


def _rule(loaded_rule: LoadedRule, loaded: LoadResult, plugin_of: PluginOf) -> dict[str, Any]:
    definition, rule = loaded_rule.definition, loaded_rule.rule
    written = uses_of(parsed(definition.condition), loaded.collection.lists)
    compiled = uses_of(loaded_rule.resolved)
    plugin = plugin_of(definition.source)
    details: dict[str, Any] = {
        "macros": list(written.macros),
        "lists": list(written.lists),
        "condition_operators": list(compiled.operators),
        "condition_fields": list(compiled.fields),
        "output_fields": [bound.label for bound in rule.output.fields] if rule else [],
        **_exceptions(definition),
        "events": [],
        "condition_compiled": _compiled(loaded_rule.resolved),
        "output_compiled": _template(rule.output) if rule else "",
        "plugins": [plugin] if plugin else [],
    }
    if rule and rule.extra:
        details["extra_output_formatted_fields"] = {key: _template(value) for key, value in rule.extra}
    return {
        "info": {
            "name": definition.name,
            "condition": definition.condition.value.strip(),
            "priority": definition.priority.label,
            "output": definition.output.value,
            "description": definition.desc.value.strip(),
            "enabled": definition.enabled,
            "source": definition.source,
            "capture": definition.capture,
            "capture_duration": definition.capture_duration_ms,
            "tags": list(definition.tags),
        },
        "details": details,
    }


def _exceptions(definition: RuleDefinition) -> dict[str, list[str]]:
    exceptions = definition.exceptions
    fields = (text.value for exception in exceptions for text in exception.fields)
    operators = (operator for exception in exceptions for operator in exception_operators(exception))
    return {
        "exception_fields": list(dict.fromkeys(fields)),
        "exception_names": [exception.name for exception in exceptions],
        "exception_operators": list(dict.fromkeys(operators)),
    }


def _macro(macro: MacroDefinition, loaded: LoadResult) -> dict[str, Any]:
    written = uses_of(parsed(macro.condition), loaded.collection.lists)
    resolved = loaded.definitions.macros.get(macro.name)
    tree = resolved.node if resolved is not None else None
    compiled = uses_of(tree)
    return {
        "info": {"name": macro.name, "condition": macro.condition.value.strip()},
        "details": {
            "used": macro.name in loaded.definitions.used_macros,
            "macros": list(written.macros),
            "lists": list(written.lists),
            "condition_operators": list(compiled.operators),
            "condition_fields": list(compiled.fields),
            "events": [],
            "condition_compiled": _compiled(tree),
            "plugins": [],
        },
    }


def _list(one: ListDefinition, loaded: LoadResult) -> dict[str, Any]:
    lists = loaded.collection.lists
    items = [text.value for text in one.items]
    return {
        "info": {"name": one.name, "items": [item for item in items if item not in lists]},
        "details": {
            "used": one.name in loaded.definitions.used_lists,
            "lists": [item for item in items if item in lists],
            "items_compiled": [literal.text for literal in loaded.definitions.lists.get(one.name, ())],
            "plugins": [],
        },
    }


def _compiled(tree: Node | None) -> str:
    """The tree on one line, with every group in parentheses, the outermost too."""
    if tree is None:
        return ""
    text = print_condition(tree)
    return f"({text})" if isinstance(tree, And | Or) else text


def _template(template: Template) -> str:
    parts = []
    for part in template.parts:
        if isinstance(part, str):
            parts.append(part)
        else:
            width = "" if part.width is None else part.width
            parts.append(f"%{width}{operand_text(part.operand)}")
    return "".join(parts)
