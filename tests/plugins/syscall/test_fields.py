"""The fields as a whole, held against the reference's list where it is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from falcocore.generic_fields import GENERIC_FIELDS
from falcocore_syscall.fields import FIELDS

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "fields-syscall.json"
OWN = {"evt.abspath.src", "evt.abspath.dst"}
"""Upstream has these two as arguments of `evt.abspath`."""
OTHER_TYPE = {"evt.rawarg"}
"""Its type is that of its argument."""


def test_every_field_has_a_doc_of_one_line() -> None:
    assert [field.name for field in FIELDS if not field.doc.endswith(".") or "\n" in field.doc] == []


def test_the_fields_are_those_of_the_reference() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference's list of fields is not here")
    wanted = {field["name"]: field for field in json.loads(REFERENCE.read_text())["fields"]}
    found = {field.name: field for field in [*GENERIC_FIELDS, *FIELDS]}
    assert found.keys() - wanted.keys() == OWN
    assert wanted.keys() - found.keys() == set()
    for name, reference in wanted.items():
        field = found[name]
        assert field.deprecated == reference["deprecated"], name
        assert field.is_list == reference["list"], name
        assert field.printable != reference["filter_only"], name
        assert field.filterable != reference["print_only"], name
        assert bool(field.suggested) == bool(reference.get("suggested_output")), name
        if name not in OTHER_TYPE:
            assert field.type.label == reference["type"], name
        if name != "evt.abspath":
            assert (field.argument is not None) == (reference["arg"] is not None), name
