"""Conditions, operands and literals from text to syntax, by pyparsing.

The precedence levels stand one above the other: or, and, not, check. After the part that decides what
something is, `-` commits to it, so that a mistake is reported where it stands and not where the parser
gave up.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

import pyparsing as pp

from falcocore.lang import words
from falcocore.lang.diagnostics import Code, ConditionError, Diagnostic
from falcocore.lang.escapes import EscapeError, unescape
from falcocore.lang.mistakes import explain
from falcocore.lang.syntax import (
    And,
    Check,
    FieldRef,
    Group,
    Literal,
    MacroRef,
    Node,
    Not,
    Operand,
    Or,
    Transform,
    Values,
)
from falcocore.lang.text import Place, Text

MAX_LENGTH = 128 * 1024
"""Characters of one condition."""
MAX_DEPTH = 100
"""Parentheses open at one place of a condition, and and/or/not groups within each other once macros are in."""
_FRAMES_PER_DEPTH = 24
"""Python frames that pyparsing needs for one level of parentheses, rounded up."""

N = TypeVar("N")


class _Source(str):
    """The text being parsed, which parse actions receive; it leads them to the `Text` it stands for."""

    __slots__ = ("text",)
    text: Text


class _Word(NamedTuple):
    value: str
    start: int
    end: int


def parse_condition(text: Text) -> Node:
    """The tree of a condition.

    Raises:
        ConditionError: with what was expected, where, and what was found.
    """
    return cast(Node, _run("condition", text))


def parse_operand(text: Text) -> Operand:
    """A field or a transformer, as it stands on the left of an operator."""
    return cast(Operand, _run("operand", text))


def parse_value(text: Text) -> Literal | FieldRef | Transform:
    """What stands on the right of an operator that takes one value."""
    return cast("Literal | FieldRef | Transform", _run("value", text))


def parse_values(text: Text) -> Values:
    """A list of constants in parentheses."""
    return cast(Values, _run("values", text))


def parse_item(text: Text) -> Literal:
    """One item of a list: quoted, or as it is, blanks included."""
    value = text.value
    stripped = value.strip(" \t\b\r\n")
    start = value.find(stripped)
    if stripped[:1] in ('"', "'"):
        return cast(Literal, _run("item", text))
    return Literal(stripped, bare=" " not in stripped, place=Place(text, start, start + len(stripped)))


def _run(rule: str, text: Text) -> object:
    _check_size(text)
    source = _Source(text.value)
    source.text = text
    parser = _grammar()[rule]
    with _recursion_room(MAX_DEPTH * _FRAMES_PER_DEPTH):
        try:
            return parser.parse_string(source, parse_all=False)[0]
        except pp.ParseBaseException as error:
            raise ConditionError(explain(text, error.loc, error.msg)) from None


# A quote that is never closed takes the rest of the text, else each further quote would be tried again.
_BRACKETS = re.compile(rf"{words.QUOTED}|[\"'].*|[()]", re.DOTALL)


def _check_size(text: Text) -> None:
    if len(text.value) > MAX_LENGTH:
        message = f"the condition has {len(text.value)} characters; {MAX_LENGTH} are allowed"
        hint = "move values into lists and parts into macros"
        raise ConditionError(Diagnostic(Code.COMPILE_CONDITION, message, text.span(0, 1), hint=hint))
    depth = 0
    for match in _BRACKETS.finditer(text.value):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if depth > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} parentheses within each other"
            place = text.span(match.start(), match.end())
            hint = "move inner parts into macros"
            raise ConditionError(Diagnostic(Code.COMPILE_CONDITION, message, place, hint=hint))


@contextmanager
def _recursion_room(frames: int) -> Iterator[None]:
    """Let the recursive descent go as deep as MAX_DEPTH asks, whatever the caller's own depth is."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


Action = Callable[[_Source, int, Any], object]


def _token(pattern: str, name: str, action: Action | None = None) -> pp.Regex:
    token = pp.Regex(pattern).set_whitespace_chars(" \t\b\r\n").set_name(name)
    return token.set_parse_action(action or _word)


def _word(_source: _Source, start: int, tokens: Any) -> _Word:
    return _Word(tokens[0], start, start + len(tokens[0]))


def _place(source: _Source, start: int, end: int) -> Place:
    return Place(source.text, start, end)


