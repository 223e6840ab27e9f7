"""Where the characters of a YAML scalar's value stand in the file."""

from __future__ import annotations

import re

_BLANK = " \t\r\n\x85\u2028\u2029"
_SIMPLE_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_CONTINUED = re.compile(r"\\\r?\n[ \t]*")


def scalar_offsets(text: str, start: int, end: int, style: str | None, value: str) -> list[int]:
    """The file offset of each character of `value`, and of its end.

    The scalar stands at text[start:end] in the style that the YAML parser reports: None or one of ' " | >.
    What folding and indentation do to blanks differs by style, but in each the other characters stand in
    the file in the value's order. So the two are walked side by side; where they don't agree (which no
    valid YAML should bring about) everything is mapped to the scalar's start.
    """
    at = start
    if style in ("'", '"'):
        at += 1
    elif style in ("|", ">"):
        at = text.find("\n", start, end) + 1
    offsets: list[int] = []
    for char in value:
        if char in _BLANK:
            at = _skip_continuation(text, at, style)
            found, after = _unit(text, at, style)
            offsets.append(min(at, end))
            if found == char or (found in _BLANK and found != ""):
                at = after
            continue
        at = _skip_blanks(text, at, end, style)
        found, after = _unit(text, at, style)
        if found != char or at >= end:
            return [start] * (len(value) + 1)
        offsets.append(at)
        at = after
    offsets.append(min(at, end))
    return offsets


def _unit(text: str, at: int, style: str | None) -> tuple[str, int]:
    """(the character that begins at an offset, the offset behind it), escapes resolved."""
    if at >= len(text):
        return "", at
    char = text[at]
    if style == "'" and text.startswith("''", at):
        return "'", at + 2
    if style != '"' or char != "\\":
        return char, at + 1
    code = text[at + 1 : at + 2]
    digits = {"x": 2, "u": 4, "U": 8}.get(code, 0)
    if digits:
        return chr(int(text[at + 2 : at + 2 + digits], 16)), at + 2 + digits
    return _SIMPLE_ESCAPES.get(code, ""), at + 2


def _skip_continuation(text: str, at: int, style: str | None) -> int:
    """Past a backslash at a line's end, which joins two lines of a double-quoted scalar."""
    while style == '"' and (found := _CONTINUED.match(text, at)):
        at = found.end()
    return at


def _skip_blanks(text: str, at: int, end: int, style: str | None) -> int:
    while at < end:
        continued = _skip_continuation(text, at, style)
        if continued == at and text[at] not in _BLANK:
            break
        at = continued if continued > at else at + 1
    return at
