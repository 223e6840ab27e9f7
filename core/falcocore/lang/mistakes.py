"""From the place where a parse ended to a message that helps."""

from __future__ import annotations

import re

from falcocore.errors import nearest
from falcocore.lang import words
from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.lang.text import Span, Text

_FOUND = re.compile(
    rf"{words.NAME}(?:\.{words.NAME})*\(?|{words.QUOTED}|&&|\|\||[\"']|{words.BARE}|.", re.DOTALL
)

_HINTS = {
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    "and": "something is missing before `and`",
    "or": "something is missing before `or`",
    "not": "`not` stands before the field: `not FIELD in (...)`",
    "<>": "write `!=`",
    "equals": "write `=`",
    "like": "there are contains, startswith, endswith, glob and regex",
    "matches": "there are contains, startswith, endswith, glob and regex",
    "[": 'an argument has no blanks in or before its brackets; quote it if it holds any: field["a b"]',
    '"': "the quote is not closed; a quoted text can't end in a backslash",
    "'": "the quote is not closed; a quoted text can't end in a backslash",
    "val(": "val() stands on the right of an operator only, around one plain field",
}


def explain(text: Text, at: int, message: str) -> Diagnostic:
    """A diagnostic for a parser's message at an offset of the text."""
    at += len(text.value[at:]) - len(text.value[at:].lstrip(" \t\b\r\n"))
    found = _FOUND.match(text.value, at)
    word = found.group() if found else ""
    said = f"found `{_shown(word)}`" if word else "found the end"
    expected = message.removeprefix("Expected ").removeprefix("expected ")
    full = f"expected {expected}, {said}" if message[:8].lower() == "expected" else message
    span = text.span(at, at + max(1, len(word)) if word else at)
    hint = _hint(text.value, at, word, expected)
    return Diagnostic(Code.COMPILE_CONDITION, full, span, hint=hint, related=_opened(text, at, expected))


# A quote that is never closed takes the rest, as it does for the parser.
_PARENTHESES = re.compile(rf"{words.QUOTED}|[\"'].*|[()]", re.DOTALL)


def _opened(text: Text, at: int, expected: str) -> tuple[tuple[str, Span], ...]:
    """The parenthesis that is still open where its end was expected."""
    if not expected.endswith(")"):
        return ()
    opened: list[int] = []
    for found in _PARENTHESES.finditer(text.value, 0, at):
        if found.group() == "(":
            opened.append(found.start())
        elif found.group() == ")" and opened:
            opened.pop()
    return tuple(("opened", text.span(start, start + 1)) for start in opened[-1:])


_WORDS = frozenset({*words.KEYWORDS, *words.ALL_OPERATORS, *words.MODIFIERS})
_SHOWN = 60
"""Characters of a word that a message repeats; below it stands the line itself."""


def _shown(word: str) -> str:
    line = re.sub(r"\s", " ", word)
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _hint(value: str, at: int, word: str, expected: str) -> str | None:
    if word in _HINTS:
        return _HINTS[word]
    if word.startswith("#"):
        return "a condition has no comments: put them outside of its text"
    if word.startswith("!"):
        return _HINTS["!"]
    if word.startswith("[") and expected.startswith("a list in parentheses"):
        return "a list stands in parentheses: (a, b)"
    # `NOT` was taken for a macro, and the parse ended behind it.
    for said in (word, *value[:at].rsplit(maxsplit=1)[-1:]):
        if said.isupper() and said.lower() in _WORDS:
            return f"the words of the language are lower case: `{said.lower()}`"
    if word.endswith("(") and word[:-1] not in {"", *words.KEYWORDS}:
        name = word[:-1]
        if name in words.STRING_OPERATORS:
            return f"put a blank after `{name}`, and the value without parentheses"
        near = nearest(name, words.TRANSFORMERS)
        known = ", ".join(words.TRANSFORMERS)
        return f"did you mean `{near}(`?" if near else f"the transformers are {known}"
    if word == "(" and re.search(rf"(?:{'|'.join(words.TRANSFORMERS)}|val)\s+$", value[:at]):
        return "no blank stands between a transformer and its parenthesis"
    if not word:
        return None
    follows = expected.startswith("and, or")
    near = nearest(word, words.KEYWORDS if follows else words.ALL_OPERATORS, cutoff=0.75)
    if near and near != word:
        return f"did you mean `{near}`?"
    if not follows:
        return None
    if word == ")":
        return "no parenthesis is open here"
    if word in words.ALL_OPERATORS:
        return "on the left of an operator stands a field such as ka.user.name, or a transformer"
    return "checks are joined by `and` or `or`; a value with blanks, commas or parentheses needs quotes"
