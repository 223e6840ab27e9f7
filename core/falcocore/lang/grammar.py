"""Conditions, operands and literals from text to syntax, by pyparsing.

The precedence levels stand one above the other: or, and, not, check. After the part that decides what
something is, `-` commits to it, so that a mistake is reported where it stands and not where the parser
gave up.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, cast

import pyparsing as pp

from falcocore.lang import actions, words
from falcocore.lang.diagnostics import Code, ConditionError, Diagnostic
from falcocore.lang.mistakes import explain
from falcocore.lang.recursion import recursion_room
from falcocore.lang.syntax import And, FieldRef, Literal, Node, Operand, Or, Transform, Values
from falcocore.lang.text import Place, Text

MAX_LENGTH = 128 * 1024
"""Characters of one condition."""
MAX_DEPTH = 100
"""Parentheses within each other, and groups within each other once macros are in."""
_FRAMES_PER_DEPTH = 24
"""Python frames that pyparsing needs for one level of parentheses, rounded up."""


def parse_condition(text: Text) -> Node:
    """The tree of a condition.

    Raises:
        ConditionError: with what was expected, where, and what was found.
    """
    return cast(Node, _parse("condition", text))


def parse_operand(text: Text) -> Operand:
    """A field or a transformer, as it stands on the left of an operator."""
    return cast(Operand, _parse("operand", text))


def parse_operand_prefix(text: Text, start: int) -> tuple[Operand, int]:
    """The operand that begins at offset `start`, and the offset behind it."""
    operand, end = _run("operand prefix", text.cut(start))
    return cast(Operand, operand), start + cast(int, end)


def parse_value(text: Text) -> Literal | FieldRef | Transform:
    """What stands on the right of an operator that takes one value."""
    return cast("Literal | FieldRef | Transform", _parse("value", text))


def parse_values(text: Text) -> Values:
    """A list of constants in parentheses."""
    return cast(Values, _parse("values", text))


def parse_item(text: Text) -> Literal:
    """One item of a list: quoted, or as it is, blanks included."""
    value = text.value
    stripped = value.strip(" \t\b\r\n")
    start = value.find(stripped)
    if stripped[:1] in ('"', "'"):
        return cast(Literal, _parse("item", text))
    return Literal(stripped, bare=" " not in stripped, place=Place(text, start, start + len(stripped)))


def _parse(rule: str, text: Text) -> object:
    return _run(rule, text)[0]


def _run(rule: str, text: Text) -> pp.ParseResults:
    _check_size(text)
    source = actions.Source(text.value)
    source.text = text
    parser = _grammar()[rule]
    with recursion_room(MAX_DEPTH * _FRAMES_PER_DEPTH):
        try:
            return parser.parse_string(source)
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


def _token(pattern: str, name: str, action: actions.Action = actions.make_word) -> pp.ParserElement:
    token = pp.Regex(pattern).set_whitespace_chars(" \t\b\r\n").set_name(name)
    return _made(token, action)


def _made(element: pp.ParserElement, action: actions.Action) -> pp.ParserElement:
    """pyparsing's types know no parse action on a subclass of str."""
    return element.set_parse_action(cast(Any, action))


