"""YAML as the values that JSON has."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.lang.text import SourceFile
from falcocore.yamltree.nodes import read_documents
from falcocore.yamltree.plain import plain_value, repeated_keys


def value_of(text: str) -> Any:
    return plain_value(next(read_documents(SourceFile("f.yaml", text))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("word", "word"),
        ("[~]", [None]),
        ("[null]", [None]),
        ('"null"', "null"),
        ("true", True),
        ("False", False),
        ("'true'", "true"),
        ("yes", "yes"),
        ("tRUE", "tRUE"),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ('"12"', "12"),
        ("0", 0),
        ("007", "007"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        ("-2e3", -2000.0),
        ("1.2.3", "1.2.3"),
        (".5", ".5"),
        ("2024-01-01", "2024-01-01"),
        ("9" * 5000, "9" * 5000),
        ("|\n  12\n", "12\n"),
        ("[1, [a, null]]", [1, ["a", None]]),
        ("{1: a, b: {c: []}}", {"1": "a", "b": {"c": []}}),
        ("a: &x {k: 1}\nb: *x\nc: {<<: *x, l: 2}", {"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 1, "l": 2}}),
    ],
)
def test_values(text: str, expected: Any) -> None:
    found = value_of(text)
    assert (found, type(found)) == (expected, type(expected))


def test_keys_that_are_repeated_are_found_at_any_depth() -> None:
    root = next(read_documents(SourceFile("f.yaml", "a: 1\nb: [{c: 1, c: 2}]\na: 2\n")))
    assert sorted((key.value, key.span.position) for key in repeated_keys(root)) == [
        ("a", (3, 1)),
        ("c", (2, 12)),
    ]
