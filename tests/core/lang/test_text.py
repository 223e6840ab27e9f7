"""The way from a character of a text back into the user's file."""

from __future__ import annotations

import pytest

from falcocore.lang.text import JoinedText, Place, SourceFile, Span, Text


@pytest.mark.parametrize(
    ("text", "offset", "position"),
    [
        ("", 0, (1, 1)),
        ("abc", 0, (1, 1)),
        ("abc", 3, (1, 4)),
        ("a\nbc", 1, (1, 2)),
        ("a\nbc", 2, (2, 1)),
        ("a\nbc\n", 5, (3, 1)),
        ("a\r\nb", 3, (2, 1)),
        ("é世\nb", 2, (1, 3)),
        ("\n\n\n", 2, (3, 1)),
    ],
)
def test_position_counts_lines_and_characters_from_one(
    text: str, offset: int, position: tuple[int, int]
) -> None:
    file = SourceFile("f", text)
    assert file.position(offset) == position
    assert Span(file, offset, offset + 1).position == position


@pytest.mark.parametrize(
    ("text", "number", "line"),
    [("", 1, ""), ("a\nb", 1, "a"), ("a\nb", 2, "b"), ("a\r\nb\r\n", 1, "a"), ("a\n", 2, "")],
)
def test_line_is_without_its_end(text: str, number: int, line: str) -> None:
    assert SourceFile("f", text).line(number) == line


def spread(value: str, file: SourceFile, *offsets: int) -> Text:
    """A text whose characters stand at the given offsets, and its end."""
    return Text(value, file, lambda: offsets)


def test_span_reaches_from_the_first_character_to_behind_the_last() -> None:
    file = SourceFile("f", "a''b  c")
    text = spread("a'bc", file, 0, 1, 3, 6, 7)
    spans = [(text.span(start, end).start, text.span(start, end).end) for start, end in ((0, 1), (1, 4))]
    assert spans == [(0, 1), (1, 7)]


@pytest.mark.parametrize(("start", "end", "expected"), [(4, 4, (7, 7)), (9, 9, (7, 7)), (2, 99, (3, 8))])
def test_span_at_or_behind_the_end_is_the_end(start: int, end: int, expected: tuple[int, int]) -> None:
    span = spread("a'bc", SourceFile("f", "a''b  c"), 0, 1, 3, 6, 7).span(start, end)
    assert (span.start, span.end) == expected


def test_offsets_are_asked_for_once_and_only_for_a_message() -> None:
    asked: list[str] = []

    def offsets() -> range:
        asked.append("now")
        return range(4)

    text = Text("abc", SourceFile("f", "abc"), offsets)
    assert (text.value, asked) == ("abc", [])
    for start in range(3):
        text.span(start, start + 1)
    assert asked == ["now"]


def test_end_of_a_text_knows_the_place_of_the_whole() -> None:
    text = spread("abc", SourceFile("f", "a b c"), 0, 2, 4, 5)
    tail = text.cut(1)
    assert tail.value == "bc"
    assert (tail.span(0, 2).start, tail.span(0, 2).end) == (2, 5)
    assert text.cut(0) is text


FIRST, SECOND, THIRD = (SourceFile(f"{word}.yaml", f"- {word}") for word in ("one", "two", "ten"))


def part(file: SourceFile) -> Text:
    return Text(file.text[2:], file, lambda: range(2, 6))


JOINED = JoinedText(JoinedText(part(FIRST), part(SECOND)), part(THIRD))


@pytest.mark.parametrize(
    ("start", "end", "file", "place"),
    [
        (0, 3, FIRST, (2, 5)),
        (1, 2, FIRST, (3, 4)),
        (4, 7, SECOND, (2, 5)),
        (8, 11, THIRD, (2, 5)),
        (10, 11, THIRD, (4, 5)),
        (3, 3, FIRST, (5, 5)),
        (11, 11, THIRD, (5, 5)),
        (1, 11, FIRST, (3, 5)),
    ],
)
def test_joined_text_leads_to_the_file_of_each_piece(
    start: int, end: int, file: SourceFile, place: tuple[int, int]
) -> None:
    assert JOINED.value == "one two ten"
    span = JOINED.span(start, end)
    assert (span.file, (span.start, span.end)) == (file, place)


def test_plain_text_is_its_own_file() -> None:
    span = Text.plain("a = b", "option").span(4, 5)
    assert (span.file.name, span.file.text, span.position) == ("option", "a = b", (1, 5))


def test_place_made_of_a_span_is_that_span() -> None:
    span = Span(FIRST, 1, 4)
    assert Place.at(span).span == span
    assert Place.at(Span(FIRST, 2, 2)).span == Span(FIRST, 2, 2)
