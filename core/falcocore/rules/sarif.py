"""Diagnostics as SARIF 2.1.0, OASIS's format of results of static analysis, which code scanning reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from falcocore import __version__
from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.lang.text import Span
from falcocore.rules.loader import LoadResult
from falcocore.rules.results import code_words

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_log(loaded: LoadResult) -> dict[str, Any]:
    """A log with one run; paths are as they were given, lines and columns count from 1."""
    codes = list(dict.fromkeys(diagnostic.code for diagnostic in loaded.diagnostics))
    files = {file.name for file in loaded.files}
    driver = {
        "name": "falcocore",
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    results = [_result(diagnostic, codes, files) for diagnostic in loaded.diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.value,
        "shortDescription": {"text": code_words(code)},
        "defaultConfiguration": {"level": _level(code)},
    }


def _level(code: Code) -> str:
    return "error" if code.is_error else "warning"


def _result(diagnostic: Diagnostic, codes: list[Code], files: set[str]) -> dict[str, Any]:
    item = f" (in {diagnostic.item})" if diagnostic.item else ""
    hint = f"\n{diagnostic.hint}" if diagnostic.hint else ""
    found: dict[str, Any] = {
        "ruleId": diagnostic.code.value,
        "ruleIndex": codes.index(diagnostic.code),
        "level": _level(diagnostic.code),
        "message": {"text": f"{diagnostic.message}{item}{hint}"},
    }
    # What the configuration adds to rules has no file that could be shown.
    if diagnostic.span is not None and diagnostic.span.file.name in files:
        found["locations"] = [_location(diagnostic.span)]
    related = [
        {**_location(span), "message": {"text": label}}
        for label, span in diagnostic.related
        if span.file.name in files
    ]
    return {**found, "relatedLocations": related} if related else found


def _location(span: Span) -> dict[str, Any]:
    path = Path(span.file.name)
    line, column = span.position
    end_line, end_column = span.file.position(max(span.end, span.start + 1))
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())},
            "region": {
                "startLine": line,
                "startColumn": column,
                "endLine": end_line,
                "endColumn": end_column,
            },
        }
    }
