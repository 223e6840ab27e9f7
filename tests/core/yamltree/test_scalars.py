"""Characters of YAML scalars lead back to the right characters of the file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from falcocore.lang.text import SourceFile
from falcocore.yamltree.nodes import Mapping, Node, Scalar, Sequence, read_documents

BLANKS = " \t\r\n\x85\u2028\u2029"


def scalars(node: Node) -> Iterator[Scalar]:
    match node:
        case Scalar():
            yield node
        case Sequence(items=items):
            for item in items:
                yield from scalars(item)
        case Mapping(entries=entries):
            for key, value in entries.values():
                yield key
                yield from scalars(value)


def read(text: str) -> list[Scalar]:
    return [scalar for root in read_documents(SourceFile("f.yaml", text)) for scalar in scalars(root)]


def characters(scalar: Scalar) -> list[str]:
    """What stands in the file where each character of the value is said to be."""
    text = scalar.text
    spans = [text.span(at, at + 1) for at in range(len(scalar.value))]
    return [scalar.file.text[span.start : span.start + 1] for span in spans]


def check(scalar: Scalar) -> None:
    """Each character stands in the file as itself, as an escape, or (a blank) as what was folded into it."""
    for char, found in zip(scalar.value, characters(scalar), strict=True):
        if char in BLANKS:
            assert found in BLANKS or (scalar.style == '"' and found == "\\"), (char, found)
        else:
            assert found == char or (scalar.style == '"' and found == "\\"), (char, found)
    starts = [scalar.text.span(at, at + 1).start for at in range(len(scalar.value))]
    assert starts == sorted(starts)


WORDS = st.text(st.sampled_from("ab:#'\"\\ \n\té\x07\U0001f600-|>%{}[],&*!=~\x85\u2028\ufeff"), max_size=40)


@given(WORDS, st.sampled_from([None, "'", '"', "|", ">"]), st.integers(20, 80), st.integers(2, 6))
def test_any_text_in_any_style(value: str, style: str | None, width: int, indent: int) -> None:
    dumped = yaml.safe_dump(
        [{"a": {"k": value}}, value],
        default_style=style,
        width=width,
        indent=indent,
        allow_unicode=len(value) % 2 == 0,
    )
    found = read(dumped)
    if not {"\x85", "\u2028"} & set(value):  # the emitter turns these into other line ends
        assert [scalar.value for scalar in found].count(value) >= 2
    for scalar in found:
        check(scalar)


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("- c: a b\n     wanted d\n", "wanted", (2, 6)),
        ("- c: a\n\n\n     wanted\n", "wanted", (4, 6)),
        ("- c: 'it''s\n\n    wanted'\n", "wanted", (3, 5)),
        ('- c: "\\x41\\u00e9 \\"wanted"\n', "wanted", (1, 20)),
        ('- c: "one\\\n     \\  wanted"\n', "wanted", (2, 9)),
        ('- c: "one\\\r\n     wanted"\r\n', "wanted", (2, 6)),
        ("- c: |\n    a\n      wanted\n", "wanted", (3, 7)),
        ("- c: |2-\n     wanted\n", "wanted", (2, 6)),
        ("- c: >+2\n\n     a\n    wanted\n\n", "wanted", (4, 5)),
        ("- c: > # comment\n    a\n    wanted\n", "wanted", (3, 5)),
        ("- c: >-\r\n    é a\r\n\r\n    wanted\r\n", "wanted", (4, 5)),
        ("- c: >\n    a\n      more\n    wanted\n", "wanted", (4, 5)),
        ("- {c: [a,\n   wanted ]}\n", "wanted", (2, 4)),
        ("- c: &anchor wanted\n", "wanted", (1, 14)),
        ("- c: !!str &x\n   'a wanted'\n", "wanted", (2, 7)),
        ("\ufeff- c: wanted\n", "wanted", (1, 7)),
        ("- é: ü\n- 😀 wanted\n", "wanted", (2, 5)),
    ],
)
def test_place_of_a_word(text: str, word: str, place: tuple[int, int]) -> None:
    scalar = next(scalar for scalar in read(text) if word in scalar.value)
    at = scalar.value.index(word)
    span = scalar.text.span(at, at + len(word))
    assert span.position == place
    assert scalar.file.text[span.start : span.end] == word


def test_text_without_the_white_space_at_its_ends() -> None:
    scalar = next(s for s in read("- c: |\n\n    a\n     b\n\n- d\n") if s.style == "|")
    text = scalar.stripped
    assert text.value == "a\n b"
    assert text.span(0, 1).position == (3, 5)
    assert text.span(3, 4).position == (4, 6)
