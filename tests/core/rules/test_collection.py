"""Items of all files merged: definitions, `append`, `override`, their order and what can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.rules.collection import RuleDefinition
from falcocore.rules.loader import LoadResult
from falcocore.types import Priority
from tests.support.marked import unmark
from tests.support.rule_texts import codes, reasons, rule, running

Load = Callable[..., LoadResult]

BAD = "ERR_VALIDATE"
EXCEPTIONS = "- rule: A\n  exceptions: ["
APPENDED, REPLACED = "]\n  override: {exceptions: append}", "]\n  override: {exceptions: replace}"
A = """\
- rule: A
  desc: d
  condition: t.str = a
  output: o
  priority: INFO
  source: t
  tags: [x, n]
  exceptions:
  - name: e
    fields: t.str
    values: [v]
"""


def definition(result: LoadResult, name: str = "A") -> RuleDefinition:
    return next(loaded.definition for loaded in result.rules if loaded.definition.name == name)


def facts(found: RuleDefinition) -> dict[str, Any]:
    """What an item can set, as plain values."""
    return {
        "condition": found.condition.value,
        "output": found.output.value,
        "desc": found.desc.value,
        "priority": found.priority,
        "tags": list(found.tags),
        "exceptions": {e.name: [str(getattr(v, "value", "")) for v in e.values] for e in found.exceptions},
        "enabled": found.enabled,
        "warn_evttypes": found.warn_evttypes,
        "skip": found.skip_if_unknown,
        "capture": found.capture,
        "capture_duration": found.capture_duration_ms,
    }


AS_DEFINED = {
    "condition": "t.str = a",
    "output": "o",
    "desc": "d",
    "priority": Priority.INFORMATIONAL,
    "tags": ["n", "x"],
    "exceptions": {"e": ["v"]},
    "enabled": True,
    "warn_evttypes": True,
    "skip": False,
    "capture": False,
    "capture_duration": 0,
}


@pytest.mark.parametrize(
    ("change", "facts_changed"),
    [
        ("condition: and t.num = 1\n  append: true", {"condition": "t.str = a and t.num = 1"}),
        (
            "condition: and t.num = 1\n  desc: not used\n  tags: [no]\n  priority: ERROR\n  append: true",
            {"condition": "t.str = a and t.num = 1"},
        ),
        ("exceptions: [{name: e, values: [w]}]\n  append: true", {"exceptions": {"e": ["v", "w"]}}),
        (
            "condition: and t.num = 1\n  override: {condition: append}",
            {"condition": "t.str = a and t.num = 1"},
        ),
        ("condition: t.num = 1\n  override: {condition: replace}", {"condition": "t.num = 1"}),
        ("output: more\n  override: {output: append}", {"output": "o more"}),
        ("output: ' other '\n  override: {output: replace}", {"output": "other"}),
        ("desc: more\n  override: {desc: append}", {"desc": "d more"}),
        ("desc: other\n  override: {desc: replace}", {"desc": "other"}),
        ("tags: [a, x]\n  override: {tags: append}", {"tags": ["a", "n", "x"]}),
        ("tags: [z, a, z]\n  override: {tags: replace}", {"tags": ["a", "z"]}),
        ("tags: []\n  override: {tags: replace}", {"tags": []}),
        ("priority: error\n  override: {priority: replace}", {"priority": Priority.ERROR}),
        ("enabled: false\n  override: {enabled: replace}", {"enabled": False}),
        ("warn_evttypes: false\n  override: {warn_evttypes: replace}", {"warn_evttypes": False}),
        ("skip-if-unknown-filter: true\n  override: {skip-if-unknown-filter: replace}", {"skip": True}),
        (
            "capture: true\n  capture_duration: 7\n  override: {capture: replace, capture_duration: replace}",
            {"capture": True, "capture_duration": 7},
        ),
        (
            "exceptions: [{name: e, values: [w]}]\n  override: {exceptions: append}",
            {"exceptions": {"e": ["v", "w"]}},
        ),
        (
            "exceptions: [{name: f, fields: t.str2, values: [w]}]\n  override: {exceptions: append}",
            {"exceptions": {"e": ["v"], "f": ["w"]}},
        ),
        (
            "exceptions: [{name: f, fields: t.str2, values: [w]}]\n  override: {exceptions: replace}",
            {"exceptions": {"f": ["w"]}},
        ),
        ("exceptions: []\n  override: {exceptions: replace}", {"exceptions": {}}),
        (
            "condition: and t.num = 1\n  output: other\n  tags: [m]\n  desc: more\n  enabled: false\n"
            "  override: {condition: append, output: replace, tags: append, desc: append, enabled: replace}",
            {
                "condition": "t.str = a and t.num = 1",
                "output": "other",
                "tags": ["m", "n", "x"],
                "desc": "d more",
                "enabled": False,
            },
        ),
        ("enabled: false", {"enabled": False}),
        ("enabled: false\n  tags: [unused]", {"enabled": False}),
    ],
)
@pytest.mark.parametrize("files", [1, 2])
def test_rule_is_changed_as_its_later_item_says(
    change: str, facts_changed: dict[str, Any], files: int, load_texts: Load
) -> None:
    later = f"- rule: A\n  {change}\n"
    result = load_texts(A, later) if files == 2 else load_texts(A + later)
    assert result.errors == []
    assert facts(definition(result)) == {**AS_DEFINED, **facts_changed}


def test_second_definition_replaces_the_whole_rule(load_texts: Load) -> None:
    result = load_texts(A.replace("o\n", "o\n  enabled: false\n  capture: true\n"), rule("t.num = 1"))
    assert facts(definition(result)) == {**AS_DEFINED, "condition": "t.num = 1", "tags": [], "exceptions": {}}


def test_rules_keep_the_order_of_their_first_definition(load_texts: Load) -> None:
    again = rule("t.str = z", "B") + rule("t.num = 1", "D")
    change = "- rule: A\n  condition: or t.num = 2\n  override: {condition: append}\n"
    first = rule("t.str = a", "A") + rule("t.str = b", "B") + rule("t.str = c", "C")
    result = load_texts(first, again + change)
    assert running(result) == ["A", "B", "C", "D"]


def test_list_and_macro_are_extended_and_replaced(load_texts: Load) -> None:
    base = (
        "- list: l\n  items: [a]\n- macro: m\n  condition: t.str in (l)\n"
        "- list: k\n  items: [x, y]\n- macro: n\n  condition: t.str in (k)\n"
    )
    result = load_texts(
        base + rule("m or n"),
        "- list: l\n  items: [b]\n  override: {items: append}\n- list: k\n  items: [z]\n"
        "- macro: m\n  condition: and t.num = 1\n  override: {condition: append}\n",
        "- list: l\n  items: [c]\n  append: true\n- macro: n\n  condition: or t.num = 9\n  append: true\n",
        "- list: k\n  items: [w]\n  override: {items: replace}\n",
    )
    assert result.errors == []
    match = result.rule_sets["t"].match
    events: dict[str, dict[str, Any]] = {
        "a1": {"t.str": "a", "t.num": 1},
        "b1": {"t.str": "b", "t.num": 1},
        "c1": {"t.str": "c", "t.num": 1},
        "c2": {"t.str": "c", "t.num": 2},
        "x": {"t.str": "x"},
        "z": {"t.str": "z"},
        "w": {"t.str": "w"},
        "9": {"t.num": 9},
    }
    matching = [name for name, event in events.items() if match(event, None)]  # type: ignore[arg-type]
    assert matching == ["a1", "b1", "c1", "w", "9"]


@pytest.mark.parametrize(
    ("item", "code", "message", "hint"),
    [
        (
            "- list: «lisst»\n  items: [a]\n  append: true",
            BAD,
            "no list",
            "did you mean `list1`?",
        ),
        (
            "- list: «zz»\n  items: [a]\n  override: {items: append}",
            BAD,
            'no list "zz" to append to',
            "files are read in the order they are given",
        ),
        ("- macro: «zz»\n  condition: or m\n  append: true", BAD, 'no macro "zz"', "define it first"),
        (
            "- macro: «zz»\n  condition: or m\n  override: {condition: append}",
            BAD,
            'no macro "zz"',
            "define it first",
        ),
        ("- rule: «zz»\n  condition: or m\n  append: true", BAD, 'no rule "zz"', "define it first"),
        (
            "- rule: «zz»\n  condition: m\n  override: {condition: replace}",
            BAD,
            'there is no rule "zz" to change',
            "define it first",
        ),
        ("- rule: «zz»\n  enabled: true", BAD, 'there is no rule "zz" to change', "define it first"),
        ("- rule: «A»\n  append: true", BAD, 'rule "A" appends nothing', "goes with `override`"),
        ("- rule: «A»\n  tags: [x]\n  append: true", BAD, "appends nothing", "with `override`"),
        (
            "- rule: «A»\n  desc: d\n  condition: t.str = a\n  output: o\n  priority: INFO",
            BAD,
            'rule "A" has source syscall here, and t where it was defined first',
            "without `source:` it is syscall",
        ),
        (rule("o.str = a", "«A»", source="other"), BAD, "has source other here", "another name"),
        (
            EXCEPTIONS + "{name: «e», fields: t.str, values: [w]}" + APPENDED,
            BAD,
            "an append gives no `fields` or `comps`",
            "use another name",
        ),
        (
            EXCEPTIONS + "{name: «e», comps: in, values: [w]}" + APPENDED,
            BAD,
            "an append gives no `fields` or `comps`",
            "use another name",
        ),
        (
            EXCEPTIONS + "{name: «ee», values: [w]}" + APPENDED,
            BAD,
            'rule "A" has no exception `ee` to append to',
            "did you mean the exception `e`?",
        ),
        (
            EXCEPTIONS + "{name: «other», fields: t.str}" + APPENDED,
            BAD,
            "no exception `other`",
            "a new one needs `fields` and `values`",
        ),
        (
            EXCEPTIONS + "{name: «e»}" + APPENDED,
            "APPEND_NO_VALUES",
            "nothing is appended",
            "add `values:`",
        ),
        (
            EXCEPTIONS + "{name: «e», value: [w]}" + APPENDED,
            "APPEND_NO_VALUES",
            "nothing is appended",
            "did you mean `values` instead of `value`?",
        ),
        (
            EXCEPTIONS + "{name: «f», values: [w]}" + REPLACED,
            "ERR_YAML_VALIDATE",
            "exception `f` has no `fields`",
            "add `fields:`",
        ),
        (
            rule("t.str = a", "B", "exceptions: [{name: e, fields: t.str}, {name: «e», fields: t.str2}]"),
            "EXCEPTION_NAME_NOT_UNIQUE",
            "exception `e` is there twice",
            "another name",
        ),
    ],
)
def test_item_that_does_not_fit_is_reported_at_its_name(
    item: str, code: str, message: str, hint: str, load_texts: Load
) -> None:
    marked = unmark(item)
    base = A + rule("m and t.str in (list1)", "M") + "- list: list1\n  items: [a]\n"
    result = load_texts("- macro: m\n  condition: t.num = 1\n" + base, marked.text)
    (diagnostic,) = (d for d in result.diagnostics if codes([d]) != ["DEPRECATED_ITEM"])
    assert codes([diagnostic]) == [code]
    assert message in diagnostic.message
    assert hint in str(diagnostic.hint)
    assert diagnostic.span is not None
    assert (diagnostic.span.file.name, diagnostic.span.start) == ("1.yaml", marked.places[0][0])


def test_rule_with_another_source_is_shown_with_the_place_of_the_first(load_texts: Load) -> None:
    (error,) = load_texts(A, rule("o.str = a", source="other")).errors
    assert "defined first: 0.yaml:1:9" in str(error)


def test_list_and_macro_may_be_replaced_where_there_is_none(load_texts: Load) -> None:
    result = load_texts(
        "- list: l\n  items: [a]\n  override: {items: replace}\n"
        "- macro: m\n  condition: t.str in (l)\n  override: {condition: replace}\n" + rule("m")
    )
    assert result.diagnostics == []


def test_rule_of_a_source_that_is_not_there_can_be_changed_and_stays_left_out(load_texts: Load) -> None:
    result = load_texts(
        rule("q.w = 1", "Q", source="zzz"),
        "- rule: Q\n  condition: and q.e = 2\n  override: {condition: append}\n- rule: Q\n  enabled: true\n",
    )
    assert result.errors == []
    assert reasons(result) == {"Q": "source zzz is not installed"}


@pytest.mark.parametrize(
    "text",
    [
        rule("t.str = a").replace("INFO", "BAD") + "- rule: A\n  condition: or t.num = 1\n  append: true\n",
        "- macro: m\n" + rule("m") + "- macro: m\n  condition: or t.num = 1\n  append: true\n",
        "- list: l\n- list: l\n  items: [a]\n  append: true\n",
    ],
)
def test_item_that_could_not_be_read_makes_no_further_errors(text: str, load_texts: Load) -> None:
    assert codes(load_texts(text).errors) == ["ERR_YAML_VALIDATE"]


def test_rule_is_left_as_it_was_by_an_item_that_is_wrong(load_texts: Load) -> None:
    result = load_texts(A, "- rule: A\n  condition: t.num = 1\n  desc: x\n  override: {condition: replace}\n")
    assert codes(result.errors) == ["ERR_YAML_VALIDATE"]
    assert facts(definition(result)) == AS_DEFINED


@pytest.mark.parametrize(
    "lines",
    [
        ["desc: d", "output: o", "priority: WARN"],
        ["desc: d", "output: [o]", "priority: INFO"],
        ["desc: d", "output: o", "priority: INFO", "enabled: perhaps"],
        ["desc: d", "output: o", "priority: INFO", "exceptions: x"],
        ["output: o"],
    ],
)
def test_rest_of_a_rule_with_a_wrong_or_missing_value_is_checked(lines: list[str], load_texts: Load) -> None:
    text = "\n  ".join(["- rule: A", "condition: t.str = a and t.nope = 1", "source: t", *lines])
    result = load_texts(text)
    assert any("no field `t.nope`" in error.message for error in result.errors)
    assert {error.code.value for error in result.errors} >= {"LOAD_ERR_YAML_VALIDATE"}
    assert reasons(result) == {"A": "it has errors"}


def test_diagnostics_come_in_the_order_of_files_and_lines(load_texts: Load) -> None:
    result = load_texts(
        rule("t.a = 1", output="'%t.b'"),
        "- macro: m\n  condition: )\n" + rule("t.c = 1", "C").replace("INFO", "X"),
    )
    places = [(error.span.file.name, error.span.start) for error in result.errors if error.span]
    assert len(places) == len(result.errors) == 5
    assert places == sorted(places)
