"""Globs as fnmatch(3) with flags 0 has them, turned into regular expressions.

Python's own `fnmatch` knows neither backslashes nor `[[:digit:]]` and `[^...]`.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CLASSES = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t\n\r\f\v",
    "upper": "A-Z",
    "xdigit": "A-Fa-f0-9",
}
_CLASS = re.compile(r"\[:([a-z]*):\]")
_NOTHING = "(?!)"


@lru_cache(maxsize=1024)
def compile_glob(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """An expression whose `fullmatch` says whether a whole text fits the pattern.

    `*` and `?` match `/` and a leading dot, too. Only ASCII letters have a case. A `[` that is never closed
    stands for itself; a pattern that ends in a single backslash, or names an unknown class, fits nothing.
    """
    flags = re.DOTALL | (re.IGNORECASE | re.ASCII if ignore_case else re.NOFLAG)
    first, *rest = _between_stars(pattern)
    if not rest:
        return re.compile(first, flags)
    *middle, last = rest
    # What follows a star is taken where it fits first: going back could only find it later. That keeps a
    # pattern of many stars from trying every combination.
    inner = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{inner}.*{last}", flags)


def _between_stars(pattern: str) -> list[str]:
    """The expressions of the parts between the stars."""
    parts, at = [""], 0
    while at < len(pattern):
        char, at = pattern[at], at + 1
        if char == "*":
            parts.append("")
            continue
        if char == "?":
            piece = "."
        elif char == "[":
            piece, at = _bracket(pattern, at)
        elif char == "\\":
            piece = re.escape(pattern[at]) if at < len(pattern) else _NOTHING
            at += 1
        else:
            piece = re.escape(char)
        parts[-1] += piece
    return parts


def _bracket(pattern: str, start: int) -> tuple[str, int]:
    """(expression, offset behind it) of the set whose `[` stands before `start`."""
    at = start
    negated = pattern[at : at + 1] in {"!", "^"}
    at += negated
    members: list[str] = []
    known, first = True, at
    while at < len(pattern):
        if pattern[at] == "]" and at > first:
            return _set(members, negated=negated) if known else _NOTHING, at + 1
        if named := _CLASS.match(pattern, at):
            members.append(_CLASSES.get(named[1], ""))
            known, at = known and named[1] in _CLASSES, named.end()
            continue
        low, at = _member(pattern, at)
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in {"", "]"}:
            high, at = _member(pattern, at + 1)
            if low <= high:
                members.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            members.append(re.escape(low))
    return r"\[", start


def _member(pattern: str, at: int) -> tuple[str, int]:
    """(one character of a set, offset behind it); a backslash quotes the next."""
    if pattern[at] == "\\" and at + 1 < len(pattern):
        at += 1
    return pattern[at], at + 1


def _set(members: list[str], *, negated: bool) -> str:
    inside = "".join(members)
    if not inside:
        return "." if negated else _NOTHING
    return f"[{'^' if negated else ''}{inside}]"
