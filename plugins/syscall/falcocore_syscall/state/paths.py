"""Paths as the kernel would see them, by their text alone: no link is followed."""

from __future__ import annotations

import re

MOST_BYTES = 1023
TOO_LONG = "/DIR_TOO_LONG/FILENAME_TOO_LONG"
"""Stands for a path that is longer."""
UNKNOWN_DIRECTORY = "<UNKNOWN>"
"""Stands for the directory of a descriptor that is not known."""


def resolve(base: str, path: str) -> str:
    """The path, made absolute with `base` (which ends in a slash) where it is relative, and normalised.

    An empty path stays empty.
    """
    if not path:
        return ""
    if path[0] != "/":
        path = base + path
    if len(path) * 4 > MOST_BYTES and len(path.encode("utf-8", "surrogateescape")) > MOST_BYTES:
        return TOO_LONG
    return normalise(path)


def normalise(path: str) -> str:
    """The path without `.`, `..`, repeated slashes and one at its end."""
    if path == "/" or _is_normal(path):
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part and part != ".":
            parts.append(part)
    return ("/" if path[:1] == "/" else "") + "/".join(parts)


def _is_normal(path: str) -> bool:
    return "//" not in path and "/." not in path and path[-1:] != "/" and path[:1] != "."


def with_slash(path: str) -> str:
    """The path of a directory so that a name can follow."""
    return path if path.endswith("/") else path + "/"


def collapsed(path: str) -> str:
    """The path with each row of slashes as one."""
    return re.sub(r"/{2,}", "/", path) if "//" in path else path
