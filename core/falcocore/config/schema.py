"""A JSON Schema (draft 2020-12) of the configuration, from the table of keys and the options of plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from falcocore.config.keys import ACCEPTED, ANY, DOCS, USED, Key, Kind
from falcocore.options import REQUIRED, Option

Schema: TypeAlias = dict[str, Any]
Options: TypeAlias = Mapping[str, Mapping[str, Option]]
"""Source or output to its options by name."""

_DEFINITIONS: Schema = {
    "variable": {
        "description": "a text with an environment variable in it",
        "type": "string",
        "pattern": r"\$\{",
    },
    "text": {"type": ["string", "number", "boolean", "null"]},
    "boolean": {
        "anyOf": [
            {"type": ["boolean", "null"]},
            {"enum": ["yes", "no", "on", "off", "true", "false"]},
            {"$ref": "#/$defs/variable"},
        ]
    },
    "number": {
        "anyOf": [{"type": ["integer", "null"]}, {"$ref": "#/$defs/variable"}],
    },
    "texts": {
        "anyOf": [{"$ref": "#/$defs/text"}, {"type": "array", "items": {"$ref": "#/$defs/text"}}],
    },
}
_NO_EFFECT = "one of Falco's keys; it is accepted and has no effect"


def config_schema(sources: Options, outputs: Options) -> Schema:
    """The schema of a falcocore.yaml, with the options of these sources and outputs."""
    definitions: Schema = dict(_DEFINITIONS)
    properties = {key: _described(_schema(known), DOCS.get(key)) for key, known in USED.items()}
    for key, known in ACCEPTED.items():
        properties[key] = {"description": _NO_EFFECT, **_schema(known)}
    _refine_sources(properties["sources"]["items"], sources, definitions)
    _refine_outputs(properties["outputs"], outputs, definitions)
    entry = properties["config_files"]
    entry["items"] = {"anyOf": [{"type": "string"}, entry["items"]]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of falcocore",
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
        "$defs": definitions,
    }


def _described(schema: Schema, doc: str | None) -> Schema:
    return {"description": doc, **schema} if doc else schema


def _schema(known: Any) -> Schema:
    """The schema of what stands in the table of keys."""
    match known:
        case Key():
            return {"description": known.doc, **_value(known)}
        case list():
            return {"type": ["array", "null"], "items": _schema(known[0])}
        case dict():
            schema: Schema = {
                "type": ["object", "null"],
                "properties": {key: _schema(inner) for key, inner in known.items() if key != ANY},
                "additionalProperties": _schema(known[ANY]) if ANY in known else False,
            }
            required = [key for key, inner in known.items() if isinstance(inner, Key) and inner.required]
            if required:
                schema["required"] = required
            return schema
        case _:
            return {}


def _value(key: Key) -> Schema:
    if key.words:
        # Any case is taken, and the list is what editors offer.
        choices = "|".join("".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in w) for w in key.words)
        return {
            "anyOf": [
                {"enum": list(key.words)},
                {"type": "string", "pattern": f"^({choices})$"},
                {"$ref": "#/$defs/variable"},
                {"type": "null"},
            ]
        }
    match key.kind:
        case Kind.TEXT:
            return {"$ref": "#/$defs/text"}
        case Kind.BOOLEAN:
            return {"$ref": "#/$defs/boolean"}
        case Kind.NUMBER:
            return {"$ref": "#/$defs/number"}
        case Kind.TEXTS:
            return {"$ref": "#/$defs/texts"}
        case Kind.MAP:
            return {"type": ["object", "null"]}
        case Kind.TEXT_OR_MAP:
            return {"type": ["string", "object", "null"]}
        case Kind.TEXTS_AND_MAPS:
            return {"type": ["array", "null"], "items": {"type": ["string", "object"]}}


def _refine_sources(entry: Schema, sources: Options, definitions: Schema) -> None:
    """Which sources there are, and what options the one that is named has."""
    name = entry["properties"]["name"]
    entry["properties"]["name"] = {
        "description": name["description"],
        "anyOf": [{"enum": list(sources)}, {"$ref": "#/$defs/variable"}],
    }
    entry["allOf"] = [
        {
            "if": {"properties": {"name": {"const": source}}, "required": ["name"]},
            "then": _with_options(f"source.{source}", options, definitions),
        }
        for source, options in sources.items()
    ]


def _refine_outputs(outputs: Schema, known: Options, definitions: Schema) -> None:
    """The same for outputs, whose type is their name where none is given."""
    entry = outputs["additionalProperties"]
    kind = entry["properties"]["type"]
    entry["properties"]["type"] = {
        "description": kind["description"],
        "anyOf": [{"enum": list(known)}, {"$ref": "#/$defs/variable"}, {"type": "null"}],
    }
    entry["allOf"] = [
        {
            "if": {"properties": {"type": {"const": output}}, "required": ["type"]},
            "then": _with_options(f"output.{output}", options, definitions),
        }
        for output, options in known.items()
    ]
    definitions["output"] = entry
    for output, options in known.items():
        outputs["properties"][output] = {
            "$ref": "#/$defs/output",
            "if": {"not": {"required": ["type"]}},
            "then": _with_options(f"output.{output}", options, definitions),
        }
    outputs["additionalProperties"] = {
        "$ref": "#/$defs/output",
        "if": {"type": "object"},
        "then": {"required": ["type"]},
    }


def _with_options(owner: str, options: Mapping[str, Option], definitions: Schema) -> Schema:
    """A map whose `options` are those declared; `owner` is the name of its definition."""
    required = [name for name, option in options.items() if option.default is REQUIRED]
    definitions[owner] = {
        "type": ["object", "null"] if not required else "object",
        "properties": {name: _option(option, owner, definitions) for name, option in options.items()},
        "additionalProperties": False,
        "required": required,
    }
    refined: Schema = {"properties": {"options": {"$ref": f"#/$defs/{owner}"}}}
    return {**refined, "required": ["options"]} if required else refined


def _option(option: Option, owner: str, definitions: Schema) -> Schema:
    if option.type in (bool, bool | None):
        schema: Schema = {"$ref": "#/$defs/boolean"}
    elif option.type is str:
        schema = {"type": ["string", "number", "boolean"]}
    else:
        # A type of one plugin must not be taken for another's of the same name.
        (of_type,), inner = msgspec.json.schema_components(
            [option.type],
            schema_hook=lambda custom: {"title": custom.__name__},
            ref_template=f"#/$defs/{owner}.{{name}}",
        )
        definitions.update((f"{owner}.{name}", schema) for name, schema in inner.items())
        schema = {"anyOf": [of_type, {"$ref": "#/$defs/variable"}]}
    if option.doc:
        schema["description"] = " ".join(option.doc.split())
    if option.default is not REQUIRED:
        schema["default"] = option.plain_default
    return schema
