"""Configuration files as plain dicts, lists and texts; what each text means is decided where it is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from falcocore.config.environment import expand
from falcocore.config.keys import KNOWN
from falcocore.errors import ConfigError, nearest
from falcocore.lang.text import SourceFile
from falcocore.yamltree import nodes
from falcocore.yamltree.nodes import Node, Scalar, Sequence, YamlError, read_documents

Warn = Callable[[str], None]


def read_tree(path: Path, warn: Warn, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """A configuration file with environment variables put in; unknown keys are warned of.

    Raises:
        ConfigError: the file can't be read, or holds no map.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"configuration {path} can't be read: {reason}") from None
    return parse_tree(SourceFile(str(path), text), warn, environment)


def parse_tree(file: SourceFile, warn: Warn, environment: Mapping[str, str]) -> dict[str, Any]:
    """The same for a text."""
    try:
        root = next(read_documents(file), None)
    except YamlError as error:
        raise ConfigError(str(error.diagnostic)) from None
    if root is None:
        return {}
    if not isinstance(root, nodes.Mapping):
        hint = "this looks like a rule file: give it with -r" if isinstance(root, Sequence) else None
        raise ConfigError(f"{file.name} holds no configuration: a map of keys is wanted", hint=hint)
    _warn_of_unknown(root, KNOWN, "", warn)
    plain: dict[str, Any] = _plain(root, lambda value: expand(value, environment))
    return plain


def parse_value(text: str) -> Any:
    """The value of `-o key=value`: a text, or a map where it stands in braces."""
    if not (text.startswith("{") and text.endswith("}")):
        return text
    try:
        root = next(read_documents(SourceFile("-o", text)), None)
    except YamlError as error:
        raise ConfigError(str(error.diagnostic)) from None
    return _plain(root, str) if root is not None else {}


def _plain(node: Node, scalar: Callable[[str], str]) -> Any:
    if isinstance(node, Scalar):
        return None if node.is_null else scalar(node.value)
    if isinstance(node, Sequence):
        return [_plain(item, scalar) for item in node.items]
    return {key: _plain(value, scalar) for key, (_, value) in node.entries.items()}


def _warn_of_unknown(mapping: nodes.Mapping, known: Mapping[str, Any], prefix: str, warn: Warn) -> None:
    for key, (key_node, value) in mapping.entries.items():
        inner = known.get(key)
        if key not in known:
            near = nearest(key, known)
            line, column = key_node.span.position
            hint = f"did you mean `{prefix}{near}`?" if near else "it is ignored"
            warn(f"{key_node.file.name}:{line}:{column}: unknown key `{prefix}{key}`: {hint}")
        elif isinstance(inner, dict) and isinstance(value, nodes.Mapping):
            _warn_of_unknown(value, inner, f"{prefix}{key}.", warn)
