"""What a test file holds. The JSON Schema for editors is made from these structs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Pointer = Annotated[
    str, Meta(description="JSON pointer, such as /objectRef/name.", extra_json_schema={"pattern": "^/"})
]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of the structs: a key that is not known is a mistake."""


class Given(_Strict, frozen=True):
    """An event: written here, one of those under `bases`, or all of a file; with changes to it."""

    event: Annotated[Any, Meta(description="The event, as its source describes one.")] = UNSET
    base: Annotated[str | UnsetType, Meta(description="Name of an event under `bases`.")] = UNSET
    file: Annotated[
        str | UnsetType,
        Meta(description="A file of events that the source reads; under `bases`, of one, as JSON or YAML."),
    ] = UNSET
    set: Annotated[
        dict[Pointer, Any],
        Meta(description="Values to put in, by JSON pointer. Maps that are missing are made; /- appends."),
    ] = {}
    remove: Annotated[list[Pointer], Meta(description="What to take out before that, by JSON pointer.")] = []


class Expected(_Strict, frozen=True):
    """Alerts of one rule; several entries for a rule take its alerts one after the other."""

    rule: Annotated[str, Meta(description="Name of the rule.")]
    count: Annotated[int, Meta(ge=0, description="How many alerts it raises.")] = 1
    fields: Annotated[
        dict[str, Any],
        Meta(description="Values of `output_fields`, null for an absent one. Others are not compared."),
    ] = {}


class Case(_Strict, frozen=True):
    """Events in order, and the alerts that they raise; any other alert fails the case."""

    name: Annotated[str, Meta(min_length=1, description="What is tested, unique in the file.")]
    events: Annotated[list[Given], Meta(min_length=1, description="The events, in order.")]
    expect: Annotated[
        Literal["none"] | list[str | Expected],
        Meta(description="The rules that alert, by name or with count and fields; or none."),
    ]
    source: Annotated[str | UnsetType, Meta(description="Source of the events (default: the file's).")] = (
        UNSET
    )
    only: Annotated[
        list[str], Meta(description="Run these rules alone, be they enabled or not (default: all).")
    ] = []


class Exemption(_Strict, frozen=True):
    """Something that no test covers, and why that is right."""

    reason: Annotated[str, Meta(min_length=1, description="Why no test covers it.")]
    rule: Annotated[str | UnsetType, Meta(description="Name of the rule (default: any).")] = UNSET
    check: Annotated[
        str | UnsetType, Meta(description="The check, as the report has it (default: the whole rule).")
    ] = UNSET
    outcome: Annotated[
        bool | UnsetType, Meta(description="The outcome that the check never has (default: either).")
    ] = UNSET


class CaseFile(_Strict, frozen=True):
    """Unit tests of rules for `falcocore test`."""

    cases: Annotated[list[Case], Meta(description="The tests.")]
    rules: Annotated[
        list[str],
        Meta(
            description="Rule files under test, in order: relative to the test file, or pack:NAME "
            "(default: the bundled packs of the sources)."
        ),
    ] = []
    source: Annotated[str | UnsetType, Meta(description="Source of the events of all cases.")] = UNSET
    rule_matching: Annotated[
        Literal["first", "all"],
        Meta(description="Whether only the first rule that matches an event alerts, as it is by default."),
    ] = "first"
    bases: Annotated[dict[str, Given], Meta(description="Events with names, to begin others with.")] = {}
    uncovered: Annotated[
        list[Exemption], Meta(description="What the coverage does not ask for, with reasons.")
    ] = []
