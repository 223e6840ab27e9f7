"""`-o key=value`: paths into the configuration, and what they set (cli-and-config, section 3)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from falcocore.config.tree import parse_value
from falcocore.errors import ConfigError

_STEP = re.compile(r"(?P<name>(?:\\[.\[\]\\]|[^.\[\]\\])+)|\[(?P<index>\d*)\]|(?P<dot>\.)")
_ESCAPE = re.compile(r"\\(.)")
_KINDS: dict[type, str] = {dict: "a map", list: "a list", str: "a text"}

Step = str | int | None
"""A key, a list index, or None for "append"."""


def apply_override(config: dict[str, Any], text: str) -> dict[str, Any]:
    """Set what `key=value` says; returns it as a tree of its own.

    Raises:
        ConfigError: no `=`, a path that can't be read, or one that leads through something else.
    """
    path, equals, value_text = text.partition("=")
    if not equals:
        raise ConfigError(
            f"-o {text}: there is no `=`", hint="write -o KEY=VALUE, such as -o json_output=true"
        )
    steps = _steps(path, text)
    value = parse_value(value_text)
    holder: Any = config
    for step, following in pairwise(steps):
        holder = _entered(holder, step, dict if isinstance(following, str) else list, text)
    _put(holder, steps[-1], value, text)
    tree = value
    for step in reversed(steps):
        tree = {step: tree} if isinstance(step, str) else [tree]
    said: dict[str, Any] = tree
    return said


def top_key(text: str) -> str:
    """The key of the configuration that `key=value` is about."""
    return re.split(r"[.\[=]", text, maxsplit=1)[0]


def _steps(path: str, text: str) -> list[Step]:
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if not match:
            raise ConfigError(f"-o {text}: `{path[at:]}` is no path", hint=r"write a.b, a[0], a[] or a\.b")
        if match["name"] is not None:
            steps.append(_ESCAPE.sub(r"\1", match["name"]))
        elif match["index"] is not None:
            steps.append(int(match["index"]) if match["index"] else None)
        at = match.end()
    if not steps or not isinstance(steps[0], str):
        raise ConfigError(f"-o {text}: there is no key before `=`")
    return steps


def _entered(holder: Any, step: Step, kind: type, text: str) -> Any:
    """The map or list at a step; a new one where nothing is."""
    if isinstance(step, str):
        inner = holder.get(step)
    else:
        inner = holder[step] if step is not None and step < len(holder) else None
    if inner is None:
        inner = kind()
        _put(holder, step, inner, text)
    elif not isinstance(inner, kind):
        shown = f"`{step}`" if isinstance(step, str) else f"[{step}]"
        hint = "`[0]` leads to its first entry, `[]` adds one" if isinstance(inner, list) else None
        raise ConfigError(f"-o {text}: {shown} is {_KINDS[type(inner)]}, not {_KINDS[kind]}", hint=hint)
    return inner


def _put(holder: Any, step: Step, value: Any, text: str) -> None:
    if isinstance(step, str):
        holder[step] = value
        return
    index = len(holder) if step is None else step
    if index > len(holder):
        raise ConfigError(f"-o {text}: the list has {len(holder)} entries, there is no [{index}]")
    holder[index : index + 1] = [value]
