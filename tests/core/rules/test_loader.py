"""From files to rule sets: what runs, what is said about the rest, and how far a mistake reaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, LoadResult, load
from falcocore.rules.selection import Selection
from falcocore.types import Priority
from tests.support.marked import unmark
from tests.support.rule_texts import codes, reasons, rule, running

Load = Callable[..., LoadResult]

SKIP = "skip-if-unknown-filter: true"


def matching(result: LoadResult, event: dict[str, Any]) -> list[str]:
    """The names of the rules that match an event of source t."""
    return [found.name for found, _ in result.rule_sets["t"].match(event, None)]  # type: ignore[arg-type]


def places(result: LoadResult) -> set[tuple[str, int]]:
    """File and offset of everything that was said."""
    return {(d.span.file.name, d.span.start) for d in result.diagnostics if d.span}


# --- one rule set for each source -----------------------------------------------------------------------


def test_each_running_source_has_a_rule_set_with_its_rules_of_all_files(catalogue: Catalogue) -> None:
    both = Catalogue(catalogue.tables, frozenset({"t", "other"}))
    texts = (
        rule("t.str = a", "A") + rule("o.str = a", "O", source="other"),
        rule("t.str = b", "B"),
    )
    result = load([SourceFile(f"{n}.yaml", text) for n, text in enumerate(texts)], both, generation=7)
    assert result.diagnostics == []
    assert {source: [r.name for r in rules.rules] for source, rules in result.rule_sets.items()} == {
        "t": ["A", "B"],
        "other": ["O"],
    }
    assert {(s.source, s.generation) for s in result.rule_sets.values()} == {("t", 7), ("other", 7)}


@pytest.mark.parametrize("texts", [(), ("",), ("# nothing\n",), ("[]\n", "---\n---\n")])
def test_files_without_rules_make_an_empty_rule_set(texts: tuple[str, ...], load_texts: Load) -> None:
    result = load_texts(*texts)
    assert (result.diagnostics, result.rules, running(result)) == ([], [], [])
    assert matching(result, {"t.str": "a"}) == []


@pytest.mark.parametrize(("first", "names"), [(True, ["A"]), (False, ["A", "C"])])
def test_first_or_all_matching_rules_fire(first: bool, names: list[str], load_texts: Load) -> None:
    result = load_texts(rule("t.str = a", "A") + rule("t.str = b", "B") + rule("t.num = 1", "C"), first=first)
    assert matching(result, {"t.str": "a", "t.num": 1}) == names
    assert matching(result, {"t.num": 1}) == ["C"]


@pytest.mark.parametrize("broken", ["t.nope = 1", "(", "nope", "t.num = x"])
def test_no_rule_is_usable_where_any_has_an_error(broken: str, load_texts: Load) -> None:
    """A set that lacks a rule without a word would look as if it detected what it does not."""
    result = load_texts(rule("t.str = a", "Good") + rule(f"'{broken}'", "Bad"))
    assert result.errors
    assert running(result) == []
    assert matching(result, {"t.str": "a"}) == []
    assert reasons(result) == {"Good": None, "Bad": "it has errors"}


# --- what does not run, and why -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "settings", "reason"),
    [
        (rule("t.str = a"), {}, None),
        (rule("t.str = a", "A", "enabled: false"), {}, "its rule file says `enabled: false`"),
        (rule("o.str = a", source="other"), {}, "source other is not running"),
        (rule("x.y = a", source="nope"), {}, "source nope is not installed"),
        (rule("t.nope = a", "A", SKIP), {}, "no plugin offers t.nope (skip-if-unknown-filter)"),
        (rule("t.str = a"), {"least_priority": Priority.INFORMATIONAL}, None),
        (
            rule("t.str = a"),
            {"least_priority": Priority.NOTICE},
            "its priority Informational is less severe than `priority: notice`",
        ),
        (
            rule("t.str = a"),
            {"selections": (Selection(False, rule="A"),)},
            "the configuration's `rules` say disable {rule: A}",
        ),
    ],
)
def test_rule_that_does_not_run_is_listed_with_the_reason(
    item: str, settings: dict[str, Any], reason: str | None, load_texts: Load
) -> None:
    result = load_texts(item + rule("t.str = a", "Z").replace("INFO", "ERROR"), **settings)
    assert result.errors == []
    assert reasons(result) == {"A": reason, "Z": None}
    assert running(result) == (["Z"] if reason else ["A", "Z"])


@pytest.mark.parametrize(
    ("item", "settings"),
    [
        (rule("«t.nope» = 1", "A", "enabled: false"), {}),
        (rule("«t.nope» = 1"), {"least_priority": Priority.ERROR}),
        (rule("«t.nope» = 1"), {"selections": (Selection(False, rule="*"),)}),
        (rule("«o.nope» = 1", source="other"), {}),
    ],
)
def test_rule_that_would_not_run_is_checked_all_the_same(
    item: str, settings: dict[str, Any], load_texts: Load
) -> None:
    marked = unmark(item)
    result = load_texts(marked.text, **settings)
    assert codes(result.diagnostics) == ["ERR_COMPILE_CONDITION"]
    assert places(result) == {("0.yaml", marked.places[0][0])}


def test_source_that_is_not_installed_is_said_once_for_each_file(load_texts: Load) -> None:
    result = load_texts(
        rule("x.y = 1", "X", source="nope") + rule("x.z = 1", "Y", source="nope"),
        rule("x.y = 2", "Z", source="nope"),
        rule("v.w = 1", "V", source="none"),
    )
    assert {d.span.file.name: d.message for d in result.diagnostics if d.span} == {
        "0.yaml": "source `nope` is not installed: 2 rules are left out",
        "1.yaml": "source `nope` is not installed: rule `Z` is left out",
        "2.yaml": "source `none` is not installed: rule `V` is left out",
    }
    assert codes(result.diagnostics) == ["UNKNOWN_SOURCE"] * 3


# --- skip-if-unknown-filter -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "fields"),
    [
        (rule("t.nope = 1", "A", SKIP), "t.nope"),
        (rule("t.str = a and not (t.b = 1 or t.a exists)", "A", SKIP), "t.a, t.b"),
        (rule("t.str = a", "A", SKIP, output="'%t.nope'"), "t.nope"),
        (rule("m", "A", SKIP) + "- macro: m\n  condition: t.nope = 1\n", "t.nope"),
        (rule("t.str = val(t.nope)", "A", SKIP), "t.nope"),
    ],
)
def test_rule_with_unknown_fields_is_left_out_with_a_warning_where_it_says_so(
    item: str, fields: str, load_texts: Load
) -> None:
    result = load_texts(item + rule("t.str = a", "Z"))
    assert codes(result.diagnostics) == ["UNKNOWN_FILTER"]
    assert fields in result.diagnostics[0].message
    assert result.diagnostics[0].item == 'rule "A"'
    assert running(result) == ["Z"]


@pytest.mark.parametrize(
    "item",
    [
        rule("t.nope = 1"),
        rule("t.nope = 1", "A", "skip-if-unknown-filter: false"),
        # Another mistake beside the unknown field is not forgiven.
        rule("t.nope = 1 and t.num = x", "A", SKIP),
        rule("t.num = x", "A", SKIP),
        rule("t.nope = 1 and nope", "A", SKIP),
    ],
)
def test_nothing_else_is_forgiven(item: str, load_texts: Load) -> None:
    result = load_texts(item)
    assert result.errors
    assert "UNKNOWN_FILTER" not in codes(result.diagnostics)


def test_warn_evttypes_is_taken_without_a_word(load_texts: Load) -> None:
    result = load_texts(rule("t.str = a", "A", "warn_evttypes: false"))
    assert result.diagnostics == []
    assert [loaded.definition.warn_evttypes for loaded in result.rules] == [False]


# --- everything in one go -------------------------------------------------------------------------------


def test_mistakes_of_all_items_and_files_are_reported_in_one_go(load_texts: Load) -> None:
    texts = [
        "- macro: «m»\n- list: l\n  items: «a»\n"
        + rule("«t.a» = 1 and t.num = «x» and «nope»", "A", output="'%«t.b» and %«t.c»'")
        + rule("t.str = a", "B").replace("INFO", "«BAD»"),
        rule("t.str «is» a", "C") + "- «abc»\n- macro: n\n  condition: t.str = «)»\n",
    ]
    marked = [unmark(text) for text in texts]
    result = load_texts(*(one.text for one in marked))
    assert places(result) == {(f"{n}.yaml", start) for n, one in enumerate(marked) for start, _ in one.places}


@pytest.mark.parametrize(
    "neighbour",
    [
        "- rule: X\n",
        "- macro: 5 6\n",
        "- abc\n",
        rule("(", "X").replace("(", "'('"),
        rule("t.str = a", "X").replace("INFO", "BAD"),
        rule("t.str = a", "X", "exceptions: [{name: e, fields: t.nope, values: [a]}]"),
    ],
)
def test_broken_item_leaves_its_neighbours_as_they_are(neighbour: str, load_texts: Load) -> None:
    before, after = rule("t.str = a", "Before"), rule("m", "After")
    result = load_texts("- macro: m\n  condition: t.num = 1\n" + before + neighbour + after)
    found = reasons(result)
    assert len(result.errors) == 1
    assert (found["Before"], found["After"]) == (None, None)
    assert found.get("X", "it has errors") == "it has errors"


@pytest.mark.parametrize("condition", ["''", "t.str =", "t.str = a and later"])
def test_use_of_a_broken_macro_is_no_further_mistake(condition: str, load_texts: Load) -> None:
    macros = f"- macro: m\n  condition: {condition}\n- macro: later\n  condition: t.num = 1\n"
    result = load_texts(macros + rule("m", "A") + rule("m or later", "B"))
    assert len(result.diagnostics) == len(result.errors) == 1
    assert result.errors[0].item in {'macro "m"', None}
    assert reasons(result) == {"A": "it has errors", "B": "it has errors"}
