"""Which macros and lists a condition sees: their order, lists in lists, cycles, and what nothing uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.rules.loader import LoadResult
from falcocore.rules.scope import MAX_LIST_ITEMS, dependency_order
from tests.support.marked import unmark
from tests.support.rule_texts import codes, rule

Load = Callable[..., LoadResult]


def macro(name: str, condition: str, *more: str) -> str:
    return "\n  ".join([f"- macro: {name}", f"condition: {condition}", *more]) + "\n"


def items(name: str, values: str, *more: str) -> str:
    return "\n  ".join([f"- list: {name}", f"items: [{values}]", *more]) + "\n"


def fires(result: LoadResult, event: dict[str, Any]) -> bool:
    assert result.errors == []
    return bool(result.rule_sets["t"].match(event, None))  # type: ignore[arg-type]


APPEND_ITEMS = "override: {items: append}"
APPEND_CONDITION = "override: {condition: append}"


# --- order ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "texts",
    [
        (macro("m", "t.num = 1"), rule("m")),
        (macro("n", "t.num = 1") + macro("m", "n") + rule("m"),),
        # A rule sees the whole file of its last change, also what stands below it.
        (rule("m") + macro("m", "t.num = 1"),),
        (rule("m"), macro("m", "t.num = 1") + "- rule: A\n  tags: [x]\n  override: {tags: append}\n"),
        (rule("t.num = 7"), macro("m", "t.num = 1") + "- rule: A\n  condition: m\n  override: "
         "{condition: replace}\n"),
        # An append moves a macro behind what it appends, and so does a redefinition.
        (macro("m", "t.num = 0") + macro("n", "t.num = 1") + macro("m", "or n", APPEND_CONDITION)
         + rule("m"),),
        (macro("m", "x = 1") + macro("n", "t.num = 1") + macro("m", "n") + rule("m"),),
        # What counts for the macro that is used is where it was first defined, not its last text.
        (macro("n", "t.num = 5") + macro("m", "n") + rule("m"), macro("n", "t.num = 1")),
        (macro("n", "t.num = 5") + macro("m", "n") + rule("m"), macro("n", "or t.num = 1", APPEND_CONDITION)),
    ],
)  # fmt: skip
def test_condition_uses_the_macros_that_it_sees(texts: tuple[str, ...], load_texts: Load) -> None:
    result = load_texts(*texts)
    assert fires(result, {"t.num": 1})
    assert not fires(result, {"t.num": 3})


@pytest.mark.parametrize(
    ("texts", "message", "hint", "item"),
    [
        ((rule("«m»"), macro("m", "t.num = 1")), "`m` is defined only later",
         "a rule, what is in its own file or an earlier one", 'rule "A"'),
        ((macro("m", "«n»") + macro("n", "t.num = 1") + rule("m"),), "`n` is defined only later",
         "a macro uses what stands before it", 'macro "m"'),
        # Each uses the other, which is no cycle: the first can't see the second.
        ((macro("m", "«n»") + macro("n", "m or t.num = 1") + rule("n"),), "`n` is defined only later",
         "a macro uses what stands before it", 'macro "m"'),
        ((rule("«maccro1»") + macro("macro1", "t.num = 1") + rule("macro1", "B"),),
         "`maccro1` is not defined", "did you mean `macro1`?", 'rule "A"'),
        ((rule("t.num = 1 and not «zz»"),), "`zz` is not defined", "`- macro: zz` with a condition",
         'rule "A"'),
        ((macro("m", "t.num = 1 or «zz»") + rule("m"),), "`zz` is not defined", "define it before its use",
         'macro "m"'),
    ],
)  # fmt: skip
def test_macro_that_is_not_seen_is_reported_where_it_is_used(
    texts: tuple[str, ...], message: str, hint: str, item: str, load_texts: Load
) -> None:
    marked = [unmark(text) for text in texts]
    result = load_texts(*(one.text for one in marked))
    (error,) = result.errors
    assert codes([error]) == ["ERR_VALIDATE"]
    assert message in error.message
    assert hint in str(error.hint)
    assert error.item == item
    assert error.span is not None
    assert (error.span.file.name, error.span.start) == ("0.yaml", marked[0].places[0][0])


# --- lists in lists -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lists", "matching", "not_matching"),
    [
        (items("l", "a, b c, '\"d,e\"', 5"), ["a", "b c", "d,e", "5"], ["d", "l", "b"]),
        (items("k", "a, b") + items("l", "x, k, y"), ["x", "a", "b", "y"], ["k", "l"]),
        (items("j", "a") + items("k", "j, b") + items("l", "k"), ["a", "b"], ["j", "k"]),
        # The order of definition counts: a name that is no list yet is a value.
        (items("l", "k") + items("k", "a"), ["k"], ["a"]),
        (items("l", "x") + items("k", "a") + items("l", "k", APPEND_ITEMS), ["x", "a"], ["k"]),
        (items("l", "x") + items("k", "a") + items("l", "k"), ["a"], ["x", "k"]),
        # The newest items of an inner list count.
        (items("k", "a") + items("l", "k") + items("k", "b", APPEND_ITEMS), ["a", "b"], ["k"]),
        (items("k", "a") + items("l", "k") + items("k", "b"), ["b"], ["a"]),
        # A quoted name is a text, and a list within itself is its name.
        (items("k", "a") + items("l", "'\"k\"', x"), ["k", "x"], ["a"]),
        (items("l", "x") + items("l", "l, y"), ["l", "y"], ["x"]),
        (items("k", "") + items("l", "k, a"), ["a"], ["k"]),
    ],
)  # fmt: skip
def test_list_holds_the_items_of_the_lists_in_it(
    lists: str, matching: list[str], not_matching: list[str], load_texts: Load
) -> None:
    result = load_texts(lists + rule("t.str in (l)"))
    assert [text for text in (*matching, *not_matching) if fires(result, {"t.str": text})] == matching


@pytest.mark.parametrize("text", [items("l", "a, '«\"»b'"), items("l", "a, '\"b\" «c»'")])
def test_item_that_is_no_value_is_reported_where_it_stands(text: str, load_texts: Load) -> None:
    marked = unmark(text)
    (error,) = load_texts(marked.text + rule("t.str in (l)")).errors
    assert codes([error]) == ["ERR_COMPILE_CONDITION"]
    assert error.item == 'list "l"'
    assert error.span is not None
    assert error.span.start == marked.places[0][0]


def test_list_that_grows_without_bound_is_refused_by_name(load_texts: Load) -> None:
    doubling = [items(f"l{n + 1}", f"l{n}, l{n}") for n in range(40)]
    result = load_texts(items("l0", "a") + "".join(doubling) + rule("t.str in (l40)"))
    refused = {error.message for error in result.errors}
    # 2 to the 17th is the first size that is too large.
    assert f"list `l17` has more than {MAX_LIST_ITEMS} items once its lists are put in" in refused
    assert codes(result.errors) == ["ERR_VALIDATE"] * len(refused)


# --- cycles ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("macros", "path"),
    [
        (macro("m", "t.num = 1") + macro("«m»", "m or t.num = 2"), "m -> m"),
        (macro("n", "t.num = 1") + macro("m", "n") + macro("«n»", "t.num = 2 or m"), "n -> m -> n"),
    ],
)
def test_macro_that_uses_itself_is_shown_with_the_path(macros: str, path: str, load_texts: Load) -> None:
    marked = unmark(macros)
    result = load_texts(marked.text + rule("m") + rule("not m", "B"))
    (error,) = result.errors
    assert codes([error]) == ["ERR_VALIDATE"]
    assert error.message.endswith(f"uses itself: {path}")
    assert "override: {condition: append}" in str(error.hint)
    assert error.span is not None
    assert error.span.start == marked.places[0][0]


def test_macros_that_all_use_each_other_are_each_named(load_texts: Load) -> None:
    names = [f"m{n}" for n in range(6)]
    early = "".join(macro(name, "t.num = 1") for name in names)
    late = "".join(macro(name, " or ".join(other for other in names if other != name)) for name in names)
    errors = load_texts(early + late + rule("m0")).errors
    assert all(any(name in error.message for error in errors) for name in names)
    assert len(errors) < len(names)


def test_long_cycle_is_shown_in_short(load_texts: Load) -> None:
    ring = [macro(f"m{n}", f"m{(n + 1) % 500}") for n in range(500)]
    early = [macro(f"m{n}", "t.num = 1") for n in range(500)]
    (error,) = load_texts("".join(early + ring) + rule("m0")).errors
    assert error.message.startswith("macro `m0` uses itself: m0 -> m1 -> ")
    assert error.message.endswith("more) -> m499 -> m0")
    assert len(error.message) < 200


def test_deep_chain_of_macros_is_resolved(load_texts: Load) -> None:
    chain = [macro(f"m{n + 1}", f"m{n}") for n in range(3000)]
    result = load_texts(macro("m0", "t.num = 1") + "".join(chain) + rule("m3000"))
    assert fires(result, {"t.num": 1})


@pytest.mark.parametrize(
    ("uses", "order", "cycles"),
    [
        ({}, [], []),
        ({"a": set(), "b": {"a"}}, ["a", "b"], []),
        ({"a": {"b"}, "b": {"c"}, "c": set()}, ["c", "b", "a"], []),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, ["d", "b", "c", "a"], []),
        ({"a": {"unknown"}}, ["a"], []),
        ({"a": {"a"}}, ["a"], [["a"]]),
        ({"a": {"b"}, "b": {"a"}, "c": {"a"}}, ["b", "a", "c"], [["a", "b"]]),
    ],
)
def test_names_come_after_those_that_they_use(
    uses: dict[str, set[str]], order: list[str], cycles: list[list[str]]
) -> None:
    assert dependency_order(uses) == (order, cycles)


# --- what nothing uses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        (items("l", "a") + macro("m", "t.num = 1"), {"list `l`", "macro `m`"}),
        (items("l", "a") + macro("m", "t.str in (l)"), {"macro `m`"}),
        (items("l", "a") + macro("m", "t.str in (l)") + rule("m"), set()),
        (items("k", "a") + items("l", "k"), {"list `l`"}),
        (macro("n", "t.num = 1") + macro("m", "n"), {"macro `m`"}),
        (items("l", "a") + rule("t.str = l"), set()),
        (items("l", "a") + rule("t.str = 'l'"), {"list `l`"}),
        (items("l", "a") + rule("t.str exists", "A", "exceptions: [{name: e, fields: t.str, values: [l]}]"),
         set()),
        # Used is also what is used by a rule that does not run.
        (macro("m", "t.num = 1") + rule("m", "A", "enabled: false"), set()),
        (macro("m", "x.y = 1") + items("l", "a") + rule("m and x.z in (l)", source="nope"), set()),
        (macro("m", "t.nope = 1") + rule("m", "A", "skip-if-unknown-filter: true"), set()),
    ],
)  # fmt: skip
def test_macros_and_lists_that_nothing_uses_are_warned_of(
    text: str, unused: set[str], load_texts: Load
) -> None:
    result = load_texts(text)
    said = {d.message for d in result.diagnostics if codes([d])[0] in {"UNUSED_MACRO", "UNUSED_LIST"}}
    assert said == {f"{what} is not used" for what in unused}
    assert result.errors == []


def test_use_in_a_later_file_is_a_use(load_texts: Load) -> None:
    result = load_texts(items("l", "a") + macro("m", "t.str in (l)"), rule("m"))
    assert result.diagnostics == []


def test_unused_ones_are_not_told_beside_errors(load_texts: Load) -> None:
    """What the broken condition would have used is not known."""
    result = load_texts(items("l", "a") + macro("m", "t.num = 1") + rule("t.str in (l) and", "A"))
    assert codes(result.diagnostics) == ["ERR_COMPILE_CONDITION"]
