"""Escapes in quoted texts, and texts put in quotes again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcocore.lang.escapes import EscapeError, quote, quote_if_needed, unescape
from falcocore.lang.grammar import parse_item
from falcocore.lang.text import Text


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        ('""', ""),
        ("'a b'", "a b"),
        (r'"\b\f\n\r\t"', "\b\f\n\r\t"),
        (r'"a\\b\/c"', r"a\b/c"),
        (r'"say \"hi\""', 'say "hi"'),
        (r"'it\'s'", "it's"),
        (r'"\x41\x7E"', "A~"),
        (r'"\x00"', "\0"),
        (r'"\xc3\xa9"', "é"),
        (r'"\xff"', "\udcff"),
        (r'"é\xff"', "é\udcff"),
        (r'"C:\ Program"', r"C:\Program"),
        ('"two\nlines"', "two\nlines"),
        (r'"\\n"', r"\n"),
    ],
)
def test_quoted_text_stands_for(quoted: str, text: str) -> None:
    assert unescape(quoted) == text


@pytest.mark.parametrize(
    ("quoted", "offset", "message"),
    [
        (r'"a\d"', 2, r"unknown escape \d"),
        (r'"\'"', 1, r"unknown escape \'"),
        (r"'\"'", 1, r"unknown escape \""),
        (r'"\\\q"', 3, r"unknown escape \q"),
        (r'"\x4"', 1, r"unknown escape \x"),
        (r'"\xg0"', 1, r"unknown escape \x"),
        (r'"\N"', 1, r"unknown escape \N"),
    ],
)
def test_escape_that_does_not_exist_is_refused_where_it_stands(
    quoted: str, offset: int, message: str
) -> None:
    with pytest.raises(EscapeError) as caught:
        unescape(quoted)
    assert caught.value.offset == offset
    assert caught.value.message.startswith(message)
    assert r"\xHH" in caught.value.message


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("a b", '"a b"'),
        ('"', r'"\""'),
        ("\t\x01", r'"\t\x01"'),
        ("\udcff", r'"\xff"'),
        ("a\\", r'"a\x5c"'),
        ("\\\\", r'"\\\x5c"'),
    ],
)
def test_text_is_put_in_quotes(text: str, quoted: str) -> None:
    assert quote(text) == quoted


@pytest.mark.parametrize("text", ["a", "a.b-c/d*", "é", "a\\b", "#x", "[x]"])
def test_text_that_a_bare_word_can_hold_is_left_alone(text: str) -> None:
    assert quote_if_needed(text) == text


@pytest.mark.parametrize("text", ["", "a b", "a,b", "a=b", "(a", 'a"', "it's", "a\tb", "\x01", "\udc80"])
def test_text_that_a_bare_word_can_not_hold_gets_quotes(text: str) -> None:
    assert quote_if_needed(text) == quote(text) != text


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8") | st.sampled_from("\\\"'\n\0\x7f"), max_size=8))
def test_quoted_text_parses_to_itself(text: str) -> None:
    assert unescape(quote(text)) == text
    assert parse_item(Text.plain(quote(text))).text == text


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=8))
def test_any_bytes_can_be_written(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    assert unescape(quote(text)) == text
    assert unescape('"' + "".join(f"\\x{byte:02x}" for byte in raw) + '"') == text
