"""What `falcocore validate` finds suspicious in rules that load: warnings beyond those of loading."""

from __future__ import annotations

from collections.abc import Iterator

from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.rules.appended import surprising_appends
from falcocore.rules.collection import ExceptionDefinition
from falcocore.rules.describe import parsed
from falcocore.rules.loader import LoadResult, in_order
from falcocore.rules.shadowing import shadowed_rules


def lint(loaded: LoadResult, *, first: bool) -> None:
    """Add the warnings to those of loading. `first`: only the first rule that matches an event alerts."""
    found = [*_appends(loaded), *_exceptions(loaded)]
    if first and not loaded.errors:
        # What is broken covers nothing, and may have been meant to.
        found += shadowed_rules(loaded.rules)
    loaded.diagnostics = in_order([*loaded.diagnostics, *found], loaded.files)


def _appends(loaded: LoadResult) -> Iterator[Diagnostic]:
    for name, rule in loaded.collection.rules.items():
        yield from surprising_appends(rule.condition, parsed(rule.condition), f'rule "{name}"', is_rule=True)
    for name, macro in loaded.collection.macros.items():
        tree = loaded.definitions.written_macros.get(name)
        yield from surprising_appends(macro.condition, tree, f'macro "{name}"', is_rule=False)


def _exceptions(loaded: LoadResult) -> Iterator[Diagnostic]:
    for name, rule in loaded.collection.rules.items():
        for exception in rule.exceptions:
            if not exception.values and not exception.is_open:
                yield _without_values(exception, f'rule "{name}"')


def _without_values(exception: ExceptionDefinition, item: str) -> Diagnostic:
    message = f"exception `{exception.name}` has no values, and leaves nothing out"
    hint = "add `values:`; `values: []` says that others are to append them"
    if exception.near_miss is not None:
        hint = f"did you mean `values` instead of `{exception.near_miss}`?"
    return Diagnostic(Code.WARN_EXCEPTION_NO_VALUES, message, exception.span, item, hint)
