"""What is wrong with a rule file: code, place, caret, what was expected, what to do."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from falcocore.errors import FalcocoreError
from falcocore.lang.text import Span


class Code(enum.Enum):
    """Stable codes, Falco's where it has one; the value is Falco's fixed short text in our words."""

    YAML_PARSE = "LOAD_ERR_YAML_PARSE"
    YAML_VALIDATE = "LOAD_ERR_YAML_VALIDATE"
    FILE_READ = "LOAD_ERR_FILE_READ"
    COMPILE_CONDITION = "LOAD_ERR_COMPILE_CONDITION"
    COMPILE_OUTPUT = "LOAD_ERR_COMPILE_OUTPUT"
    VALIDATE = "LOAD_ERR_VALIDATE"
    PLUGIN_VERSION = "LOAD_ERR_PLUGIN_VERSION"
    WARN_UNKNOWN_SOURCE = "LOAD_UNKNOWN_SOURCE"
    WARN_UNSAFE_NA_CHECK = "LOAD_UNSAFE_NA_CHECK"
    WARN_NO_EVTTYPE = "LOAD_NO_EVTTYPE"
    WARN_UNKNOWN_FILTER = "LOAD_UNKNOWN_FILTER"
    WARN_UNUSED_MACRO = "LOAD_UNUSED_MACRO"
    WARN_UNUSED_LIST = "LOAD_UNUSED_LIST"
    WARN_UNKNOWN_ITEM = "LOAD_UNKNOWN_ITEM"
    WARN_UNKNOWN_KEY = "LOAD_UNKNOWN_KEY"
    WARN_DEPRECATED_ITEM = "LOAD_DEPRECATED_ITEM"
    WARN_APPEND_NO_VALUES = "LOAD_APPEND_NO_VALUES"
    WARN_EXCEPTION_NAME_NOT_UNIQUE = "LOAD_EXCEPTION_NAME_NOT_UNIQUE"
    WARN_INVALID_MACRO_NAME = "LOAD_INVALID_MACRO_NAME"
    WARN_INVALID_LIST_NAME = "LOAD_INVALID_LIST_NAME"
    WARN_COMPILE_CONDITION = "LOAD_COMPILE_CONDITION"
    WARN_SHADOWED_RULE = "LOAD_SHADOWED_RULE"
    WARN_APPENDED_CONDITION = "LOAD_APPENDED_CONDITION"
    WARN_EXCEPTION_NO_VALUES = "LOAD_EXCEPTION_NO_VALUES"

    @property
    def is_error(self) -> bool:
        """True where the rules can't be used."""
        return self.value.startswith("LOAD_ERR_")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to tell the author of a rule file.

    `item` names the rule, macro or list (`rule "X"`); `related` holds further places with what each is
    (`used by rule "X"`). `unknown_field` is the field that no loaded plugin offers, where that is the
    matter: `skip-if-unknown-filter` forgives it.
    """

    code: Code
    message: str
    span: Span | None = None
    item: str | None = None
    hint: str | None = None
    related: tuple[tuple[str, Span], ...] = ()
    unknown_field: str | None = None

    @property
    def is_error(self) -> bool:
        """True where the rules can't be used."""
        return self.code.is_error

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The message as a user reads it: place, code, source line, caret, item, hint."""
        word = "error" if self.is_error else "warning"
        where = _where(self.span) + ": " if self.span else ""
        lines = [f"{where}{word}: {self.message} [{self.code.value}]"]
        if self.span:
            lines += _snippet(self.span)
        if self.item and not self.message.startswith(self.item):
            lines.append(f"  in {self.item}")
        lines += [f"  {label}: {_where(span)}" for label, span in self.related]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return lines


def _where(span: Span) -> str:
    line, column = span.position
    return f"{span.file.name}:{line}:{column}"


def _snippet(span: Span) -> list[str]:
    number, _ = span.position
    line, carets = marked_line(span)
    return [f"  {number} | {line}", f"  {' ' * len(str(number))} | {carets}"]


_WIDTH = 120


def marked_line(span: Span) -> tuple[str, str]:
    """The line in which a span begins, and below it carets that stand under the span in a terminal."""
    number, column = span.position
    line = span.file.line(number)
    # A window into a long line, so that the caret stays in sight.
    first = max(0, column - 1 - _WIDTH // 2) if len(line) > _WIDTH else 0
    shown = "".join(c if c.isprintable() else " " for c in line[first : first + _WIDTH])
    before = shown[: column - 1 - first]
    marked = shown[len(before) : len(before) + span.end - span.start]
    return shown, " " * _cells(before) + "^" * max(1, _cells(marked))


def _cells(text: str) -> int:
    """The columns of a terminal that a text takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


class ConditionError(FalcocoreError):
    """A condition, an output template or a literal that can't be used; holds what to say and where.

    `more` are further mistakes, where reading went on after the first.
    """

    def __init__(self, diagnostic: Diagnostic, more: Sequence[Diagnostic] = ()) -> None:
        super().__init__(diagnostic.message, hint=diagnostic.hint)
        self.diagnostic = diagnostic
        self.all = (diagnostic, *more)


@dataclass(slots=True)
class Report:
    """Collects diagnostics; the same one is kept once."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic, unless the same is known for the same place."""
        span = diagnostic.span
        place = (span.file.name, span.start, span.end) if span else (diagnostic.item,)
        identity = (diagnostic.code, diagnostic.message, *place)
        if identity not in self._seen:
            self._seen.add(identity)
            self.diagnostics.append(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep several."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def errors(self) -> list[Diagnostic]:
        """Those for which the rules can't be used."""
        return [d for d in self.diagnostics if d.is_error]

    @property
    def warnings(self) -> list[Diagnostic]:
        """The others."""
        return [d for d in self.diagnostics if not d.is_error]
