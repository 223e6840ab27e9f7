"""What `falcocore describe RULE --compiled` shows: generated code, and what an event's key leaves of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from falcocore.errors import ConfigError, nearest
from falcocore.lang.compile import Program, code_of
from falcocore.lang.dispatch import OTHER, KeyField
from falcocore.lang.literals import convert
from falcocore.ruleset import Rule


def compiled_lines(rule: Rule, rules: Sequence[Rule], known: Sequence[str]) -> Iterator[str]:
    """The code of a rule among the rules of its source; `known` are entries FIELD=VALUE of a key.

    Raises:
        ConfigError: an entry names no field of the key, or no value of its type.
    """
    key_fields = {field.bound.label: field for field in Program(rules, first=True).key}
    yield f"  dispatched on: {', '.join(key_fields) or 'nothing, there are too few rules for that'}"
    yield "  compiled:"
    yield from _indented(code_of(rule) or "")
    if not known:
        return
    entries = [_entry(text, key_fields) for text in known]
    code = code_of(rule, [field for field, _ in entries], tuple(value for _, value in entries))
    shown = ", ".join(
        f"{field.bound.label}: {'absent' if value is None else value}" for field, value in entries
    )
    yield f"  left for {shown}:"
    yield from _indented(code or "nothing: the rule can't match such an event")


def _entry(text: str, fields: dict[str, KeyField]) -> tuple[KeyField, Any]:
    """A field of the key, and what stands there for the value that is given: itself, OTHER, or None."""
    label, equals, value = text.partition("=")
    if label not in fields or not equals:
        near = nearest(label, fields)
        hint = f"write FIELD=VALUE; fields are {', '.join(fields) or 'none'}"
        raise ConfigError(
            f"--key {text}: {label} is no field to dispatch on",
            hint=f"did you mean {near}? {hint}" if near else hint,
        )
    field = fields[label]
    if not value:
        return field, None
    try:
        converted = convert(value, field.bound.type, "=")
    except ValueError as error:
        raise ConfigError(f"--key {text}: {error}") from None
    return field, converted if converted in field.mentioned else OTHER


def _indented(code: str) -> Iterator[str]:
    for line in code.rstrip().splitlines():
        yield f"    {line}"
