"""Configuration files as plain dicts, lists and texts; what each text means is decided where it is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from falcocore.config.environment import expand
from falcocore.config.keys import ANY, KNOWN, complaint, path_of
from falcocore.errors import ConfigError
from falcocore.lang.text import SourceFile, Span
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
        raise _config_error(error) from None
    if root is None:
        return {}
    if not isinstance(root, nodes.Mapping):
        hint = "this looks like a rule file: give it with -r" if isinstance(root, Sequence) else None
        raise ConfigError(f"{file.name} holds no configuration: a map of keys is wanted", hint=hint)
    _check_keys(root, KNOWN, "", warn)
    plain: dict[str, Any] = _plain(root, lambda value: expand(value, environment))
    return plain


def parse_value(text: str) -> Any:
    """The value of `-o key=value`: a text, or a map where it stands in braces."""
    if not (text.startswith("{") and text.endswith("}")):
        return text
    try:
        root = next(read_documents(SourceFile("-o", text)), None)
    except YamlError as error:
        raise _config_error(error) from None
    return _plain(root, str) if root is not None else {}


def _config_error(error: YamlError) -> ConfigError:
    """The message with its place and line; the codes of rule files mean nothing here."""
    _, *lines = error.diagnostic.lines()
    return ConfigError("\n".join([f"{_place(error.span)}: {error}", *lines]))


def _plain(node: Node, scalar: Callable[[str], str]) -> Any:
    if isinstance(node, Scalar):
        return None if node.is_null else scalar(node.value)
    if isinstance(node, Sequence):
        return [_plain(item, scalar) for item in node.items]
    return {key: _plain(value, scalar) for key, (_, value) in node.entries.items()}


def _check_keys(node: Node, known: Any, path: str, warn: Warn) -> None:
    """Warn of keys that nothing reads, and of those that are given twice."""
    if isinstance(known, list) and isinstance(node, Sequence):
        for item in node.items:
            _check_keys(item, known[0], f"{path}[]", warn)
    elif isinstance(known, dict) and isinstance(node, nodes.Mapping):
        for key, (key_node, value) in node.entries.items():
            if said := complaint(key, known, path):
                warn(f"{_place(key_node.span)}: {said}")
            else:
                _check_keys(value, known.get(key, known.get(ANY)), path_of(key, path), warn)
        for key_node in node.repeated:
            where = path_of(key_node.value, path)
            warn(f"{_place(key_node.span)}: `{where}` is given twice: the first counts")


def _place(span: Span) -> str:
    line, column = span.position
    return f"{span.file.name}:{line}:{column}"