@cache
def _grammar() -> dict[str, pp.ParserElement]:
    """The parsers by what they parse. Built on first use: building costs more than most parses."""
    blank, name, bare, quoted = words.BLANK, words.NAME, words.BARE, words.QUOTED

    open_paren, close_paren = _token(r"\(", "("), _token(r"\)", ")")
    comma = _token(",", "a comma").suppress()

    field = _token(actions.FIELD, "a field such as ka.user.name", actions.make_field)
    quoted_literal = _token(quoted, "a quoted text", actions.make_literal)
    literal = _token(f"{quoted}|{bare}", "a value", actions.make_literal)
    number = _token(rf"{words.NUMBER}(?![\w.])", "a number", actions.make_literal)

    transform = pp.Forward()
    transform.set_name("a transformer")
    transform_item = (transform | field | quoted_literal | number).set_name(
        "a field, a quoted text or a number"
    )
    group = _made(open_paren - pp.Opt(_separated(transform_item, comma)) - close_paren, actions.make_group)
    argument = (transform | field | quoted_literal | number | group).set_name(
        "a field, a quoted text, a number or a list of these"
    )
    transform_end = _token(rf"\)(?:\[(?:{quoted}|{words.ARGUMENT})\])?", ", or )")
    transform_start = _token(rf"(?:{'|'.join(words.TRANSFORMERS)})\(", "a transformer")
    transform <<= _made(transform_start - _separated(argument, comma) - transform_end, actions.make_transform)

    right_field = _made(_token(r"val\(", "val(") - field - close_paren, actions.make_right_field)

    listed = rf"(?:{quoted}|{bare})"
    plain_list = _token(
        rf"\({blank}*(?:{listed}(?:{blank}*,{blank}*{listed})*{blank}*)?\)",
        "a list in parentheses",
        actions.make_plain_list,
    )
    item = _token(f"{quoted}|{bare}", "a value of the list", actions.make_literal)
    end_of_list = _token(r"\)", ", or )")
    slow_list = _made(open_paren - pp.Opt(_separated(item, comma)) - end_of_list, actions.make_slow_list)
    values = (plain_list | slow_list).set_name("a list in parentheses")
    list_name = _token(rf"{name}(?![\w.(])", "the name of a list", actions.make_list_name)

    exists = _token(r"exists(?![\w.])", "exists")
    number_operator = _token("|".join(words.NUMBER_OPERATORS), "<, <=, > or >=")
    string_operator = _token(
        rf"==|=|!=|(?:{'|'.join(words.STRING_OPERATORS)})(?={blank})", "=, !=, contains, ..."
    )
    list_operator = _token(rf"(?:{'|'.join(words.LIST_OPERATORS)})(?![\w.])", "in, intersects or pmatch")
    not_keyword = r"(?!(?:and|or|not)(?![A-Za-z0-9_]))"
    modifier = _token(
        rf"(?:{'|'.join(words.MODIFIERS)})(?={blank}*\(|{blank}+{not_keyword}[A-Za-z])",
        "oneof, anyof or allof",
    )

    value = (transform | right_field | literal).set_name("a value, val(field) or a transformer")
    number_value = (
        number
        | transform
        | right_field
        | _token(rf"{not_keyword}{name}(?![\w.(])", "a number", actions.make_literal)
    ).set_name("a number, val(field) or a transformer")
    list_value = (values | transform | right_field | list_name).set_name(
        "a list in parentheses or a list's name"
    )
    modified = modifier - (values | list_name).set_name("a list in parentheses or a list's name")
    string_value = (modified | value).set_name("a value, val(field) or a transformer")
    tail = (
        string_operator - string_value | list_operator - list_value | exists | number_operator - number_value
    ).set_name("an operator (=, !=, in, contains, startswith, exists, ...)")

    operand = (transform | field).set_name("a field or a transformer")
    check = _made(operand - tail, actions.make_check)
    macro = _token(rf"{not_keyword}{name}(?![\w.(])", "a macro", actions.make_macro)

    condition = pp.Forward()
    grouped = (open_paren.copy().suppress() - condition - close_paren.copy().suppress()).set_name("(")
    atom = (check | macro | grouped).set_name("a field, a macro, not or (")
    negated = _made(_token(rf"(?:not(?![\w.]){blank}*)+", "not") - atom, actions.make_not)
    not_level = (negated | atom).set_name("a field, a macro, not or (")
    and_word = _token(r"and(?![\w.])", "and").suppress()
    or_word = _token(r"or(?![\w.])", "or").suppress()
    and_level = _made(not_level + (and_word - not_level)[...], actions.make_joined(And))
    condition <<= _made(and_level + (or_word - and_level)[...], actions.make_joined(Or))

    def whole(element: pp.ParserElement, expected: str) -> pp.ParserElement:
        return element - _token(r"\Z", expected).suppress()

    offset = pp.Empty().leave_whitespace().set_parse_action(lambda _source, at, _tokens: at)
    tops = {
        "condition": whole(condition, "and, or, or the end"),
        "operand": whole(operand, "the end"),
        "operand prefix": operand + offset,
        "value": whole(value, "the end of the value"),
        "values": whole(values, "the end of the list"),
        "item": whole(literal, "the end of the item"),
    }
    for parser in tops.values():
        parser.parse_with_tabs()
        parser.streamline()
    return tops


def _separated(element: pp.ParserElement, comma: pp.ParserElement) -> pp.ParserElement:
    return pp.And([element, pp.ZeroOrMore(comma - element)])
