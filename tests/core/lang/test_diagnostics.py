"""How a message looks: place, code, source line, caret under the right column, item, hint."""

from __future__ import annotations

import dataclasses

import pytest

from falcocore.lang.diagnostics import Code, ConditionError, Diagnostic, Report, marked_line
from falcocore.lang.text import SourceFile, Span
from tests.support.marked import unmark


def span_of(marked: str, name: str = "rules.yaml") -> Span:
    found = unmark(marked)
    ((start, end),) = found.places
    return Span(SourceFile(name, found.text), start, end)


def test_message_has_place_code_line_caret_item_related_places_and_hint() -> None:
    diagnostic = Diagnostic(
        Code.VALIDATE,
        "macro `modfy` is not defined",
        span_of("- rule: A\n  condition: «modfy»\n"),
        'rule "A"',
        "did you mean `modify`?",
        (("defined", span_of("- macro: «modify»", "base.yaml")),),
    )
    assert str(diagnostic).split("\n") == [
        "rules.yaml:2:14: error: macro `modfy` is not defined [LOAD_ERR_VALIDATE]",
        "  2 |   condition: modfy",
        "    |              ^^^^^",
        '  in rule "A"',
        "  defined: base.yaml:1:10",
        "  hint: did you mean `modify`?",
    ]


def test_message_without_a_place_is_one_line_and_what_is_known() -> None:
    assert str(Diagnostic(Code.VALIDATE, "no")) == "error: no [LOAD_ERR_VALIDATE]"
    assert str(Diagnostic(Code.WARN_UNUSED_LIST, "no", item='list "l"')).split("\n") == [
        "warning: no [LOAD_UNUSED_LIST]",
        '  in list "l"',
    ]


@pytest.mark.parametrize(
    ("text", "line", "carets"),
    [
        ("a «bc» d", "a bc d", "  ^^"),
        ("«a»", "a", "^"),
        ("a«»", "a", " ^"),
        ("a «»b", "a b", "  ^"),
        ("\t\ta «bc»", "  a bc", "    ^^"),
        ("a\t«b»", "a b", "  ^"),
        ("世界 «b»", "世界 b", "     ^"),
        ("«世界» b", "世界 b", "^^^^"),
        ("\uff46\uff55 «b»", "\uff46\uff55 b", "     ^"),
        ("e\u0301 «b»", "e\u0301 b", "  ^"),
        ("é «b»", "é b", "  ^"),
        ("\x1b[31m«b»", " [31mb", "     ^"),
        ("\u200b«b»", " b", " ^"),
        ("x: «a\r\n  b»", "x: a", "   ^"),
        ("first\n«second»\nthird", "second", "^^^^^^"),
        ("x\r\n  «a»b\r\n", "  ab", "  ^"),
        ("a\n«»", "", "^"),
        ("«»", "", "^"),
    ],
)
def test_caret_stands_under_its_column(text: str, line: str, carets: str) -> None:
    assert marked_line(span_of(text)) == (line, carets)


@pytest.mark.parametrize(
    ("before", "after"), [(0, 500), (10, 500), (130, 0), (130, 500), (5000, 5000), (117, 0)]
)
def test_long_line_is_shown_around_the_caret(before: int, after: int) -> None:
    line, carets = marked_line(span_of("-" * before + "«###»" + "-" * after))
    assert len(line) <= 120
    at = carets.index("^")
    assert line[at : at + 3] == "###"
    assert carets == " " * at + "^^^"
    assert line.strip("-#") == ""


def test_mark_that_is_longer_than_the_window_ends_with_it() -> None:
    line, carets = marked_line(span_of("«" + "x" * 1000 + "»"))
    assert (line, carets) == ("x" * 120, "^" * 120)


def test_margin_is_as_wide_as_the_number_of_the_line() -> None:
    lines = Diagnostic(Code.VALIDATE, "no", span_of("\n" * 99 + "a «b»")).lines()
    assert lines[1:] == ["  100 | a b", "      |   ^"]


@pytest.mark.parametrize("code", list(Code))
def test_code_says_whether_the_rules_can_be_used(code: Code) -> None:
    is_error = code.value.startswith("LOAD_ERR_")
    assert code.is_error is is_error
    diagnostic = Diagnostic(code, "m")
    assert diagnostic.is_error is is_error
    assert str(diagnostic).startswith("error: m [LOAD_ERR_" if is_error else "warning: m [LOAD_")


@pytest.mark.parametrize(
    "code",
    [
        "ERR_FILE_READ",
        "ERR_YAML_PARSE",
        "ERR_YAML_VALIDATE",
        "ERR_COMPILE_CONDITION",
        "ERR_COMPILE_OUTPUT",
        "ERR_VALIDATE",
        "UNKNOWN_SOURCE",
        "UNSAFE_NA_CHECK",
        "NO_EVTTYPE",
        "UNKNOWN_FILTER",
        "UNUSED_MACRO",
        "UNUSED_LIST",
        "UNKNOWN_ITEM",
        "UNKNOWN_KEY",
        "DEPRECATED_ITEM",
        "APPEND_NO_VALUES",
        "EXCEPTION_NAME_NOT_UNIQUE",
        "INVALID_MACRO_NAME",
        "INVALID_LIST_NAME",
        "COMPILE_CONDITION",
    ],
)
def test_falcos_codes_are_there(code: str) -> None:
    assert Code(f"LOAD_{code}").value == f"LOAD_{code}"


def test_report_keeps_the_same_once_and_what_differs_apart() -> None:
    report = Report()
    first = Diagnostic(Code.VALIDATE, "m", span_of("«a» b"), 'rule "A"')
    others = [
        Diagnostic(Code.COMPILE_CONDITION, "m", first.span),
        Diagnostic(Code.VALIDATE, "n", first.span),
        Diagnostic(Code.VALIDATE, "m", span_of("a «b»")),
        Diagnostic(Code.VALIDATE, "m", span_of("«a» b", "other.yaml")),
        Diagnostic(Code.VALIDATE, "m", item='rule "A"'),
        Diagnostic(Code.VALIDATE, "m", item='rule "B"'),
        Diagnostic(Code.WARN_UNUSED_LIST, "m"),
    ]
    report.add(first)
    report.extend(others)
    report.extend(
        [
            first,
            dataclasses.replace(first, item='rule "B"', span=span_of("«a» b")),
            Diagnostic(Code.VALIDATE, "m", item='rule "B"'),
        ]
    )
    assert report.diagnostics == [first, *others]
    assert report.errors == [first, *others[:-1]]
    assert report.warnings == others[-1:]


def test_condition_error_reads_as_its_first_message_and_holds_all() -> None:
    first, second = Diagnostic(Code.VALIDATE, "m", hint="do it"), Diagnostic(Code.VALIDATE, "n")
    error = ConditionError(first, [second])
    assert str(error) == "m\n  do it"
    assert error.all == (first, second)
    assert ConditionError(second).all == (second,)
