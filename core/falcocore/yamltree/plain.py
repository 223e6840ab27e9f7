"""YAML nodes as the values that JSON has: null, booleans, numbers, texts, lists and maps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from falcocore.yamltree.nodes import Mapping, Node, Scalar, Sequence

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z", re.ASCII)
_MOST_DIGITS = 400
"""Python refuses to read longer numbers as such; they stay texts."""


def plain_value(node: Node) -> Any:
    """The value of a node. Words such as `yes` are texts, and so is everything in quotes."""
    match node:
        case Scalar():
            return _scalar(node)
        case Sequence(items=items):
            return [plain_value(item) for item in items]
        case Mapping(entries=entries):
            return {key: plain_value(value) for key, (_, value) in entries.items()}


def _scalar(node: Scalar) -> Any:
    if not node.plain:
        return node.value
    if node.is_null:
        return None
    word = node.value
    if word in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return word.lower() == "true"
    if len(word) <= _MOST_DIGITS and _INTEGER.match(word):
        return int(word)
    return float(word) if len(word) <= _MOST_DIGITS and _FLOAT.match(word) else word


def repeated_keys(node: Node) -> Iterator[Scalar]:
    """The keys of maps at any depth that stand there before; the first of them counts."""
    match node:
        case Sequence(items=items):
            for item in items:
                yield from repeated_keys(item)
        case Mapping(entries=entries, repeated=repeated):
            yield from repeated
            for _, value in entries.values():
                yield from repeated_keys(value)