def _literal(source: _Source, start: int, tokens: Any) -> Literal:
    word: str = tokens[0]
    place = _place(source, start, start + len(word))
    return Literal(_unquote(source, word, start), bare=word[0] not in "\"'", place=place)


def _unquote(source: _Source, word: str, start: int) -> str:
    if word[0] not in "\"'":
        return word
    try:
        return unescape(word)
    except EscapeError as error:
        raise pp.ParseFatalException(source, start + error.offset, error.message) from None


_FIELD = rf"(?P<name>{words.NAME}(?:\.{words.NAME})+)(?:\[(?P<argument>{words.QUOTED}|{words.ARGUMENT})\])?"


def _field(source: _Source, start: int, tokens: Any) -> FieldRef:
    argument = tokens.get("argument")
    if argument is not None:
        argument = _unquote(source, argument, start + len(tokens["name"]) + 1)
    return FieldRef(tokens["name"], argument, _place(source, start, start + len(tokens[0])))


def _right_field(source: _Source, start: int, tokens: Any) -> FieldRef:
    inner: FieldRef = tokens[1]
    return FieldRef(inner.name, inner.argument, _place(source, start, tokens[2].end))


def _transform(source: _Source, start: int, tokens: Any) -> Transform:
    name, *arguments, end = tokens
    index = None
    if end.value != ")":
        index = _unquote(source, end.value[2:-1], end.start + 2)
    return Transform(name.value[:-1], tuple(arguments), index, _place(source, start, end.end))


def _group(source: _Source, start: int, tokens: Any) -> Group:
    return Group(tuple(tokens[1:-1]), _place(source, start, tokens[-1].end))


_ITEM = re.compile(rf"(?:{words.QUOTED})|{words.BARE}")


def _plain_list(source: _Source, start: int, tokens: Any) -> Values:
    """A list without mistakes, cut at once; lists make up most of a rule file."""
    whole: str = tokens[0]
    items = tuple(_literal(source, start + m.start(), [m.group()]) for m in _ITEM.finditer(whole))
    return Values(items, _place(source, start, start + len(whole)))


def _slow_list(source: _Source, start: int, tokens: Any) -> Values:
    return Values(tuple(tokens[1:-1]), _place(source, start, tokens[-1].end))


def _list_name(source: _Source, start: int, tokens: Any) -> Values:
    literal = _literal(source, start, tokens)
    return Values((literal,), literal.place)


def _check(source: _Source, start: int, tokens: Any) -> Check:
    left, operator, *rest = tokens
    modifier = rest[0].value if rest and isinstance(rest[0], _Word) else None
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


def _macro(source: _Source, start: int, tokens: Any) -> MacroRef:
    return MacroRef(tokens[0], _place(source, start, start + len(tokens[0])))


def _not(source: _Source, start: int, tokens: Any) -> Node:
    nots, child = tokens
    odd = len(nots.value.split()) % 2 == 1
    return Not(child, _place(source, start, child.place.end)) if odd else child


def _joined(kind: type[And] | type[Or]) -> Action:
    def action(source: _Source, start: int, tokens: Any) -> Node:
        if len(tokens) == 1:
            return cast(Node, tokens[0])
        return kind(tuple(tokens), _place(source, start, tokens[-1].place.end))

    return action


