"""Parse actions: from the tokens of one piece of syntax to its node."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import pyparsing as pp

from falcocore.lang import words
from falcocore.lang.escapes import EscapeError, unescape
from falcocore.lang.syntax import (
    And,
    Check,
    FieldRef,
    Group,
    Literal,
    MacroRef,
    Node,
    Not,
    Or,
    Transform,
    Values,
)
from falcocore.lang.text import Place, Text


class Source(str):
    """The text being parsed, which parse actions receive; it leads them to the `Text` it stands for."""

    __slots__ = ("text",)
    text: Text


class Word(NamedTuple):
    """A keyword, an operator or a parenthesis, and where it stands."""

    value: str
    start: int
    end: int


Action = Callable[[Any, int, Any], object]
"""(source, offset of the first token, tokens) to a node. pyparsing types the source as a plain str."""


def make_word(_source: Source, start: int, tokens: Any) -> Word:
    """A token that is no node of its own."""
    return Word(tokens[0], start, start + len(tokens[0]))


def _place(source: Source, start: int, end: int) -> Place:
    return Place(source.text, start, end)


def make_literal(source: Source, start: int, tokens: Any) -> Literal:
    """A constant, quoted or bare."""
    word: str = tokens[0]
    place = _place(source, start, start + len(word))
    return Literal(_unquote(source, word, start), bare=word[0] not in "\"'", place=place)


def _unquote(source: Source, word: str, start: int) -> str:
    if word[0] not in "\"'":
        return word
    try:
        return unescape(word)
    except EscapeError as error:
        raise pp.ParseFatalException(source, start + error.offset, error.message) from None


FIELD = rf"(?P<name>{words.NAME}(?:\.{words.NAME})+)(?:\[(?P<argument>{words.QUOTED}|{words.ARGUMENT})\])?"


def make_field(source: Source, start: int, tokens: Any) -> FieldRef:
    """A field with its argument."""
    argument = tokens.get("argument")
    if argument is not None:
        argument = _unquote(source, argument, start + len(tokens["name"]) + 1)
    return FieldRef(tokens["name"], argument, _place(source, start, start + len(tokens[0])))


def make_right_field(source: Source, start: int, tokens: Any) -> FieldRef:
    """`val(field)`."""
    inner: FieldRef = tokens[1]
    return FieldRef(inner.name, inner.argument, _place(source, start, tokens[2].end))


def make_transform(source: Source, start: int, tokens: Any) -> Transform:
    """A transformer with its arguments and index."""
    name, *arguments, end = tokens
    index = None
    if end.value != ")":
        index = _unquote(source, end.value[2:-1], end.start + 2)
    return Transform(name.value[:-1], tuple(arguments), index, _place(source, start, end.end))


def make_group(source: Source, start: int, tokens: Any) -> Group:
    """A list as an argument of a transformer."""
    return Group(tuple(tokens[1:-1]), _place(source, start, tokens[-1].end))


_ITEM = re.compile(rf"(?:{words.QUOTED})|{words.BARE}")


def make_plain_list(source: Source, start: int, tokens: Any) -> Values:
    """A list without mistakes, cut at once; lists make up most of a rule file."""
    whole: str = tokens[0]
    items = tuple(make_literal(source, start + m.start(), [m.group()]) for m in _ITEM.finditer(whole))
    return Values(items, _place(source, start, start + len(whole)))


def make_slow_list(source: Source, start: int, tokens: Any) -> Values:
    """A list that was parsed item by item, for the place of a mistake in it."""
    return Values(tuple(tokens[1:-1]), _place(source, start, tokens[-1].end))


def make_list_name(source: Source, start: int, tokens: Any) -> Values:
    """A bare name where a list is expected."""
    literal = make_literal(source, start, tokens)
    return Values((literal,), literal.place)


def make_check(source: Source, start: int, tokens: Any) -> Check:
    """Operand, operator, modifier and right side."""
    left, operator, *rest = tokens
    modifier = rest[0].value if rest and isinstance(rest[0], Word) else None
    right = rest[-1] if rest else None
    end = right.place.end if right else operator.end
    return Check(
        left,
        "=" if operator.value == "==" else operator.value,
        right,
        modifier,
        _place(source, start, end),
        _place(source, operator.start, operator.end),
    )


def make_macro(source: Source, start: int, tokens: Any) -> MacroRef:
    """A word that stands for a macro."""
    return MacroRef(tokens[0], _place(source, start, start + len(tokens[0])))


def make_not(source: Source, start: int, tokens: Any) -> Node:
    """Any number of `not`; an even one cancels out."""
    nots, child = tokens
    odd = len(nots.value.split()) % 2 == 1
    return Not(child, _place(source, start, child.place.end)) if odd else child


def make_joined(kind: type[And] | type[Or]) -> Action:
    """An action for parts joined by `and` or `or`; a single part stays what it is."""

    def action(source: Source, start: int, tokens: Any) -> Node:
        if len(tokens) == 1:
            return cast(Node, tokens[0])
        return kind(tuple(tokens), _place(source, start, tokens[-1].place.end))

    return action
