"""A JSON Schema (draft 2020-12) of rule files, from the table of keys; for editors and for checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from falcocore.lang import words
from falcocore.rules.items import APPENDABLE, EXCEPTION_KEYS, KEYS, REPLACEABLE
from falcocore.types import Priority

Schema: TypeAlias = dict[str, Any]

_ITEM_DOCS = {
    "required_engine_version": "The version of Falco's rule language that the file needs.",
    "required_plugin_versions": "Plugins that the rules need, with their versions.",
    "list": "Values with a name, for lists and for operators such as `in`.",
    "macro": "A part of a condition with a name.",
    "rule": "A rule: which events raise an alert, and what the alert says.",
}
_DOCS = {
    "append": "Deprecated: write `override`. Adds to what was defined before.",
    "capture": "Record events when the rule alerts.",
    "capture_duration": "How long to record, in milliseconds; 0 is the configuration's default.",
    "condition": "What has to hold: checks such as `evt.num > 1`, and macros, joined by and, or, not.",
    "desc": "What the rule finds, and why that matters.",
    "enabled": "Whether the rule runs unless the configuration says otherwise.",
    "exceptions": "What the rule leaves out, as fields, operators and values.",
    "items": "The values; the name of a list stands for its items.",
    "output": "The alert's text; `%FIELD` stands for a value.",
    "override": "How each key that is given changes what was defined before.",
    "priority": "How severe an alert is.",
    "skip-if-unknown-filter": "Leave the rule out, without an error, where no plugin offers a field of it.",
    "source": "The source of the events, syscall where none is given.",
    "tags": "Words to select rules by, and to pass on with alerts.",
    "warn_evttypes": "Warn where the condition names no event types.",
}
_EXCEPTION_DOCS = {
    "name": "The name, to append values by.",
    "fields": "A field, or a list of fields that are compared together.",
    "comps": "The operator, or one for each field (default: `in`, or `=` for each).",
    "values": "For one field its values; for several, a list for each combination of values.",
}
_PLUGIN_DOCS = {"name": "The plugin.", "version": "The least version.", "alternatives": "Plugins instead."}

_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_BOOLEAN: Schema = {"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no", "on", "off"]}]}
_VERSION: Schema = {"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"}


def rules_schema(sources: Iterable[str]) -> Schema:
    """The schema of a rule file; `sources` are those that editors offer, and others are taken as well."""
    definitions: Schema = {
        "plugin": _closed({"name": _SCALAR, "version": _VERSION}, ["name", "version"], _PLUGIN_DOCS),
        "exception": _exception(),
        **{kind: _item(kind, list(sources)) for kind in KEYS},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule file of falcocore and Falco",
        "type": ["array", "null"],
        "items": {"anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in KEYS]},
        "$defs": definitions,
    }


def _closed(properties: Schema, required: list[str], docs: dict[str, str]) -> Schema:
    described = {key: {"description": docs[key], **schema} for key, schema in properties.items()}
    return {
        "type": "object",
        "properties": described,
        "required": required,
        "additionalProperties": False,
    }


def _item(kind: str, sources: list[str]) -> Schema:
    docs = {**_DOCS, kind: _ITEM_DOCS[kind]}
    schemas = {key: _value(kind, key, holds, sources) for key, holds in KEYS[kind].items()}
    item = {"description": _ITEM_DOCS[kind], **_closed(schemas, [kind], docs)}
    full = {"rule": ["condition", "output", "desc", "priority"], "macro": ["condition"], "list": ["items"]}
    if kind in full:
        # What changes an earlier item gives only what it changes.
        ways = [full[kind], ["override"], ["append"], *([["enabled"]] if kind == "rule" else [])]
        item["anyOf"] = [{"required": way} for way in ways]
    return item


def _value(kind: str, key: str, holds: str, sources: list[str]) -> Schema:
    match holds:
        case "version":
            return {"anyOf": [{"type": "integer"}, _VERSION]}
        case "plugins":
            alternatives = {"type": "array", "items": {"$ref": "#/$defs/plugin"}}
            entry = {"name": _SCALAR, "version": _VERSION, "alternatives": alternatives}
            return {"type": "array", "items": _closed(entry, ["name", "version"], _PLUGIN_DOCS)}
        case "texts":
            return {"type": "array", "items": _SCALAR}
        case "bool":
            return _BOOLEAN
        case "uint32":
            return {"type": "integer", "minimum": 0, "maximum": (1 << 32) - 1}
        case "priority":
            return _priority()
        case "exceptions":
            return {"type": ["array", "null"], "items": {"$ref": "#/$defs/exception"}}
        case "overrides":
            return _overrides(kind)
        case "word" if key == "source":
            return {"anyOf": [{"enum": sources}, {"type": "string"}]}
        case "text" | "trimmed":
            return {"type": "string", "minLength": 1}
        case _:
            return _SCALAR


def _priority() -> Schema:
    names = [*(priority.name for priority in Priority), "INFO"]
    any_case = "|".join("".join(f"[{c}{c.lower()}]" for c in name) for name in names)
    return {"anyOf": [{"enum": names}, {"type": "string", "pattern": f"^({any_case})$"}]}


def _overrides(kind: str) -> Schema:
    operations = {
        key: [word for word, keys in (("append", APPENDABLE), ("replace", REPLACEABLE)) if key in keys[kind]]
        for key in KEYS[kind]
    }
    return {
        "type": "object",
        "properties": {key: {"enum": known} for key, known in operations.items() if known},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _exception() -> Schema:
    operators = sorted(set(words.ALL_OPERATORS) - {"exists"})
    modifiers = [f"{operator} {modifier}" for operator in operators for modifier in words.MODIFIERS]
    operator: Schema = {"anyOf": [{"enum": operators}, {"enum": modifiers}]}
    cell: Schema = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]}
    properties: Schema = {
        "name": _SCALAR,
        "fields": _one_or_more({"type": "string"}),
        "comps": _one_or_more(operator),
        "values": {
            "type": ["array", "null"],
            "items": {"anyOf": [_SCALAR, {"type": "array", "items": cell}]},
        },
    }
    return _closed({key: properties[key] for key in EXCEPTION_KEYS}, ["name"], _EXCEPTION_DOCS)


def _one_or_more(one: Schema) -> Schema:
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}
