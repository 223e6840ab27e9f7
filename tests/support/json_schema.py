"""A small validator of JSON Schema: the keywords that falcocore's schema uses, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
_NOTES = {"description", "default", "title", "$schema", "$defs", "then", "properties", "items"}


def problems(value: Any, schema: Any, root: dict[str, Any], path: str = "") -> list[str]:
    """The paths at which a value does not fit, each with the keyword that says so."""
    return list(_problems(value, schema, root, path))


def _problems(value: Any, schema: Any, root: dict[str, Any], path: str) -> Iterator[str]:
    if isinstance(schema, bool):
        if not schema:
            yield f"{path}: false"
        return
    for keyword, wanted in schema.items():
        if keyword in _NOTES:
            continue
        match keyword:
            case "$ref":
                name = wanted.removeprefix("#/$defs/")
                yield from _problems(value, root["$defs"][name], root, path)
            case "allOf":
                for one in wanted:
                    yield from _problems(value, one, root, path)
            case "if":
                if not problems(value, wanted, root):
                    yield from _problems(value, schema["then"], root, path)
            case "additionalProperties":
                known = schema.get("properties", {})
                for key in value if isinstance(value, dict) else ():
                    if key not in known:
                        yield from _problems(value[key], wanted, root, f"{path}.{key}")
            case _:
                if not _fits(value, keyword, wanted, root):
                    yield f"{path}: {keyword}"
    for key, inner in schema.get("properties", {}).items():
        if isinstance(value, dict) and key in value:
            yield from _problems(value[key], inner, root, f"{path}.{key}")
    if "items" in schema and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _problems(item, schema["items"], root, f"{path}[{number}]")


def _fits(value: Any, keyword: str, wanted: Any, root: dict[str, Any]) -> bool:
    match keyword:
        case "type":
            return any(_is(value, name) for name in ([wanted] if isinstance(wanted, str) else wanted))
        case "enum":
            return value in wanted
        case "const":
            return bool(value == wanted)
        case "pattern":
            return not isinstance(value, str) or re.search(wanted, value) is not None
        case "required":
            return not isinstance(value, dict) or set(wanted) <= set(value)
        case "anyOf":
            return any(not problems(value, one, root) for one in wanted)
        case "oneOf":
            return sum(not problems(value, one, root) for one in wanted) == 1
        case "propertyNames":
            return not isinstance(value, dict) or not any(problems(key, wanted, root) for key in value)
        case "minLength":
            return not isinstance(value, str) or len(value) >= wanted
        case "minItems":
            return not isinstance(value, list) or len(value) >= wanted
        case "minProperties":
            return not isinstance(value, dict) or len(value) >= wanted
        case "minimum":
            return isinstance(value, bool | str | dict | list | None) or value >= wanted
        case "maximum":
            return isinstance(value, bool | str | dict | list | None) or value <= wanted
        case "not":
            return bool(problems(value, wanted, root))
        case _:
            raise AssertionError(f"the validator of the tests does not know {keyword!r}")


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name])
