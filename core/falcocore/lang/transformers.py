"""Transformers: functions that a condition or an output applies to fields (condition-grammar, section 9)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from falcocore.lang.operators import fold_ascii, unfold_ascii
from falcocore.types import FieldType, Kind


@dataclass(frozen=True, slots=True)
class Transformer:
    """A transformer of one value; `function` gets a present value and returns None for absent.

    `takes` are the kinds it accepts. On a list it is applied to each element, unless `whole_list`.
    `result` is the type it yields; None means the type it was given.
    """

    name: str
    takes: frozenset[Kind]
    function: Callable[..., Any]
    result: FieldType | None = None
    whole_list: bool = False


def _b64(value: str | bytes) -> str | bytes | None:
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    raw = raw.rstrip(b"=")
    try:
        decoded = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except binascii.Error:
        return None
    return decoded.decode("utf-8", "surrogateescape") if isinstance(value, str) else decoded


def _basename(value: str) -> str:
    return value.rpartition("/")[2]


def _length(value: Any) -> int | None:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogateescape"))
    return len(value)


def _concat(*values: str) -> str:
    return "".join(values)


def _join(separator: str, values: Sequence[str]) -> str:
    return separator.join(values)


def getopt(arguments: Sequence[str], options: str) -> dict[str, list[str]]:
    """Short options in the manner of getopt(3): letter to its values, in order of appearance.

    A flag's value is its letter; an option whose value is missing has the empty text; unknown letters
    come under `?`. The reading ends at `--` and at the first word that is no option.
    """
    takes_value = {c: options[i + 1 : i + 2] == ":" for i, c in enumerate(options) if c != ":"}
    found: dict[str, list[str]] = {}
    words = iter(arguments)
    for word in words:
        if word == "--" or len(word) < 2 or not word.startswith("-"):
            break
        if word.startswith("--"):
            continue
        for at, letter in enumerate(word[1:], 2):
            if letter not in takes_value:
                found.setdefault("?", []).append("?")
            elif not takes_value[letter]:
                found.setdefault(letter, []).append(letter)
            else:
                value = word[at:] or next(words, "")
                found.setdefault(letter, []).append(value)
                break
    return found


def _getopt_all(arguments: Sequence[str], options: str) -> list[str]:
    """Every option letter that was given, each followed by its values where it takes any."""
    takes_value = {c for i, c in enumerate(options) if options[i + 1 : i + 2] == ":"}
    result: list[str] = []
    for letter, values in getopt(arguments, options).items():
        result.append(letter)
        if letter in takes_value:
            result += values
    return result


def getopt_one(arguments: Sequence[str], options: str, letter: str) -> str | None:
    """The value of the last `-letter`; None where it was not given."""
    values = getopt(arguments, options).get(letter)
    return values[-1] if values else None


_TEXTS = frozenset({Kind.STRING})
_TEXTS_AND_BUFFERS = frozenset({Kind.STRING, Kind.BUFFER})

TRANSFORMERS = {
    t.name: t
    for t in (
        Transformer("tolower", _TEXTS, fold_ascii),
        Transformer("toupper", _TEXTS, unfold_ascii),
        Transformer("b64", _TEXTS_AND_BUFFERS, _b64),
        Transformer("basename", _TEXTS, _basename),
        Transformer("len", _TEXTS_AND_BUFFERS, _length, FieldType.UINT64, whole_list=True),
        Transformer("join", _TEXTS, _join, FieldType.STRING, whole_list=True),
        Transformer("concat", _TEXTS, _concat, FieldType.STRING),
        Transformer("getopt", _TEXTS, _getopt_all, FieldType.STRING, whole_list=True),
    )
}


def apply_each(transformer: Transformer, values: Sequence[Any]) -> list[Any] | None:
    """The transformer on each element of a list; elements for which it yields nothing are left out."""
    results = [result for value in values if (result := transformer.function(value)) is not None]
    return results or None
