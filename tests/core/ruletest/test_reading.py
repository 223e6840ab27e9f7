"""Test files read: what they mean, and each mistake at its place."""

from __future__ import annotations

import pytest

from falcocore.lang.text import SourceFile
from falcocore.ruletest.model import Expected, Given
from falcocore.ruletest.reading import ReadFile, read_case_file

HEAD = "source: demo\n"
GIVEN = "    events: [{event: x}]\n"
GOOD = f"{HEAD}cases:\n  - name: a\n{GIVEN}    expect: none\n"


def read(text: str) -> ReadFile:
    return read_case_file(SourceFile("f.test.yaml", text))


def test_a_file_is_read_with_its_defaults() -> None:
    found = read(GOOD)
    assert found.diagnostics == []
    (placed,) = found.cases
    assert placed.span.position == (3, 11)
    assert (placed.case.name, placed.case.events, placed.case.expect) == ("a", [Given(event="x")], "none")
    assert (placed.case.only, found.content.rules, found.content.rule_matching) == ([], [], "first")


def test_everything_that_can_be_said() -> None:
    text = """\
rules: [pack:demo, a.yaml]
rule_matching: all
bases:
  x: {event: {k: 1}}
  y: {base: x, set: {/k: 2}, remove: [/k]}
uncovered:
  - {rule: R, check: a = b, outcome: true, reason: why not}
cases:
  - name: a
    source: demo
    only: [R]
    events: [{base: y, set: {/k/-: [1]}}, {file: e.json}]
    expect: [R, {rule: S, count: 2, fields: {f: null}}]
"""
    found = read(text)
    assert found.diagnostics == []
    assert found.cases[0].case.expect == ["R", Expected("S", 2, {"f": None})]
    assert found.content.bases["y"] == Given(base="x", set={"/k": 2}, remove=["/k"])


NO_EXPECT = f"{HEAD}cases:\n  - name: a\n{GIVEN}"


def given(changed: str, more: str = "") -> str:
    return GOOD.replace("event: x", changed) + more


@pytest.mark.parametrize(
    ("text", "position", "message", "hint"),
    [
        ("cases: [", (1, 9), "this is not YAML", None),
        ("- rule: x\n", (1, 1), "a test file is a map with `cases`", "this looks like a rule file"),
        ("", (1, 1), "a test file is a map with `cases`", None),
        ("source: x\n", (1, 1), "`cases` is missing", None),
        ("cases: 3\n", (1, 8), "expected a list, got a whole number", None),
        (f"{GOOD}sorce: x\n", (6, 1), "`sorce` is no key here", "did you mean `source`?"),
        (f"{GOOD}    only: R\n", (6, 11), "expected a list, got a text", None),
        (f"{GOOD}    evnts: []\n", (6, 5), "`evnts` is no key here", "did you mean `events`?"),
        (NO_EXPECT, (3, 5), "`expect` is missing", None),
        (f"{NO_EXPECT}    expect:\n", (5, 12), "expected a text or a list, got nothing", None),
        (f"{NO_EXPECT}    expect: nothing\n", (5, 13), "invalid enum value 'nothing'", None),
        (f"{NO_EXPECT}    expect: [{{rul: R}}]\n", (5, 15), "`rul` is no key", "did you mean `rule`?"),
        (f"{GOOD}source: y\n", (6, 1), "`source` is given twice", None),
        (f"{GOOD}rule_matching: both\n", (6, 16), "invalid enum value 'both'", None),
        (GOOD + GOOD.partition("cases:\n")[2], (6, 11), "there is a case of that name already", None),
        (GOOD.removeprefix(HEAD), (2, 11), "the case has no source", "add `source:`"),
        (GOOD.replace("[{event: x}]", "[]"), (4, 13), "expected a list of length", None),
        (given("event: x, file: y"), (4, 14), "an event is given by one of", None),
        (given("set: {/a: 1}"), (4, 14), "an event is given by one of", None),
        (given("file: x, remove: [/a]"), (4, 14), "events of a file can't be changed", "under `bases`"),
        (given("base: x"), (4, 14), "there is no base `x`", None),
        (given("base: xy", "bases: {xyz: {event: 1}}\n"), (4, 14), "there is no base `xy`", "`xyz`"),
        (given("event: x, set: {a: 1}"), (4, 14), "`a` is no JSON pointer", None),
        (given("event: x, remove: [/a~2]"), (4, 14), "`/a~2` is no JSON pointer", None),
        (
            f"{GOOD}bases: {{a: {{base: b}}, b: {{base: a}}}}\n",
            (6, 12),
            "base `a` begins with itself: a -> b -> a",
            None,
        ),
        (f"{GOOD}bases: {{a: {{event: 1, evnt: 2}}}}\n", (6, 8), "`evnt` is no key", "mean `event`?"),
        (f"{GOOD}uncovered: [{{rule: R}}]\n", (6, 13), "`reason` is missing", None),
    ],
)
def test_a_mistake_is_told_at_its_place(
    text: str, position: tuple[int, int], message: str, hint: str | None
) -> None:
    said = read(text).diagnostics[0]
    assert said.span is not None
    assert (said.message[: len(message)], said.span.position) == (message, position)
    assert said.hint is None if hint is None else hint in str(said.hint)


def test_each_case_may_have_a_mistake() -> None:
    bad = "  - name: b\n    events: 3\n    expect: none\n"
    assert len(read(f"{GOOD}{bad}{bad}").diagnostics) == 2
