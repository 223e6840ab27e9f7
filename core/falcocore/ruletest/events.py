"""Events written short: one that has a name, and changes to it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from jsonpointer import JsonPointer
from msgspec import UNSET

from falcocore.errors import ConfigError
from falcocore.lang.text import SourceFile
from falcocore.ruletest.model import Given
from falcocore.yamltree.nodes import YamlError, read_documents
from falcocore.yamltree.plain import plain_value


def description_of(given: Given, bases: Mapping[str, Given], folder: Path) -> Any:
    """The description of an event, with its base and its changes; `folder` is that of the test file.

    Raises:
        ConfigError: a file that can't be read, or a pointer that leads nowhere.
    """
    if isinstance(given.base, str):
        value = description_of(bases[given.base], bases, folder)
    elif isinstance(given.file, str):
        value = _read_document(folder / given.file)
    else:
        value = copy.deepcopy(given.event) if given.event is not UNSET else None
    for pointer in given.remove:
        _remove(value, pointer)
    for pointer, new in given.set.items():
        _set(value, pointer, copy.deepcopy(new))
    return value


def _read_document(path: Path) -> Any:
    try:
        text = path.read_text("utf-8")
        if path.suffix in {".json", ".jsonl"}:
            return msgspec.json.decode(text)
        root = next(read_documents(SourceFile(str(path), text)), None)
        return None if root is None else plain_value(root)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, YamlError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path} can't be read as one event: {reason}") from None


def _remove(value: Any, pointer: str) -> None:
    *way, last = JsonPointer(pointer).parts
    place = value
    for key in way:
        place = _inner(place, key)
    try:
        if isinstance(place, dict):
            del place[last]
            return
        if isinstance(place, list):
            del place[int(last)]
            return
    except (KeyError, IndexError, ValueError):
        pass
    raise ConfigError(f"`remove: {pointer}`: there is nothing at that place")


def _inner(place: Any, key: str) -> Any:
    """What is below a key; None where there is nothing."""
    if isinstance(place, dict):
        return place.get(key)
    if isinstance(place, list) and key.isdecimal() and int(key) < len(place):
        return place[int(key)]
    return None


def _set(value: Any, pointer: str, new: Any) -> None:
    *way, last = JsonPointer(pointer).parts
    place = value
    for key in way:
        inner = _inner(place, key)
        if inner is None:
            inner = {}
            _put(place, key, inner, pointer)
        place = inner
    _put(place, last, new, pointer)


def _put(place: Any, key: str, new: Any, pointer: str) -> None:
    if isinstance(place, dict):
        place[key] = new
    elif isinstance(place, list) and (key == "-" or key == str(len(place))):
        place.append(new)
    elif isinstance(place, list) and key.isdecimal() and int(key) < len(place):
        place[int(key)] = new
    else:
        kind = "a list" if isinstance(place, list) else "no map and no list"
        raise ConfigError(f"`set: {pointer}`: `{key}` is no place in {kind}")
