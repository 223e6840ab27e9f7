"""Escapes in quoted texts (condition-grammar, section 2) and the way back."""

from __future__ import annotations

import re


class EscapeError(ValueError):
    """An escape that does not exist; `offset` is where its backslash stands in the quoted text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.|\Z)", re.DOTALL)


def unescape(quoted: str) -> str:
    """The text inside a pair of quotes.

    Raises:
        EscapeError: an escape that the language does not have.
    """
    quote, inner = quoted[0], quoted[1:-1]
    if "\\" not in inner:
        return inner

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code in _SIMPLE:
            return _SIMPLE[code]
        if code == quote:
            return quote
        if code == " ":
            return "\\"  # an old notation: the backslash stays, the blank goes
        if len(code) == 3:
            return bytes.fromhex(code[1:]).decode("utf-8", "surrogateescape")
        known = r"\b \f \n \r \t \\ \/ \xHH and \ with the text's own quote"
        raise EscapeError(f"unknown escape \\{code}: there are {known}", match.start() + 1)

    # Bytes of several `\xHH` in a row may be one character.
    return _ESCAPE.sub(replace, inner).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


_MUST_QUOTE = re.compile(r"[()\"'\s=,\x00-\x1f\udc80-\udcff]")
_MUST_ESCAPE = re.compile(r"[\x00-\x1f\udc80-\udcff]")
"""Control characters, and bytes that are no UTF-8."""
_ESCAPED = {"\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", '"': r"\""}


def quote(text: str) -> str:
    """The text in double quotes, such that `unescape` gives it back."""
    inner = "".join(
        _ESCAPED.get(c) or (f"\\x{ord(c) & 0xFF:02x}" if _MUST_ESCAPE.match(c) else c) for c in text
    )
    # The scanner takes a quote behind a backslash as escaped, so the last one is written as a number.
    return f'"{inner[:-2]}\\x5c"' if inner.endswith("\\\\") else f'"{inner}"'


def quote_if_needed(text: str) -> str:
    """The text as it is where a bare word can hold it, else in quotes."""
    return quote(text) if not text or _MUST_QUOTE.search(text) else text
