"""What each transformer makes of a value."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.lang import words
from falcocore.lang.transformers import TRANSFORMERS, apply_each, getopt_one
from falcocore.types import FieldType


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("tolower", "AbC", "abc"),
        ("tolower", "ÀÉ A", "ÀÉ a"),
        ("toupper", "aBc", "ABC"),
        ("toupper", "é ß a", "é ß A"),
        ("b64", "aGk=", "hi"),
        ("b64", "aGk", "hi"),
        ("b64", "YQ==", "a"),
        ("b64", "", ""),
        ("b64", "w6k=", "é"),
        ("b64", "/w==", "\udcff"),
        ("b64", b"aGkA", b"hi\0"),
        ("b64", "a", None),
        ("b64", "a b=", None),
        ("b64", "aGk=aGk=", None),
        ("b64", "é", None),
        ("basename", "/usr/bin/cat", "cat"),
        ("basename", "cat", "cat"),
        ("basename", "/usr/", ""),
        ("basename", "", ""),
        ("len", "abc", 3),
        ("len", "é", 2),
        ("len", "\udcff", 1),
        ("len", "", 0),
        ("len", b"a\0b", 3),
        ("len", ["a", "bcd"], 2),
        ("len", [True], 1),
    ],
)
def test_transformer_of_one_value(name: str, value: Any, result: Any) -> None:
    assert TRANSFORMERS[name].function(value) == result


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("concat", ("a", "b"), "ab"),
        ("concat", ("a", "", "c"), "ac"),
        ("join", (",", ["a", "b"]), "a,b"),
        ("join", ("", ["a"]), "a"),
    ],
)
def test_transformer_of_several_values(name: str, arguments: tuple[Any, ...], result: str) -> None:
    assert TRANSFORMERS[name].function(*arguments) == result


@pytest.mark.parametrize(
    ("arguments", "options", "result"),
    [
        (["-a"], "a", ["a"]),
        (["-ab"], "ab", ["a", "b"]),
        (["-b", "x"], "b:", ["b", "x"]),
        (["-bx"], "b:", ["b", "x"]),
        (["-abx", "y"], "ab:", ["a", "b", "x"]),
        (["-b"], "b:", ["b", ""]),
        (["-b", "-a"], "ab:", ["b", "-a"]),
        (["-b", "x", "-b", "y"], "b:", ["b", "x", "y"]),
        (["-z"], "a", ["?"]),
        (["--long", "-a"], "a", ["a"]),
        (["-a", "--", "-b"], "ab", ["a"]),
        (["-a", "file", "-b"], "ab", ["a"]),
        (["-a", "-", "-b"], "ab", ["a"]),
        (["file"], "a", []),
        (["-b", "x"], ":b:", ["b", "x"]),
    ],
)
def test_getopt_lists_options_and_their_values(arguments: list[str], options: str, result: list[str]) -> None:
    assert TRANSFORMERS["getopt"].function(arguments, options) == result


@pytest.mark.parametrize(
    ("arguments", "letter", "value"),
    [
        (["-b", "x"], "b", "x"),
        (["-b", "x", "-b", "y"], "b", "y"),
        (["-b"], "b", ""),
        (["-a"], "a", "a"),
        (["-a"], "b", None),
        (["-z"], "?", "?"),
        (["-a", "--", "-b", "x"], "b", None),
    ],
)
def test_getopt_with_an_index_gives_the_last_value(
    arguments: list[str], letter: str, value: str | None
) -> None:
    assert getopt_one(arguments, "ab:", letter) == value


def test_transformer_on_a_list_leaves_out_what_it_makes_nothing_of() -> None:
    assert apply_each(TRANSFORMERS["b64"], ["aGk=", "!", "YQ=="]) == ["hi", "a"]
    assert apply_each(TRANSFORMERS["b64"], ["!"]) is None


def test_every_transformer_of_the_grammar_is_there() -> None:
    assert set(TRANSFORMERS) == set(words.TRANSFORMERS)


@pytest.mark.parametrize(
    ("name", "result"),
    [("tolower", None), ("b64", None), ("len", FieldType.UINT64), ("join", FieldType.STRING)],
)
def test_type_of_a_result_is_given_or_that_of_the_argument(name: str, result: FieldType | None) -> None:
    assert TRANSFORMERS[name].result is result
