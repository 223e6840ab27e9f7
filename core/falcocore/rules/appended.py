"""Conditions that were appended to, and mean something else than whoever appended may think.

`append` joins texts. So `and` binds what it adds to the last alternative of an earlier `or`, and `or`
opens an alternative to everything that stood before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.lang.syntax import Node, Or
from falcocore.lang.text import Text

_WORD = re.compile(r"\s*(\w+)")


def surprising_appends(text: Text, tree: Node | None, item: str, *, is_rule: bool) -> Iterator[Diagnostic]:
    """Warnings for a condition that was joined from several texts; `tree` is what it was parsed to.

    Macros are often lists of alternatives, to which another is added with `or`: that is no surprise.
    """
    pieces = text.parts()
    if len(pieces) < 2 or not isinstance(tree, Or):
        return
    places = [child.place for child in tree.children if child.place is not None]
    for number, (start, piece) in enumerate(pieces[1:], 1):
        end = pieces[number + 1][0] if number + 1 < len(pieces) else len(text.value)
        first = _WORD.match(piece.value)
        word = first[1].lower() if first else ""
        span = piece.span(first.start(1), first.end(1)) if first else piece.span(0, 1)
        if any(0 < place.start < start < place.end for place in places):
            message = f"what is appended with `{word}` holds for the last alternative before it only"
            hint = "replace the whole condition, with parentheses around its alternatives"
            yield Diagnostic(Code.WARN_APPENDED_CONDITION, message, span, item, hint)
        opened = [place for place in places if start <= place.start < end]
        if opened and (is_rule or word != "or"):
            message = "an `or` is appended at top level: what stands before it need not hold any more"
            hint = "replace the whole condition, with parentheses around what belongs together"
            yield Diagnostic(Code.WARN_APPENDED_CONDITION, message, opened[0].span, item, hint)
