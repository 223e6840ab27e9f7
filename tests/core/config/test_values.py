"""Typed look-ups: what each takes, and what is said of values of another type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.config.values import Reader
from falcocore.errors import ConfigError

Look = Callable[[Reader], Any]


def look(value: Any, how: Look) -> tuple[Any, list[str]]:
    """What a look-up of the key `k` finds, and what was warned of."""
    notes: list[str] = []
    return how(Reader({"k": value}, notes.append, "top")), notes


def text(reader: Reader) -> str:
    return reader.text("k", "default")


def boolean(reader: Reader) -> bool:
    return reader.boolean("k", True)


def items(reader: Reader) -> list[Any]:
    return reader.items("k")


def texts(reader: Reader) -> list[str]:
    return reader.texts("k")


def mapping(reader: Reader) -> dict[str, Any]:
    return dict(reader.mapping("k"))


@pytest.mark.parametrize(
    ("how", "value", "found"),
    [
        (text, "x", "x"),
        (text, "", ""),
        (text, None, "default"),
        (items, ["x", None, {}], ["x", None, {}]),
        (items, [], []),
        (items, None, []),
        (texts, ["x", "", "y"], ["x", "", "y"]),
        (texts, ["x", None], ["x"]),
        (texts, "x", ["x"]),
        (texts, None, []),
        (mapping, {"a": "b"}, {"a": "b"}),
        (mapping, None, {}),
        (boolean, None, True),
        *((boolean, word, True) for word in ("y", "Y", "yes", "Yes", "YES", "true", "True", "on", "ON")),
        *((boolean, word, False) for word in ("n", "N", "no", "No", "NO", "false", "FALSE", "off", "Off")),
    ],
)
def test_values_of_the_wanted_type_are_taken(how: Look, value: Any, found: Any) -> None:
    assert look(value, how) == (found, [])


@pytest.mark.parametrize(
    ("how", "value", "default", "note"),
    [
        (text, ["x"], "default", "top.k: a text is wanted, not `['x']`; the default is taken"),
        (text, {"a": "b"}, "default", "top.k: a text is wanted, not `{'a': 'b'}`; the default is taken"),
        (boolean, "maybe", True, "top.k: true or false is wanted, not `maybe`; the default is taken"),
        (boolean, "1", True, "top.k: true or false is wanted, not `1`; the default is taken"),
        (boolean, "", True, "top.k: true or false is wanted, not ``; the default is taken"),
        (boolean, "tRUE", True, "top.k: true or false is wanted, not `tRUE`; the default is taken"),
        (boolean, ["no"], True, "top.k: true or false is wanted, not `['no']`; the default is taken"),
        (items, "x", [], "top.k: a list is wanted, not `x`; the default is taken"),
        (items, {"a": "b"}, [], "top.k: a list is wanted, not `{'a': 'b'}`; the default is taken"),
        (texts, {"a": "b"}, [], "top.k: a list is wanted, not `{'a': 'b'}`; the default is taken"),
        (texts, ["x", ["y"], "z"], ["x", "z"], "top.k[1]: a text is wanted, not `['y']`; it is left out"),
        (mapping, "x", {}, "top.k: a map is wanted, not `x`; the default is taken"),
        (mapping, ["x"], {}, "top.k: a map is wanted, not `['x']`; the default is taken"),
    ],
)
def test_a_value_of_another_type_is_warned_of_and_the_default_taken(
    how: Look, value: Any, default: Any, note: str
) -> None:
    assert look(value, how) == (default, [note])


@pytest.mark.parametrize(
    ("value", "given", "raw"), [("x", True, "x"), ("", True, ""), ([], True, []), (None, False, None)]
)
def test_a_key_is_given_where_it_has_a_value(value: Any, given: bool, raw: Any) -> None:
    assert look(value, lambda reader: reader.has("k")) == (given, [])
    assert look(value, lambda reader: reader.raw("k")) == (raw, [])


@pytest.mark.parametrize("value", [None, ""])
def test_a_text_that_has_to_be_there_is_asked_for(value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        look(value, lambda reader: reader.required_text("k"))
    assert (caught.value.message, caught.value.hint) == ("top.k is missing", "add `k:`")


@pytest.mark.parametrize(
    ("value", "default", "word"),
    [(None, None, "first"), (None, "all", "all"), ("all", None, "all"), ("ALL", None, "all")],
)
def test_a_choice_is_one_of_its_words_in_any_case(value: Any, default: str | None, word: str) -> None:
    assert look(value, lambda reader: reader.choice("k", ("first", "all"), default)) == (word, [])


@pytest.mark.parametrize(("value", "hint"), [("frist", "did you mean first?"), ("", None), ("zzz", None)])
def test_another_word_is_refused_with_the_choices(value: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        look(value, lambda reader: reader.choice("k", ("first", "all")))
    assert caught.value.message == f"top.k: `{value}` is not one of first, all"
    assert caught.value.hint == hint


def test_maps_are_looked_into_with_their_path() -> None:
    notes: list[str] = []
    reader = Reader({"a": {"b": {"c": "x"}}, "l": [{"k": ["y"]}, {}]}, notes.append)
    assert reader.inner("a").inner("b").text("c", "") == "x"
    assert list(reader.inner("a")) == ["b"]
    assert list(reader.inner("missing").inner("too")) == []
    first, second = reader.entries("l")
    assert (first.where, second.where) == ("l[0]", "l[1]")
    assert first.text("k", "default") == "default"
    assert notes == ["l[0].k: a text is wanted, not `['y']`; the default is taken"]


@pytest.mark.parametrize("item", ["x", None, ["x"]])
def test_an_entry_that_is_no_map_is_refused(item: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        look([{}, item], lambda reader: list(reader.entries("k")))
    assert caught.value.message == f"top.k[1] has to be a map of keys, not `{item}`"
