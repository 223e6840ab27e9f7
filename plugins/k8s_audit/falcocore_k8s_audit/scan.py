"""A strict JSON reader that opens one level of a document and never recurses.

msgspec is the fast reader; this is the exact one, for what msgspec can't do: the first of two equal
keys, deep nesting, invalid UTF-8 in keys, lone surrogates. It is also what says where a document is
broken.
"""

from __future__ import annotations

import enum
import re

import msgspec

LEVELS_DEEP = 10_000
"""A document nested more deeply is refused, as the kube-apiserver's own JSON reader does."""

_SPLITS = 8
"""A part that C code can't check is split so many times, to find the small one that is strange in it."""

_TOKEN = re.compile(
    rb"""[ \t\n\r]*+ (?:
        (?P<open> [{\[] )
      | (?P<close> [}\]] )
      | (?P<comma> , )
      | (?P<colon> : )
      | (?P<string> "[^"\\\x00-\x1f]*+ (?: \\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}) [^"\\\x00-\x1f]*+ )*+" )
      | (?P<atom> -?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)? | true | false | null )
    )""",
    re.VERBOSE,
)
_UP_TO_BRACKET = re.compile(
    rb"""[^"{}\[\]]*+ (?: "[^"\\]*+ (?:\\.[^"\\]*+)*+" [^"{}\[\]]*+ )*+ ([{}\[\]])""", re.VERBOSE | re.DOTALL
)
_CLOSE_OBJECT, _CLOSE_ARRAY = b"}]"
_BLANK = b" \t\n\r"
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode


class NotJsonError(ValueError):
    """The text is no JSON document; the message says what is wrong at which byte."""


class _Want(enum.Enum):
    """What may come next."""

    VALUE = enum.auto()
    FIRST_ELEMENT = enum.auto()
    FIRST_KEY = enum.auto()
    KEY = enum.auto()
    COLON = enum.auto()
    COMMA = enum.auto()


_VALUES = (_Want.VALUE, _Want.FIRST_ELEMENT)


def first_level(text: bytes) -> list[tuple[bytes, bytes]]:
    """The members of an object or the elements of an array, in order, as they stand in the text.

    A member is (key with its quotes, value), an element (empty, value); a scalar gives an empty list.

    Raises:
        NotJsonError: anywhere in the text, however deep.
    """
    return _read(text, 0, len(text), _SPLITS)


def _read(text: bytes, position: int, end: int, splits: int) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    closers = bytearray()
    want = _Want.VALUE
    key = b""
    start = position
    while True:
        token = _TOKEN.match(text, position, end)
        if token is None:
            raise _unexpected(text, position, end)
        kind = token.lastgroup or ""
        begin, position = token.span(kind)
        if want in _VALUES and len(closers) == 1:
            start = begin
        if kind == "comma" and want is _Want.COMMA:
            want = _Want.KEY if closers[-1] == _CLOSE_OBJECT else _Want.VALUE
            continue
        if kind == "colon" and want is _Want.COLON:
            want = _Want.VALUE
            continue
        if kind == "string" and want in (_Want.KEY, _Want.FIRST_KEY):
            key = text[begin:position] if len(closers) == 1 else key
            want = _Want.COLON
            continue
        if kind == "open" and want in _VALUES:
            if not (closers and splits):
                opens_object = text[begin:position] == b"{"
                if len(closers) == LEVELS_DEEP:
                    raise _too_deep(begin)
                closers.append(_CLOSE_OBJECT if opens_object else _CLOSE_ARRAY)
                want = _Want.FIRST_KEY if opens_object else _Want.FIRST_ELEMENT
                continue
            position = _skip(text, begin, splits - 1)
        elif kind == "close" and want in (_Want.COMMA, _Want.FIRST_KEY, _Want.FIRST_ELEMENT):
            if text[begin] != closers.pop():
                raise _unexpected(text, begin, end)
        elif kind not in ("string", "atom") or want not in _VALUES:
            raise _unexpected(text, begin, end)
        # Here a value has ended.
        if not closers:
            if text[position:end].strip(_BLANK):
                raise _unexpected(text, position, end)
            return found
        if len(closers) == 1:
            found.append((key, text[start:position]))
        want = _Want.COMMA


def _skip(text: bytes, begin: int, splits: int) -> int:
    """Where the object or array that begins here ends; what is in it is checked, mostly by C code."""
    levels, position = 0, begin
    while levels or position == begin:
        bracket = _UP_TO_BRACKET.match(text, position)
        if bracket is None:
            raise _unexpected(text, len(text), len(text))
        position = bracket.end()
        levels += 1 if bracket[1] in b"{[" else -1
        if levels == LEVELS_DEEP:  # The level around it counts too.
            raise _too_deep(position)
    try:
        _decode_raw(text[begin:position])
    except (msgspec.DecodeError, RecursionError):
        _read(text, begin, position, splits)
    return position


def _too_deep(position: int) -> NotJsonError:
    return NotJsonError(f"nested more than {LEVELS_DEEP} levels deep at byte {position}")


def _unexpected(text: bytes, position: int, end: int) -> NotJsonError:
    rest = text[position:end].lstrip(_BLANK)
    if not rest:
        return NotJsonError("the document ends too early" if text.strip(_BLANK) else "there is no document")
    shown = rest[:12].decode("utf-8", "backslashreplace")
    return NotJsonError(f"unexpected {shown!r} at byte {end - len(rest)}")
