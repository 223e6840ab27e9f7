"""JSON pointers: parsed when a rule is compiled, followed one step at a time."""

from __future__ import annotations

import re

from jsonpointer import JsonPointer
from msgspec import Raw

from falcocore_k8s_audit.raw import Elements, Members, children

_STRAY_TILDE = re.compile(r"~(?![01])")
_INTEGER = re.compile(r"[+-]?0*([0-9]{1,18})", re.ASCII)


def parse_pointer(argument: str) -> tuple[str, ...]:
    """The keys of a pointer. As in Falco, the leading `/` may be left out and a lone `~` is itself.

    Raises:
        ValueError: it is empty.
    """
    if not argument:
        raise ValueError("a JSON pointer is needed, such as [/objectRef/name]")
    absolute = argument if argument.startswith("/") else f"/{argument}"
    return tuple(JsonPointer(_STRAY_TILDE.sub("~0", absolute)).parts)


def step(opened: Members | Elements | None, key: str) -> Raw | None:
    """The value one step down; an array takes any spelling of an integer (`01`, `+1`)."""
    if isinstance(opened, dict):
        return opened.get(key)
    if opened is None:
        return None
    integer = _INTEGER.fullmatch(key)
    if integer is None:
        return None
    index = int(integer[1])
    if index >= len(opened) or (index and key.startswith("-")):
        return None
    return opened[index]


def walk(document: bytes, path: tuple[str, ...]) -> Raw | None:
    """The value at `path` of a document that is not opened otherwise."""
    found: Raw | None = Raw(document)
    for key in path:
        if found is None:
            return None
        found = step(children(found), key)
    return found
