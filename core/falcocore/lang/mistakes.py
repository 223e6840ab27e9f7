"""From the place where a parse ended to a message that helps."""

from __future__ import annotations

import re

from falcocore.errors import nearest
from falcocore.lang import words
from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.lang.text import Text

_FOUND = re.compile(rf"{words.NAME}\(?|{words.QUOTED}|&&|\|\||[\"']|{words.BARE}|.", re.DOTALL)

_HINTS = {
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    "AND": "keywords are lower case: `and`",
    "OR": "keywords are lower case: `or`",
    "NOT": "keywords are lower case: `not`",
    "and": "something is missing before `and`",
    "or": "something is missing before `or`",
    "not": "`not` stands before the field: `not FIELD in (...)`",
    "<>": "write `!=`",
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
    said = f"found `{word}`" if word else "found the end"
    expected = message.removeprefix("Expected ").removeprefix("expected ")
    full = f"expected {expected}, {said}" if message[:8].lower() == "expected" else message
    span = text.span(at, at + max(1, len(word)) if word else at)
    return Diagnostic(Code.COMPILE_CONDITION, full, span, hint=_hint(text.value, at, word))


def _hint(value: str, at: int, word: str) -> str | None:
    if word in _HINTS:
        return _HINTS[word]
    if word.endswith("(") and word[:-1] not in {"", *words.KEYWORDS}:
        name = word[:-1]
        if name in words.STRING_OPERATORS:
            return f"put a blank after `{name}`, and the value without parentheses"
        near = nearest(name, words.TRANSFORMERS)
        known = ", ".join(words.TRANSFORMERS)
        return f"did you mean `{near}(`?" if near else f"the transformers are {known}"
    if word == "(" and re.search(rf"(?:{'|'.join(words.TRANSFORMERS)}|val)\s+$", value[:at]):
        return "no blank stands between a transformer and its parenthesis"
    near = nearest(word, words.ALL_OPERATORS, cutoff=0.75) if word else None
    return f"did you mean `{near}`?" if near and near != word else None
