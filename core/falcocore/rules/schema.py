"""The strict check of a rule file's shape that Falco reports as `schema_valid`, apart from loading it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from falcocore.lang.text import SourceFile
from falcocore.rules.items import EXCEPTION_KEYS, KEYS
from falcocore.yamltree.nodes import Mapping, Node, Scalar, Sequence, YamlError, read_documents

PRIORITIES = frozenset(
    {
        "EMERGENCY",
        "ALERT",
        "CRITICAL",
        "ERROR",
        "WARNING",
        "NOTICE",
        "INFO",
        "INFORMATIONAL",
        "DEBUG",
    }
)
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")


def schema_problems(file: SourceFile) -> list[str] | None:
    """What a strict schema finds, as `line N: ...`; None where there is nothing to check: no YAML, or empty.

    Stricter than loading: no unknown keys, priorities in upper case, booleans as true and false.
    """
    try:
        roots = list(read_documents(file))
    except YamlError:
        return None
    return [problem for root in roots for problem in _document(root)] if roots else None


def _document(root: Node) -> Iterator[str]:
    if not isinstance(root, Sequence):
        yield _at(root, "a list of items is wanted")
        return
    for item in root.items:
        if not isinstance(item, Mapping):
            yield _at(item, "an item is a mapping")
            continue
        kind = next((kind for kind in KEYS if kind in item.entries), "rule")
        for key, (key_node, value) in item.entries.items():
            holds = KEYS[kind].get(key)
            if holds is None:
                yield _at(key_node, f"unknown key {key}")
            else:
                yield from _value(holds, key, value)


def _value(holds: str, key: str, node: Node) -> Iterator[str]:
    match holds:
        case "bool":
            if not (isinstance(node, Scalar) and node.plain and node.value in {"true", "false"}):
                yield _at(node, f"{key} is true or false")
        case "priority":
            if not (isinstance(node, Scalar) and node.value in PRIORITIES):
                yield _at(node, f"{key} is one of {', '.join(sorted(PRIORITIES))}")
        case "texts":
            if not isinstance(node, Sequence):
                yield _at(node, f"{key} is a list")
            elif any(not isinstance(item, Scalar) for item in node.items):
                yield _at(node, f"entries of {key} are texts or whole numbers")
        case "overrides":
            if not isinstance(node, Mapping) or not node.entries:
                yield _at(node, f"{key} has one entry or more")
            else:
                for name, (_, value) in node.entries.items():
                    if not isinstance(value, Scalar) or value.value not in {"append", "replace"}:
                        yield _at(value, f"{key}.{name} is append or replace")
        case "exceptions":
            yield from _exceptions(node)
        case "uint32":
            if not (isinstance(node, Scalar) and _INTEGER.match(node.value)):
                yield _at(node, f"{key} is a whole number")
        case "text" | "trimmed" | "name" | "word":
            if not isinstance(node, Scalar):
                yield _at(node, f"{key} is a text")


def _exceptions(node: Node) -> Iterator[str]:
    for entry in node.items if isinstance(node, Sequence) else [node]:
        if not isinstance(entry, Mapping):
            yield _at(entry, "an exception is a mapping")
            continue
        for key, (key_node, _) in entry.entries.items():
            if key not in EXCEPTION_KEYS:
                yield _at(key_node, f"unknown key {key} in an exception")
        if "name" not in entry.entries:
            yield _at(entry, "an exception has a name")


def _at(node: Node, message: str) -> str:
    return f"line {node.span.position[0]}: {message}"
