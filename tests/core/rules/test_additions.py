"""What `append_output` adds: to which rules, and where its mistakes are shown.

How it reads in an alert is in tests/core/test_ruleset.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.lang.diagnostics import Diagnostic
from falcocore.lang.text import SourceFile
from falcocore.rules.additions import Addition
from falcocore.rules.loader import Catalogue, LoadResult, LoadSettings, load
from tests.support.marked import unmark
from tests.support.rule_texts import codes, reasons, rule, running

Load = Callable[..., LoadResult]

RULES = rule("t.num = 1", "A", "tags: [x, y]") + rule("t.num = 2", "B", "tags: [y]") + rule("t.num = 3", "C")


def alerts(result: LoadResult) -> dict[str, tuple[str, dict[str, Any]]]:
    """Rule to (message, output fields), for events that have every field."""
    assert result.errors == []
    found = {}
    for number in (1, 2, 3):
        event = {"t.num": number, "t.str": "s", "t.str2": "s2", "t.list": ["p", "q"]}
        for one, values in result.rule_sets["t"].match(event, None):  # type: ignore[arg-type]
            found[one.name] = one.rendered(values)
    return found


def place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    """(name of the file, start, end) of what a diagnostic marks."""
    assert diagnostic.span is not None
    return diagnostic.span.file.name, diagnostic.span.start, diagnostic.span.end


# --- for which rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "names"),
    [
        ({}, {"A", "B", "C"}),
        ({"source": "t"}, {"A", "B", "C"}),
        ({"source": ""}, {"A", "B", "C"}),
        ({"source": "other"}, set()),
        ({"rule": "B"}, {"B"}),
        ({"rule": ""}, {"A", "B", "C"}),
        ({"rule": "b"}, set()),
        ({"rule": "*"}, set()),
        ({"tags": frozenset({"y"})}, {"A", "B"}),
        # A rule has to have all the tags.
        ({"tags": frozenset({"x", "y"})}, {"A"}),
        ({"tags": frozenset({"x", "z"})}, set()),
        ({"rule": "B", "tags": frozenset({"y"}), "source": "t"}, {"B"}),
        ({"rule": "B", "tags": frozenset({"x"})}, set()),
        ({"rule": "B", "source": "other"}, set()),
    ],
)
def test_addition_is_for_the_rules_that_fit_all_of_its_match(
    match: dict[str, Any], names: set[str], load_texts: Load
) -> None:
    result = load_texts(RULES, additions=(Addition(output="more", **match),))
    messages = {name: message for name, (message, _) in alerts(result).items()}
    assert messages == {name: "o more" if name in names else "o" for name in "ABC"}


def test_every_addition_that_fits_applies_in_order(load_texts: Load) -> None:
    additions = (
        Addition(output="1 %t.num", fields=("t.str",)),
        Addition(rule="B", output="2", formatted=(("k", "%t.str!"),)),
        Addition(tags=frozenset({"y"}), output="3", formatted=(("k", "other"),)),
    )
    assert alerts(load_texts(RULES, additions=additions)) == {
        "A": ("o 1 1 3", {"t.num": 1, "t.str": "s", "k": "other"}),
        "B": ("o 1 2 2 3", {"t.num": 2, "t.str": "s", "k": "other"}),
        "C": ("o 1 3", {"t.num": 3, "t.str": "s"}),
    }


@pytest.mark.parametrize(
    ("addition", "message", "fields"),
    [
        (Addition(), "o", {}),
        (Addition(output=""), "o", {}),
        (Addition(output="%t.str %tolower(t.str2)"), "o s s2", {"t.str": "s", "t.str2": "s2"}),
        # A raw field keeps its type and is not in the message; a formatted one is text.
        (Addition(fields=("t.num", "t.list")), "o", {"t.num": 1, "t.list": ["p", "q"]}),
        (Addition(formatted=(("n", "%t.num"), ("l", "%t.list"))), "o", {"n": "1", "l": "(p,q)"}),
        (Addition(formatted=(("plain", "no field"),)), "o", {"plain": "no field"}),
        (Addition(suggested=True), "o t_str2=s2", {"t.str2": "s2"}),
        (Addition(suggested=True, output="x"), "o x t_str2=s2", {"t.str2": "s2"}),
    ],
)
def test_addition_adds_to_the_message_or_to_the_fields(
    addition: Addition, message: str, fields: dict[str, Any], load_texts: Load
) -> None:
    assert alerts(load_texts(RULES, additions=(addition,)))["A"] == (message, fields)


def test_suggested_fields_are_those_of_the_rules_own_source(catalogue: Catalogue) -> None:
    both = Catalogue(catalogue.tables, frozenset({"t", "other"}))
    files = [SourceFile("f.yaml", rule("o.str = a", source="other") + rule("t.num = 1", "T"))]
    result = load(files, both, LoadSettings(additions=(Addition(suggested=True),)))
    (other,) = result.rule_sets["other"].rules
    (mine,) = result.rule_sets["t"].rules
    assert other.rendered(())[0] == "o"
    assert mine.rendered(("x",))[0] == "o t_str2=x"


# --- mistakes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "message", "hint"),
    [
        ("extra_output", "on %«t.nope»", "source t has no field `t.nope`", None),
        ("extra_output", "on %«t.nmu»", "source t has no field `t.nmu`", "did you mean `t.num`?"),
        ("extra_output", "on %«o.str»", "source t has no field `o.str`", "it is a field of source other"),
        ("extra_output", "100«%»", "is not a field", "a field or a transformer follows `%`"),
        ("extra_fields", "«t.nope»", "source t has no field `t.nope`", None),
        ("extra_fields", "«tolower(t.str)»", "is not a field", "a transformer needs a key of its own"),
        ("extra_fields.k", "is %«t.nope»", "source t has no field `t.nope`", None),
        ("extra_fields.k", "«»", "the output is empty", None),
    ],
)
def test_mistake_is_shown_in_the_entry_of_the_configuration(
    key: str, value: str, message: str, hint: str | None, load_texts: Load
) -> None:
    marked = unmark(value)
    addition = {
        "extra_output": Addition(rule="A", output=marked.text),
        "extra_fields": Addition(rule="A", fields=(marked.text,)),
        "extra_fields.k": Addition(rule="A", formatted=(("k", marked.text),)),
    }[key]
    result = load_texts(RULES, additions=(Addition(output="fine"), addition))
    (error,) = result.errors
    assert codes([error]) == ["ERR_COMPILE_OUTPUT"]
    assert message in error.message
    assert hint is None or hint in str(error.hint)
    assert error.item == 'rule "A"'
    assert place(error) == (f"append_output[1].{key}", *marked.places[0])
    assert reasons(result) == {"A": "it has errors", "B": None, "C": None}
    assert running(result) == []


def test_mistakes_of_rule_and_additions_are_reported_in_one_go(load_texts: Load) -> None:
    own = unmark(rule("t.num = 1", output="'%«t.a» %«t.b»'"))
    additions = (
        Addition(output="%t.c", fields=("t.d", "t.e")),
        Addition(formatted=(("k", "%t.f"), ("l", "%t.g"))),
    )
    result = load_texts(own.text, additions=additions)
    assert {place(error) for error in result.errors} == {
        *(("0.yaml", start, end) for start, end in own.places),
        ("append_output[0].extra_output", 1, 4),
        ("append_output[0].extra_fields", 0, 3),  # of both entries
        ("append_output[1].extra_fields.k", 1, 4),
        ("append_output[1].extra_fields.l", 1, 4),
    }
    assert len(result.errors) == 7


def test_mistake_for_many_rules_is_reported_once(load_texts: Load) -> None:
    result = load_texts(RULES, additions=(Addition(output="%t.nope"),))
    assert len(result.errors) == 1
    assert set(reasons(result).values()) == {"it has errors"}


def test_addition_with_a_mistake_that_is_for_no_rule_does_no_harm(load_texts: Load) -> None:
    result = load_texts(RULES, additions=(Addition(rule="Z", output="%t.nope"),))
    assert running(result) == ["A", "B", "C"]


def test_skip_if_unknown_filter_forgives_a_field_that_is_added(load_texts: Load) -> None:
    text = rule("t.num = 1", "A", "skip-if-unknown-filter: true")
    result = load_texts(text, additions=(Addition(output="%t.nope"),))
    assert codes(result.diagnostics) == ["UNKNOWN_FILTER"]
