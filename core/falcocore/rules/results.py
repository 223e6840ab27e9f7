"""Falco's JSON objects for the result of loading rule files (rules-language, section 7)."""

from __future__ import annotations

from typing import Any

from falcocore.lang.diagnostics import Code, Diagnostic, marked_line
from falcocore.lang.text import SourceFile, Span
from falcocore.rules.loader import LoadResult
from falcocore.rules.schema import schema_problems


def file_results(loaded: LoadResult, *, places: bool = False) -> list[dict[str, Any]]:
    """One object for each file. Positions count from 0, as Falco's do, and are those of the user's file.

    With `places`, each entry has a `place` and a `hint` beside Falco's keys: lines and columns count from 1.
    """
    return [_result(file, loaded, places) for file in loaded.files]


def _result(file: SourceFile, loaded: LoadResult, places: bool) -> dict[str, Any]:
    said = loaded.of(file)
    problems = schema_problems(file)
    checked = {} if problems is None else {"schema_valid": not problems}
    return {
        "name": file.name,
        "successful": not any(d.is_error for d in said),
        **checked,
        "schema_warnings": problems or [],
        "errors": [_entry(d, file, places) for d in said if d.is_error],
        "warnings": [_entry(d, file, places) for d in said if not d.is_error],
    }


def code_words(code: Code) -> str:
    """A code as words."""
    return code.name.removeprefix("WARN_").replace("_", " ").lower()


def _entry(diagnostic: Diagnostic, file: SourceFile, places: bool) -> dict[str, Any]:
    span = diagnostic.span
    item_type, _, item_name = (diagnostic.item or "rules content item").partition(' "')
    locations = [_location("rules content", "", SourceFile(file.name, ""), 0)]
    if span:
        locations.append(_location(item_type, item_name.removesuffix('"'), span.file, span.start))
    snippet = "".join(f"{line}\n" for line in marked_line(span)) if span else ""
    beside = {"place": _place(span), "hint": diagnostic.hint} if places else {}
    return {
        "code": diagnostic.code.value,
        "codedesc": code_words(diagnostic.code),
        "message": diagnostic.message if not diagnostic.hint else f"{diagnostic.message} ({diagnostic.hint})",
        "context": {"locations": locations, "snippet": snippet},
        **beside,
    }


def _place(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    line, column = span.position
    end_line, end_column = span.file.position(span.end)
    return {
        "file": span.file.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _location(item_type: str, item_name: str, file: SourceFile, offset: int) -> dict[str, Any]:
    line, column = file.position(offset)
    position = {"name": file.name, "line": line - 1, "column": column - 1, "offset": offset}
    return {"item_type": item_type, "item_name": item_name, "position": position}