@cache
def _grammar() -> dict[str, pp.ParserElement]:
    """The parsers by what they parse. Built on first use: building costs more than most parses."""
    blank, name, bare, quoted = words.BLANK, words.NAME, words.BARE, words.QUOTED

    def paren(pattern: str, text: str) -> pp.ParserElement:
        return _token(pattern, text)

    open_paren, close_paren = paren(r"\(", "("), paren(r"\)", ")")
    comma = _token(",", "a comma").suppress()

    field = _token(_FIELD, "a field such as ka.user.name", _field)
    bare_literal = _token(bare, "a value", _literal)
    quoted_literal = _token(quoted, "a quoted text", _literal)
    literal = _token(f"{quoted}|{bare}", "a value", _literal)
    number = _token(rf"{words.NUMBER}(?![\w.])", "a number", _literal)

    transform = pp.Forward().set_name("a transformer")
    transform_item = (transform | field | quoted_literal | number).set_name("a field, a quoted text or a number")
    group = (open_paren - pp.Opt(_separated(transform_item, comma)) - close_paren).set_parse_action(_group)
    argument = (transform | field | quoted_literal | number | group).set_name(
        "a field, a quoted text, a number or a list of these"
    )
    transform_end = _token(rf"\)(?:\[(?:{quoted}|{words.ARGUMENT})\])?", ", or )")
    transform_start = _token(rf"(?:{'|'.join(words.TRANSFORMERS)})\(", "a transformer")
    transform <<= (transform_start - _separated(argument, comma) - transform_end).set_parse_action(_transform)

    right_field = (_token(r"val\(", "val(") - field - close_paren).set_parse_action(_right_field)

    listed = rf"(?:{quoted}|{bare})"
    plain_list = _token(
        rf"\({blank}*(?:{listed}(?:{blank}*,{blank}*{listed})*{blank}*)?\)", "a list in parentheses", _plain_list
    )
    item = _token(f"{quoted}|{bare}", "a value of the list", _literal)
    slow_list = (open_paren - pp.Opt(_separated(item, comma)) - _token(r"\)", ", or )")).set_parse_action(_slow_list)
    values = (plain_list | slow_list).set_name("a list in parentheses")
    list_name = _token(rf"{name}(?![\w.(])", "the name of a list", _list_name)

    exists = _token(r"exists(?![\w.])", "exists")
    number_operator = _token("|".join(words.NUMBER_OPERATORS), "<, <=, > or >=")
    string_operator = _token(
        rf"==|=|!=|(?:{'|'.join(words.STRING_OPERATORS)})(?={blank})", "=, !=, contains, ..."
    )
    list_operator = _token(rf"(?:{'|'.join(words.LIST_OPERATORS)})(?![\w.])", "in, intersects or pmatch")
    not_keyword = r"(?!(?:and|or|not)(?![A-Za-z0-9_]))"
    modifier = _token(
        rf"(?:{'|'.join(words.MODIFIERS)})(?={blank}*\(|{blank}+{not_keyword}[A-Za-z])", "oneof, anyof or allof"
    )

    value = (transform | right_field | literal).set_name("a value, val(field) or a transformer")
    number_value = (
        number | transform | right_field | _token(rf"{not_keyword}{name}(?![\w.(])", "a number", _literal)
    ).set_name("a number, val(field) or a transformer")
    list_value = (values | transform | right_field | list_name).set_name("a list in parentheses or a list's name")
    modified = modifier - (values | list_name).set_name("a list in parentheses or a list's name")
    string_value = (modified | value).set_name("a value, val(field) or a transformer")
    tail = (
        string_operator - string_value
        | list_operator - list_value
        | exists
        | number_operator - number_value
    ).set_name("an operator (=, !=, in, contains, startswith, exists, ...)")

    operand = (transform | field).set_name("a field or a transformer")
    check = (operand - tail).set_parse_action(_check)
    macro = _token(rf"{not_keyword}{name}(?![\w.(])", "a macro", _macro)

    condition = pp.Forward()
    grouped = (open_paren.copy().suppress() - condition - close_paren.copy().suppress()).set_name("(")
    atom = (check | macro | grouped).set_name("a field, a macro, not or (")
    negated = (_token(rf"(?:not(?![\w.]){blank}*)+", "not") - atom).set_parse_action(_not)
    not_level = (negated | atom).set_name("a field, a macro, not or (")
    and_word = _token(r"and(?![\w.])", "and").suppress()
    or_word = _token(r"or(?![\w.])", "or").suppress()
    and_level = (not_level + (and_word - not_level)[...]).set_parse_action(_joined(And))
    condition <<= (and_level + (or_word - and_level)[...]).set_parse_action(_joined(Or))

    end = _token(r"$(?!\n)|\Z", "and, or, or the end").suppress()
    tops = {
        "condition": condition - end,
        "operand": operand - _token(r"\Z", "the end").suppress(),
        "value": value - _token(r"\Z", "the end of the value").suppress(),
        "values": values - _token(r"\Z", "the end of the list").suppress(),
        "item": (quoted_literal | bare_literal) - _token(r"\Z", "the end of the item").suppress(),
    }
    for parser in tops.values():
        parser.parse_with_tabs()
        parser.streamline()
    return tops


def _separated(element: pp.ParserElement, comma: pp.ParserElement) -> pp.ParserElement:
    return element + (comma - element)[...]
