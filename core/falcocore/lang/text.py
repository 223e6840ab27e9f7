"""Texts that know where each of their characters stands in the user's file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property


class SourceFile:
    """A file as the user sees it. `name` is what messages show; lines and columns count from 1."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def _line_starts(self) -> list[int]:
        starts, at = [0], self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of a character offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number`, without its end."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a file."""

    file: SourceFile
    start: int
    end: int

    @property
    def position(self) -> tuple[int, int]:
        """(line, column) of its first character, from 1."""
        return self.file.position(self.start)


class Text:
    """A text to parse, with the way back into the file it came from.

    `offsets` is called once, and only when a message needs it; it returns the file offset of each
    character and, as one more entry, of the end.
    """

    __slots__ = ("_known", "_offsets", "file", "value")

    def __init__(self, value: str, file: SourceFile, offsets: Callable[[], Sequence[int]]) -> None:
        self.value = value
        self.file = file
        self._offsets = offsets
        self._known: Sequence[int] | None = None

    @classmethod
    def plain(cls, value: str, name: str = "condition") -> Text:
        """A text that is its own file."""
        return cls(value, SourceFile(name, value), lambda: range(len(value) + 1))

    def span(self, start: int, end: int) -> Span:
        """The place in the file of characters `start` to `end` of the text."""
        offsets = self._known = self._offsets() if self._known is None else self._known
        first = offsets[min(start, len(offsets) - 1)]
        last = offsets[min(end, len(offsets)) - 1] + 1 if end > start else first
        return Span(self.file, first, max(first, last))

    def parts(self) -> Sequence[tuple[int, Text]]:
        """(offset in this text, text) of each piece it was joined from."""
        return ((0, self),)

    def cut(self, start: int) -> Text:
        """What follows from offset `start` on."""
        return _Tail(self, start) if start else self


class _Tail(Text):
    """The end of another text."""

    __slots__ = ("_shift", "_whole")

    def __init__(self, whole: Text, shift: int) -> None:
        super().__init__(whole.value[shift:], whole.file, list)
        self._whole = whole
        self._shift = shift

    def span(self, start: int, end: int) -> Span:
        """The place in the file."""
        return self._whole.span(start + self._shift, end + self._shift)


class JoinedText(Text):
    """Texts joined by one blank, as `append` does; a piece may come from another file."""

    __slots__ = ("_parts",)

    def __init__(self, first: Text, second: Text) -> None:
        shift = len(first.value) + 1
        self._parts = (*first.parts(), *((shift + at, part) for at, part in second.parts()))
        super().__init__(f"{first.value} {second.value}", first.file, list)

    def parts(self) -> Sequence[tuple[int, Text]]:
        """(offset in this text, text) of each piece."""
        return self._parts

    def span(self, start: int, end: int) -> Span:
        """The place of the part in which `start` stands; what follows from other parts is cut off."""
        at, part = next(p for p in reversed(self._parts) if p[0] <= start)
        return part.span(start - at, min(end - at, len(part.value)))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of syntax stands in the text it was parsed from; turned into a span on demand."""

    text: Text
    start: int
    end: int

    @classmethod
    def at(cls, span: Span) -> Place:
        """The place of something that was not parsed from a text of its own, such as a YAML node."""
        text = Text(" " * (span.end - span.start), span.file, lambda: range(span.start, span.end + 1))
        return cls(text, 0, len(text.value))

    @property
    def span(self) -> Span:
        """The place in the user's file."""
        return self.text.span(self.start, self.end)
