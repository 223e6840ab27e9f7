"""From the place where a parse ended to a message with a hint."""

from __future__ import annotations

import pytest

from falcocore.lang.diagnostics import Code, ConditionError, Diagnostic
from falcocore.lang.grammar import parse_condition
from falcocore.lang.mistakes import explain
from falcocore.lang.text import Text
from tests.support.marked import unmark


def mistake(condition: str) -> Diagnostic:
    with pytest.raises(ConditionError) as caught:
        parse_condition(Text.plain(condition))
    return caught.value.diagnostic


@pytest.mark.parametrize(
    ("condition", "message", "hint"),
    [
        ("a.b «equals» x", "expected an operator", "write `=`"),
        ("a.b «like» x", "expected an operator", "glob and regex"),
        ("a.b «IN» (x)", "found `IN`", "lower case: `in`"),
        ("a.b = x «OR» m", "expected and, or, or the end, found `OR`", "lower case: `or`"),
        ("NOT «m»", "found `m`", "lower case: `not`"),
        ("a.b «contain» x", "found `contain`", "did you mean `contains`?"),
        ("a.b «exist»", "found `exist`", "did you mean `exists`?"),
        ("a.b = x «ad» m", "found `ad`", "did you mean `and`?"),
        ("a.b = two «words»", "found `words`", "a value with blanks, commas or parentheses needs quotes"),
        ("a.b = x «c.d» = y", "found `c.d`", "joined by `and` or `or`"),
        ("m «=» a.b", "expected and, or, or the end, found `=`", "on the left of an operator stands a field"),
        ("m «in» (x)", "found `in`", "on the left of an operator stands a field"),
        ("m«)» and n", "expected and, or, or the end, found `)`", "no parenthesis is open here"),
        ("m and\n«#» why\nn", "found `#`", "a condition has no comments"),
        ("m and «#why»", "found `#why`", "a condition has no comments"),
        ("m «||» n", "found `||`", "write `or`"),
        ("«!»m", "found `!m`", "write `not`"),
        ("a.b «! »= x", "found `!`", "write `not`"),
        ("a.b = «'x»", "found `'`", "the quote is not closed"),
        ("a.b in «[»x]", "expected a list in parentheses or a list's name", "in parentheses: (a, b)"),
        ("«lenn(»a.b) = 3", "found `lenn(`", "did you mean `len(`?"),
        ("«md5(»a.b) = x", "found `md5(`", "the transformers are tolower, toupper"),
        ("len(«)» = 3", "expected a field, a quoted text, a number or a list of these, found `)`", None),
        ('join(",", «x») = y', "expected a field, a quoted text, a number or a list of these", None),
        ("a.b = val(«x») ", "expected a field such as ka.user.name, found `x`", None),
        ("a.b > «»", "expected a number, val(field) or a transformer, found the end", None),
        ("a.b in (x«»", "expected , or ), found the end", None),
        ("a.b startswith anyof (x«»", "expected , or ), found the end", None),
    ],
)
def test_mistake_is_explained(condition: str, message: str, hint: str | None) -> None:
    marked = unmark(condition)
    found = mistake(marked.text)
    assert found.code is Code.COMPILE_CONDITION
    assert message in found.message
    assert found.span is not None
    assert found.span.start == marked.places[0][0]
    assert (found.hint is None) == (hint is None)
    assert hint is None or hint in str(found.hint)


@pytest.mark.parametrize(
    "condition",
    [
        "m and «(»n or o",
        "«(»m and (n or o)",
        "(m and «(»n or (o)",
        '(a.b = "(" and «(»m',
        "a.b in «(»x, y",
    ],
)
def test_parenthesis_that_is_not_closed_is_shown_where_it_was_opened(condition: str) -> None:
    marked = unmark(condition)
    ((label, span),) = mistake(marked.text).related
    assert (label, (span.start, span.end)) == ("opened", marked.places[0])


def test_long_word_is_cut_and_stays_on_one_line() -> None:
    found = mistake('m "' + "x" * 500 + '\ny"')
    assert found.message.endswith("x...`")
    assert len(found.message) < 120
    assert "\n" not in found.message


def test_caret_is_under_the_whole_word() -> None:
    marked = unmark("a.b = x «something_else» m")
    span = mistake(marked.text).span
    assert span is not None
    assert (span.start, span.end) == marked.places[0]


def test_message_that_is_no_expectation_is_kept() -> None:
    found = explain(Text.plain("a  b"), 1, "unknown escape \\q")
    assert found.message == "unknown escape \\q"
    assert found.span is not None
    assert found.span.start == 3
