"""Texts in which `«` and `»` mark the places that a test speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARK = re.compile("[«»]")


@dataclass(frozen=True)
class Marked:
    """A text without its marks, and where the marked parts stand in it: (start, end) of each."""

    text: str
    places: tuple[tuple[int, int], ...]


def unmark(marked: str) -> Marked:
    """Take the marks out. `«»` marks a place of no length."""
    starts: list[int] = []
    places: list[tuple[int, int]] = []
    for number, found in enumerate(_MARK.finditer(marked)):
        at = found.start() - number
        if found.group() == "«":
            starts.append(at)
        else:
            places.append((starts.pop(), at))
    assert not starts, "a mark is not closed"
    return Marked(_MARK.sub("", marked), tuple(places))
