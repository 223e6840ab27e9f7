"""Warnings of `falcocore validate` beyond those of loading: shadowed rules, appends, empty exceptions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.rules.lint import lint
from falcocore.rules.loader import LoadResult

Load = Callable[..., LoadResult]


def rule(name: str, condition: str, more: str = "") -> str:
    keys = {"desc": "d", "condition": condition, "output": "o", "priority": "INFO", "source": "t"}
    return "\n".join([f"- rule: {name}", *(f"  {key}: {value}" for key, value in keys.items()), more])


def append(condition: str, kind: str = "rule", name: str = "A") -> str:
    return f"- {kind}: {name}\n  condition: {condition}\n  override: {{condition: append}}\n"


def found(loaded: LoadResult, code: Code, *, first: bool = True) -> list[Diagnostic]:
    lint(loaded, first=first)
    return [diagnostic for diagnostic in loaded.diagnostics if diagnostic.code is code]


def places(diagnostics: list[Diagnostic]) -> list[tuple[int, int]]:
    return [diagnostic.span.position for diagnostic in diagnostics if diagnostic.span]


# --- shadowed rules -----------------------------------------------------------------------------------------


def shadowed(loaded: LoadResult, *, first: bool = True) -> list[str]:
    """`later < earlier` for each warning."""
    pairs = []
    for diagnostic in found(loaded, Code.WARN_SHADOWED_RULE, first=first):
        words = diagnostic.message.split("`")
        pairs.append(f"{words[1]} < {words[3]}")
    return pairs


MACRO = "- macro: m\n  condition: t.str in (a, b) and not t.str2 regex 'x.*'\n"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (rule("A", "t.str = x") + rule("B", "t.str = x and t.num > 1"), ["B < A"]),
        (rule("A", "t.str = x and t.num > 1") + rule("B", "t.str = x"), []),
        (rule("A", "t.str exists") + rule("B", "t.str = x") + rule("C", "t.num > 1"), ["B < A"]),
        (MACRO + rule("A", "m") + rule("B", "m and t.num > 1") + rule("C", "t.str = a"), ["B < A"]),
        (rule("A", "t.str startswith ab") + rule("B", "t.str in (abc, abd)"), ["B < A"]),
        # Exceptions let through what a later rule may match.
        (
            rule("A", "t.str exists", "  exceptions: [{name: e, fields: t.num, values: [5]}]\n")
            + rule("B", "t.str = x"),
            [],
        ),
        (
            rule("A", "t.str exists", "  exceptions: [{name: e, fields: t.num, values: [5]}]\n")
            + rule("B", "t.str = x and t.num = 4"),
            ["B < A"],
        ),
        # Several values of one exception stand at one place, and are not the same.
        (
            rule(
                "A",
                "t.str exists",
                "  exceptions: [{name: e, fields: [t.str], comps: [glob], values: [['a*'], ['b*']]}]\n",
            )
            + rule("B", "t.str exists and not t.str glob 'a*'"),
            [],
        ),
        # Rules that don't run hide nothing, and are hidden by nothing.
        (rule("A", "t.str exists", "  enabled: false\n") + rule("B", "t.str = x"), []),
        (rule("A", "t.str exists") + rule("B", "t.str = x", "  enabled: false\n"), []),
        # Rules of another source see other events.
        (rule("A", "t.str exists") + rule("B", "o.str = x").replace("source: t", "source: other"), []),
        # A rule is reported once, with the first that covers it.
        (rule("A", "t.str exists") + rule("B", "t.str = x") + rule("C", "t.str = x"), ["B < A", "C < A"]),
    ],
)
def test_shadowed_rules(rules: str, expected: list[str], load_texts: Load) -> None:
    assert shadowed(load_texts(rules)) == expected


def test_where_all_rules_alert_none_is_shadowed(load_texts: Load) -> None:
    assert shadowed(load_texts(rule("A", "t.str exists") + rule("B", "t.str = x")), first=False) == []


def test_broken_rules_shadow_nothing(load_texts: Load) -> None:
    rules = rule("A", "t.str exists") + rule("B", "t.str = x") + rule("C", "t.sgr = x")
    assert shadowed(load_texts(rules)) == []


def test_a_shadowed_rule_is_shown_with_the_earlier_one(load_texts: Load) -> None:
    loaded = load_texts(rule("A", "t.str exists"), rule("B", "t.str = x"))
    (warning,) = found(loaded, Code.WARN_SHADOWED_RULE)
    assert warning.span is not None
    assert (warning.span.file.name, warning.span.position) == ("1.yaml", (1, 9))
    assert "  the earlier rule: 0.yaml:1:9" in warning.lines()


# --- appended conditions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # (line, column) in the appended text
        ((rule("A", "t.str = x and t.num > 1"), append("or t.num = 1")), [(2, 17)]),
        ((rule("A", "t.str = x"), append("and t.num = 1")), []),
        ((rule("A", "t.str = x"), append("and t.num = 1 or t.num = 2")), [(2, 31)]),
        ((rule("A", "t.str = x"), append("and (t.num = 1 or t.num = 2)")), []),
        ((rule("A", "t.str = x or t.str = y"), append("and t.num = 1")), [(2, 14)]),
        ((rule("A", "(t.str = x or t.str = y)"), append("and t.num = 1")), []),
        ((rule("A", "t.str = x or t.str = y"), append("or t.num = 1")), [(2, 17)]),
        ((rule("A", "t.str = x or t.str = y"),), []),
        # A list of alternatives grows by `or`: that is what macros are for.
        (("- macro: A\n  condition: t.str = x\n", append("or t.num = 1", "macro")), []),
        (
            ("- macro: A\n  condition: t.str = x or t.str = y\n", append("and t.num = 1", "macro")),
            [(2, 14)],
        ),
        (
            ("- macro: A\n  condition: t.str = x\n", append("and t.num = 1 or t.num = 2", "macro")),
            [(2, 31)],
        ),
    ],
)
def test_appends_that_surprise(
    texts: tuple[str, ...], expected: list[tuple[int, int]], load_texts: Load
) -> None:
    warnings = found(load_texts(*texts), Code.WARN_APPENDED_CONDITION)
    assert places(warnings) == expected
    assert all(one.span and one.span.file.name == f"{len(texts) - 1}.yaml" for one in warnings)


def test_each_append_is_looked_at(load_texts: Load) -> None:
    loaded = load_texts(rule("A", "t.str = x"), append("or t.num = 1"), append("and t.num > 3"))
    warnings = found(loaded, Code.WARN_APPENDED_CONDITION)
    assert [one.span.file.name for one in warnings if one.span] == ["1.yaml", "2.yaml"]
    assert ["`or` is appended" in warnings[0].message, "the last alternative" in warnings[1].message] == [
        True,
        True,
    ]


# --- exceptions without values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exception", "hint"),
    [
        ("{name: e, fields: t.str}", "add `values:`"),
        ("{name: e, fields: t.str, values: }", "add `values:`"),
        ("{name: e, fields: t.str, value: [x]}", "did you mean `values` instead of `value`?"),
        ("{name: e, fields: t.str, values: []}", None),
        ("{name: e, fields: t.str, values: [x]}", None),
    ],
)
def test_exceptions_without_values(exception: str, hint: str | None, load_texts: Load) -> None:
    warnings = found(
        load_texts(rule("A", "t.str exists", f"  exceptions: [{exception}]\n")), Code.WARN_EXCEPTION_NO_VALUES
    )
    assert [one.hint and one.hint.startswith(hint or "") for one in warnings] == ([True] if hint else [])


def test_values_may_come_later(load_texts: Load) -> None:
    first = rule("A", "t.str exists", "  exceptions: [{name: e, fields: t.str}]\n")
    later = "- rule: A\n  exceptions: [{name: e, values: [x]}]\n  override: {exceptions: append}\n"
    assert found(load_texts(first, later), Code.WARN_EXCEPTION_NO_VALUES) == []


def test_warnings_come_in_the_order_of_the_text(load_texts: Load) -> None:
    text = (
        rule("A", "t.str exists", "  exceptions: [{name: e, fields: t.num}]\n")
        + "- macro: unused\n  condition: t.num = 1\n"
        + rule("B", "t.str = x")
    )
    loaded = load_texts(text)
    lint(loaded, first=True)
    assert [one.code for one in loaded.diagnostics] == [
        Code.WARN_EXCEPTION_NO_VALUES,
        Code.WARN_UNUSED_MACRO,
        Code.WARN_SHADOWED_RULE,
    ]
