"""`-o key=value`: paths into the configuration, and what they set (cli-and-config, section 3)."""

from __future__ import annotations

import re
from typing import Any

from falcocore.config.tree import parse_value
from falcocore.errors import ConfigError

_STEP = re.compile(r"(?P<name>(?:\\[.\[\]\\]|[^.\[\]\\])+)|\[(?P<index>\d*)\]|(?P<dot>\.)")
_ESCAPE = re.compile(r"\\(.)")

Step = str | int | None
"""A key, a list index, or None for "append"."""


def apply_override(config: dict[str, Any], text: str) -> str:
    """Set what `key=value` says; returns the top-level key.

    Raises:
        ConfigError: no `=`, a path that can't be read, or one that leads through something else.
    """
    path, equals, value = _split(text)
    if not equals:
        raise ConfigError(
            f"-o {text}: there is no `=`", hint="write -o KEY=VALUE, such as -o json_output=true"
        )
    steps = _steps(path, text)
    holder: Any = config
    for step, following in zip(steps, [*steps[1:], ""], strict=True):
        last = following == ""
        new: Any = (
            parse_value(value) if last else ([] if following is None or isinstance(following, int) else {})
        )
        holder = _set(holder, step, new, text, keep=not last)
    return str(steps[0])


def _split(text: str) -> tuple[str, str, str]:
    """The path ends at the first `=` that is not escaped by being inside a name."""
    return text.partition("=")


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


def _set(holder: Any, step: Step, new: Any, text: str, *, keep: bool) -> Any:
    """Put `new` at a step, unless something is there that is to be kept; returns what is there then."""
    if isinstance(step, str):
        if not isinstance(holder, dict):
            raise ConfigError(f"-o {text}: `{step}` leads into something that is no map")
        if not keep or not isinstance(holder.get(step), type(new)):
            holder[step] = new
        return holder[step]
    if not isinstance(holder, list):
        raise ConfigError(f"-o {text}: brackets lead into something that is no list")
    index = len(holder) if step is None else step
    if index > len(holder):
        raise ConfigError(f"-o {text}: the list has {len(holder)} entries, there is no [{index}]")
    if index == len(holder):
        holder.append(new)
    elif not keep or not isinstance(holder[index], type(new)):
        holder[index] = new
    return holder[index]
