"""JSON text that is opened one level at a time, when a rule asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec
from msgspec import Raw

from falcocore_k8s_audit.scan import first_level

Members: TypeAlias = dict[str, Raw]
Elements: TypeAlias = list[Raw]

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a text that is no JSON, or that only the exact reader can read."""

_decode_children: Callable[[Raw | bytes], Members | Elements] = msgspec.json.Decoder(
    Members | Elements
).decode
_decode_string = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode
_BLANK_BETWEEN_STRINGS = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\n\r]++')
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def children(raw: Raw | bytes) -> Members | Elements | None:
    """The members of an object (the first of equal keys), the elements of an array, None for a scalar.

    Raises:
        NotJsonError: the text is no JSON document.
    """
    try:
        found = _decode_children(raw)
    except UNREADABLE:
        return _children_exactly(bytes(raw))
    if isinstance(found, dict) and len(_encode(found)) != len(raw):
        # msgspec keeps the last of equal keys. Where all members together are as long as the text, none
        # was dropped; blanks and escaped keys change the length too, and cost only this second look.
        return _children_exactly(bytes(raw))
    return found


def _children_exactly(text: bytes) -> Members | Elements | None:
    pairs = first_level(text)
    match text.lstrip()[:1]:
        case b"{":
            found: Members = {}
            for key, value in pairs:
                found.setdefault(string(key), Raw(value))
            return found
        case b"[":
            return [Raw(value) for _, value in pairs]
        case _:
            return None


def text(raw: Raw | bytes) -> str:
    """The value as rules see it: a string unescaped, anything else as compact JSON in its own spelling."""
    spelled = bytes(raw)
    if spelled.startswith(b'"'):
        return until_nul(string(spelled))
    if spelled.startswith((b"{", b"[")):
        spelled = compact(spelled)
    return spelled.decode("utf-8", "replace")


def until_nul(value: str) -> str:
    """U+0000 ends a text, as it does for Falco's rules."""
    return value if "\0" not in value else value.partition("\0")[0]


def string(literal: bytes) -> str:
    """A JSON string unescaped; what is no Unicode becomes U+FFFD."""
    try:
        return _decode_string(literal)
    except UNREADABLE:
        return _decode_string(without_lone_surrogates(literal).decode("utf-8", "replace"))


def without_lone_surrogates(document: bytes) -> bytes:
    """The document with U+FFFD for `\\uXXXX` escapes that are half a character, which msgspec refuses."""
    if rb"\ud" not in document and rb"\uD" not in document:
        return document  # A wrapped event has so many other escapes that looking at each is slow.
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], document)


def compact(document: bytes) -> bytes:
    """The document without blanks between its tokens; keys, numbers and escapes stay as they are.

    Raises:
        NotJsonError: it is no JSON document.
    """
    try:
        return msgspec.json.format(document, indent=-1)
    except UNREADABLE:
        first_level(document)
        return _BLANK_BETWEEN_STRINGS.sub(rb"\1", document)


def indented(document: bytes) -> bytes:
    """The document indented by two blanks; one nested too deeply for that stays on one line."""
    try:
        return msgspec.json.format(document, indent=2)
    except UNREADABLE:
        return compact(document)
