"""Macros and lists on the tree."""

from __future__ import annotations

import pytest

from falcocore.lang import resolve as module
from falcocore.lang.diagnostics import Code, Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.printer import print_condition
from falcocore.lang.resolve import Resolved, resolve
from falcocore.lang.syntax import Literal
from falcocore.lang.text import Span, Text

LATER = Text.plain("later")


class Scope:
    def __init__(self, macros: dict[str, Resolved], lists: dict[str, list[str]]) -> None:
        self.macros = macros
        self.lists = {name: tuple(map(Literal, items)) for name, items in lists.items()}

    def macro(self, name: str) -> Resolved | None:
        return self.macros.get(name)

    def is_broken(self, name: str) -> bool:
        return name == "broken"

    def macro_span(self, name: str) -> Span | None:
        return LATER.span(0, 5) if name == "later" else None

    def list_items(self, name: str) -> tuple[Literal, ...] | None:
        return self.lists.get(name)

    def macro_names(self) -> list[str]:
        return [*self.macros, "broken"]

    def list_names(self) -> list[str]:
        return list(self.lists)


def resolved(condition: str) -> tuple[Resolved | None, Report]:
    macro = Resolved(parse_condition(Text.plain("c.d = 1 or c.d = 2")), 2, 1)
    scope = Scope({"modify": macro}, {"one": ["x"], "two": ["x", "y"], "none": [], "shells": ["sh"]})
    report = Report()
    return resolve(parse_condition(Text.plain(condition)), scope, report, 'rule "r"'), report


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a.b exists and modify", "a.b exists and (c.d = 1 or c.d = 2)"),
        ("not modify", "not (c.d = 1 or c.d = 2)"),
        ("not (not a.b exists)", "a.b exists"),
        ("a.b in (z, two)", "a.b in (z, x, y)"),
        ("a.b in (none)", "a.b in ()"),
        ("a.b in two", "a.b in (x, y)"),
        ("a.b = one", "a.b = x"),
        ("a.b in (\"two\", 'none')", "a.b in (two, none)"),
        ('a.b = "x two y"', 'a.b = "x two y"'),
        ("a.b contains anyof two", "a.b contains anyof (x, y)"),
        ("a.b in unknown_name", "a.b in (unknown_name)"),
    ],
)
def test_names_are_put_in(condition: str, expected: str) -> None:
    found, report = resolved(condition)
    assert found is not None
    assert found.node == parse_condition(Text.plain(expected)), print_condition(found.node)
    assert report.diagnostics == []


@pytest.mark.parametrize(
    ("condition", "code", "message", "hint"),
    [
        ("a.b = x and modfy", Code.VALIDATE, "macro `modfy` is not defined", "did you mean `modify`?"),
        ("spawned", Code.VALIDATE, "macro `spawned` is not defined", "- macro: spawned"),
        ("later", Code.VALIDATE, "macro `later` is defined only later", "what stands before it"),
        ("a.b = two", Code.COMPILE_CONDITION, "a list of 2 items, and `=` takes one value", "in (two)"),
        ("a.b > abc", Code.COMPILE_CONDITION, "expected a number", None),
    ],
)
def test_name_that_does_not_fit_is_an_error(
    condition: str, code: Code, message: str, hint: str | None
) -> None:
    found, report = resolved(condition)
    assert found is None or not found.is_whole
    (diagnostic,) = report.errors
    assert diagnostic.code is code
    assert message in diagnostic.message
    assert hint is None or hint in str(diagnostic.hint)


def test_macro_that_was_reported_before_is_not_reported_again() -> None:
    found, report = resolved("broken and a.b = x")
    assert found is not None
    assert not found.is_whole
    assert report.diagnostics == []


def test_rest_of_a_condition_is_left_to_be_checked() -> None:
    found, _ = resolved("a.b = x and not (modfy or a.b = one or a.b = y) and modfy")
    assert found is not None
    assert not found.is_whole
    assert found.node == parse_condition(Text.plain("a.b = x and not (a.b = x or a.b = y)")), print_condition(
        found.node
    )


@pytest.mark.parametrize("condition", ["a.b in shels", "a.b in (shels, x)"])
def test_near_miss_of_a_list_name_is_a_warning(condition: str) -> None:
    found, report = resolved(condition)
    assert found is not None
    assert "did you mean the list `shells`?" in str(report.warnings[0].hint)


def test_macros_that_grow_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHECKS", 7)
    found, report = resolved("modify or modify or modify or modify")
    assert found is None
    assert "more than 7 checks" in report.errors[0].message
