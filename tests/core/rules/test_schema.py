"""The strict check of shape that is reported as `schema_valid` (rules-language, section 7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from falcocore.lang.text import SourceFile
from falcocore.rules.loader import LoadResult
from falcocore.rules.schema import schema_problems

Load = Callable[..., LoadResult]

RULE = "- rule: A\n  condition: t.str = a\n  desc: d\n  output: o\n  source: t\n  priority: INFO\n"


def problems(text: str) -> list[str] | None:
    return schema_problems(SourceFile("f.yaml", text))


def with_line(line: str) -> str:
    """A rule with one more line, which is line 7 of the file."""
    return f"{RULE}  {line}\n"


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        RULE,
        "- list: l\n  items: []",
        "- list: l\n  items: [a, 5, 'b c']\n  append: true",
        "- list: l\n  items: [a]\n  override: {items: append}",
        "- macro: m\n  condition: t.num = 1\n  override: {condition: replace}",
        "- required_engine_version: 31",
        "- required_engine_version: 0.31.0",
        "- required_plugin_versions:\n  - name: a\n    version: 1.0.0\n    alternatives:\n"
        "    - {name: b, version: 1.0.0}",
        with_line("enabled: true"),
        with_line("tags: [a, 5]"),
        with_line("warn_evttypes: false"),
        with_line("skip-if-unknown-filter: true"),
        with_line("capture: true\n  capture_duration: 5000"),
        with_line("exceptions: []"),
        with_line("exceptions: [{name: e, fields: a, comps: in, values: [x]}, {name: f}]"),
        with_line("override: {condition: append, desc: replace}"),
        RULE + "---\n" + RULE,
    ],
)
def test_file_of_the_right_shape_has_no_problems(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize("text", ["", "\n", "# a comment\n", "---\n", "---\n---\n", "a: [", "- 'a"])
def test_there_is_nothing_to_check_where_the_file_is_empty_or_no_yaml(text: str) -> None:
    assert problems(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        # the file and its items
        ("a: 1", "line 1: a list of items is wanted"),
        ("abc", "line 1: a list of items is wanted"),
        ("- list: l\n  items: []\n- abc", "line 3: an item is a mapping"),
        ("- foo: 1", "line 1: unknown key foo"),
        (RULE + "---\n- lst: k", "line 8: unknown key lst"),
        # keys
        (with_line("foo: 1"), "line 7: unknown key foo"),
        (with_line("items: [a]"), "line 7: unknown key items"),
        ("- macro: m\n  condition: c\n  source: t", "line 3: unknown key source"),
        ("- list: l\n  items: []\n  condition: c", "line 3: unknown key condition"),
        ("- required_engine_version: 5\n  desc: d", "line 2: unknown key desc"),
        # values
        ("- list: l\n  items: a", "line 2: items is a list"),
        ("- list: l\n  items: [a, [b]]", "line 2: entries of items are texts"),
        ("- list: l\n  items: [a, {b: c}]", "line 2: entries of items are texts"),
        ("- list: [l]\n  items: []", "line 1: list is a text"),
        ("- macro: m\n  condition: [c]", "line 2: condition is a text"),
        (with_line("tags: x"), "line 7: tags is a list"),
        (with_line("tags: [{a: b}]"), "line 7: entries of tags are texts"),
        (with_line("enabled: yes"), "line 7: enabled is true or false"),
        (with_line("enabled: True"), "line 7: enabled is true or false"),
        (with_line("enabled: 'true'"), "line 7: enabled is true or false"),
        (with_line("warn_evttypes: 0"), "line 7: warn_evttypes is true or false"),
        (with_line("skip-if-unknown-filter: off"), "line 7: skip-if-unknown-filter is true or false"),
        (with_line("capture: []"), "line 7: capture is true or false"),
        (with_line("capture_duration: 5s"), "line 7: capture_duration is a whole number"),
        (with_line("capture_duration: 1.5"), "line 7: capture_duration is a whole number"),
        ("- list: l\n  items: []\n  append: yes", "line 3: append is true or false"),
        # override
        (with_line("override: {}"), "line 7: override has one entry or more"),
        (with_line("override: append"), "line 7: override has one entry or more"),
        (with_line("override: {condition: prepend}"), "line 7: override.condition is append or replace"),
        (with_line("override: {condition: [append]}"), "line 7: override.condition is append or replace"),
        # exceptions
        (with_line("exceptions: x"), "line 7: an exception is a mapping"),
        (with_line("exceptions: [x]"), "line 7: an exception is a mapping"),
        (with_line("exceptions: [{fields: a}]"), "line 7: an exception has a name"),
        (with_line("exceptions: [{name: e, value: [a]}]"), "line 7: unknown key value in an exception"),
        (
            with_line("exceptions:\n  - name: e\n    fields: a\n    comp: in"),
            "line 10: unknown key comp in an exception",
        ),
    ],
)
def test_problem_is_told_with_its_line(text: str, problem: str) -> None:
    found = problems(text)
    assert found is not None
    assert len(found) == 1
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    ("word", "is_valid"),
    [
        ("EMERGENCY", True),
        ("ALERT", True),
        ("CRITICAL", True),
        ("ERROR", True),
        ("WARNING", True),
        ("NOTICE", True),
        ("INFORMATIONAL", True),
        ("INFO", True),
        ("DEBUG", True),
        ("debug", False),
        ("Warning", False),
        ("WARN", False),
        ("INFORM", False),
        ("'DEBUG '", False),
        ("[DEBUG]", False),
        ("", False),
    ],
)
def test_priority_is_a_word_in_upper_case(word: str, is_valid: bool) -> None:
    found = problems(RULE.replace("INFO", word))
    assert [line.partition(" is one of")[0] for line in found or []] == (
        [] if is_valid else ["line 6: priority"]
    )


def test_all_problems_of_all_documents_are_told() -> None:
    text = (
        with_line("a: 1\n  enabled: x\n  exceptions: [{value: x}]") + "- foo: 1\n---\n- list: l\n  items: x\n"
    )
    lines = [problem.partition(":")[0] for problem in problems(text) or []]
    assert sorted(lines) == ["line 10", "line 13", "line 7", "line 8", "line 9", "line 9"]


@pytest.mark.parametrize(
    "text",
    [
        RULE.replace("INFO", "info"),
        with_line("enabled: yes"),
        with_line("foo: 1"),
        with_line("exceptions: [{name: e, fields: t.num, foo: 1}]"),
    ],
)
def test_schema_is_stricter_than_loading(text: str, load_texts: Load) -> None:
    result = load_texts(text)
    assert problems(text)
    assert result.errors == []
    assert len(result.rule_sets["t"].rules) == 1
