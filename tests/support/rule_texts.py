"""Rule files as texts, and what was said about them in short."""

from __future__ import annotations

from collections.abc import Iterable

from falcocore.lang.diagnostics import Diagnostic
from falcocore.rules.loader import LoadResult


def rule(condition: str, name: str = "A", *more: str, output: str = "o", source: str = "t") -> str:
    """A rule item whose `condition:` has the YAML given; `more` are further lines of the item."""
    lines = [
        f"- rule: {name}",
        f"condition: {condition}",
        "desc: d",
        f"output: {output}",
        "priority: INFO",
        f"source: {source}",
        *more,
    ]
    return "\n  ".join(lines) + "\n"


def codes(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """The codes in order, without their common beginning."""
    return [d.code.value.removeprefix("LOAD_") for d in diagnostics]


def reasons(result: LoadResult) -> dict[str, str | None]:
    """Rule to the reason why it does not run, in order of the rules."""
    return {loaded.definition.name: loaded.reason for loaded in result.rules}


def running(result: LoadResult, source: str = "t") -> list[str]:
    """The names of the rules that run, in order."""
    return [rule.name for rule in result.rule_sets[source].rules]
