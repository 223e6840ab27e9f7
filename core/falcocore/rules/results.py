"""Falco's JSON objects for the result of loading rule files (rules-language, section 7)."""

from __future__ import annotations

from typing import Any

from falcocore.lang.diagnostics import Diagnostic
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import LoadResult
from falcocore.rules.schema import schema_problems


def file_results(loaded: LoadResult) -> list[dict[str, Any]]:
    """One object for each file. Positions count from 0, as Falco's do, and are those of the user's file."""
    return [_result(file, loaded) for file in loaded.files]


def _result(file: SourceFile, loaded: LoadResult) -> dict[str, Any]:
    said = loaded.of(file)
    problems = schema_problems(file)
    return {
        "name": file.name,
        "successful": not any(d.is_error for d in said),
        "schema_valid": not problems,
        "schema_warnings": problems,
        "errors": [_entry(d, file) for d in said if d.is_error],
        "warnings": [_entry(d, file) for d in said if not d.is_error],
    }


def _entry(diagnostic: Diagnostic, file: SourceFile) -> dict[str, Any]:
    span = diagnostic.span
    line, column = span.position if span else (1, 1)
    item_type, _, item_name = (diagnostic.item or "rules content item").partition(' "')
    location = {
        "item_type": item_type,
        "item_name": item_name.rstrip('"'),
        "position": {
            "name": file.name,
            "line": line - 1,
            "column": column - 1,
            "offset": span.start if span else 0,
        },
    }
    snippet = f"{span.file.line(line)}\n{' ' * (column - 1)}^\n" if span else ""
    return {
        "code": diagnostic.code.value,
        "codedesc": diagnostic.code.name.removeprefix("WARN_").replace("_", " ").lower(),
        "message": diagnostic.message if not diagnostic.hint else f"{diagnostic.message} ({diagnostic.hint})",
        "context": {"locations": [location], "snippet": snippet},
    }
