"""Two printers of a condition: one that parses back to an equal tree, one for people."""

from __future__ import annotations

import re

from falcocore.lang import words
from falcocore.lang.escapes import quote, quote_if_needed
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

_NUMBER = re.compile(rf"{words.NUMBER}\Z")
_PLAIN_ARGUMENT = re.compile(rf"{words.ARGUMENT}\Z")


def print_condition(node: Node) -> str:
    """The condition on one line; parsing it gives an equal tree."""
    return _print(node, outer=None)


def _print(node: Node, outer: type[And] | type[Or] | type[Not] | None) -> str:
    match node:
        case And(children) | Or(children):
            word = " and " if isinstance(node, And) else " or "
            text = word.join(_print(child, type(node)) for child in children)
            return f"({text})" if outer else text
        case Not(child):
            return (
                f"not {_print(child, Not)}" if not isinstance(child, Not) else f"not ({_print(child, None)})"
            )
        case MacroRef(name):
            return name
        case Check():
            return _print_check(node)


def _print_check(check: Check) -> str:
    left = print_operand(check.left)
    if check.right is None:
        return f"{left} {check.operator}"
    modifier = f" {check.modifier}" if check.modifier else ""
    return f"{left} {check.operator}{modifier} {_print_right(check)}"


def _print_right(check: Check) -> str:
    match check.right:
        case FieldRef():
            return f"val({print_operand(check.right)})"
        case Transform():
            return print_operand(check.right)
        case Values(items):
            return f"({', '.join(_print_literal(item) for item in items)})"
        case Literal(text):
            if check.operator in words.NUMBER_OPERATORS:
                return text
            # In quotes the word is no modifier, whatever follows.
            return quote(text) if text in words.MODIFIERS else _print_literal(check.right)
    raise AssertionError(f"nothing to compare with in {check}")


def _print_literal(literal: Literal) -> str:
    # What was quoted stays so: without its quotes it might be the name of a list.
    return quote_if_needed(literal.text) if literal.bare else quote(literal.text)


def print_operand(operand: FieldRef | Transform | Literal | Group) -> str:
    """A field, a transformer or an argument of one, as a condition has it."""
    match operand:
        case FieldRef(name, argument):
            return name if argument is None else f"{name}[{_print_argument(argument)}]"
        case Transform(name, arguments, index):
            end = "" if index is None else f"[{_print_argument(index)}]"
            return f"{name}({', '.join(print_operand(a) for a in arguments)}){end}"
        case Group(items):
            return f"({', '.join(print_operand(item) for item in items)})"
        case Literal(text):
            return text if operand.bare and _NUMBER.match(text) else quote(text)


def _print_argument(argument: str) -> str:
    return argument if _PLAIN_ARGUMENT.match(argument) else quote(argument)


_LINE = 100


def format_condition(node: Node) -> str:
    """The condition for people: on lines of its own for each part, where one line is too long."""
    return "\n".join(_lines(node, ""))


def _lines(node: Node, indent: str) -> list[str]:
    text = print_condition(node)
    if len(indent) + len(text) <= _LINE:
        return [indent + text]
    match node:
        case And(children) | Or(children):
            word = "and " if isinstance(node, And) else "or "
            return [
                line
                for number, child in enumerate(children)
                for line in _part(child, type(node), indent, word if number else "")
            ]
        case Not():
            return _part(node, None, indent, "")
        case _:
            return [indent + text]


def _part(node: Node, outer: type[And] | type[Or] | None, indent: str, lead: str) -> list[str]:
    """One part behind its `and` or `or`; a group that is too long for a line gets lines of its own."""
    single = f"{indent}{lead}{_print(node, outer)}"
    group, negation = (node.child, "not ") if isinstance(node, Not) else (node, "")
    if len(single) <= _LINE or not isinstance(group, And | Or):
        return [single]
    return [f"{indent}{lead}{negation}(", *_lines(group, indent + "  "), f"{indent})"]
