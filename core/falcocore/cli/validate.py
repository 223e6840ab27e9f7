"""`falcocore validate`: every mistake of rule files, at its place."""

from __future__ import annotations

import argparse
from dataclasses import replace

import msgspec

from falcocore import rulefiles
from falcocore.app import open_project
from falcocore.cli.request import print_note, request_of
from falcocore.rules.lint import lint
from falcocore.rules.loader import Catalogue, LoadResult, load
from falcocore.rules.results import file_results


def run(options: argparse.Namespace) -> int:
    """Check the files as if every installed source were running; 1 where one can't be used."""
    # The files take the place of those that the configuration names, which may not be there.
    request = replace(request_of(options), rules=tuple(options.files))
    project = open_project(request, print_note)
    catalogue = Catalogue(project.tables, frozenset(project.tables))
    settings = project.settings.load
    loaded = load(rulefiles.read_files(project.rule_files), catalogue, settings)
    lint(loaded, first=settings.first)
    _print(loaded, options.format or ("falco" if project.settings.format.json_output else "text"))
    return 1 if loaded.errors or (options.strict and loaded.diagnostics) else 0


def _print(loaded: LoadResult, form: str) -> None:
    """Print what was found, as text or on one line of JSON."""
    match form:
        case "text":
            _print_text(loaded)
            return
        case "sarif":
            from falcocore.rules.sarif import sarif_log

            found = sarif_log(loaded)
        case _:
            found = {"falco_load_results": file_results(loaded, places=form == "json")}
    print(msgspec.json.encode(found).decode())  # noqa: T201


def _print_text(loaded: LoadResult) -> None:
    """What was said about each file, and the verdict as the last line on it."""
    for file in loaded.files:
        said = loaded.of(file)
        for diagnostic in said:
            print(diagnostic, end="\n\n")  # noqa: T201
        errors = sum(d.is_error for d in said)
        warnings = len(said) - errors
        verdict = "Invalid" if errors else "Ok, with warnings" if warnings else "Ok"
        counts = [
            f"{n} {word}{'s' if n != 1 else ''}"
            for n, word in ((errors, "error"), (warnings, "warning"))
            if n
        ]
        print(f"{file.name}: {verdict}" + (f" ({', '.join(counts)})" if counts else ""))  # noqa: T201
