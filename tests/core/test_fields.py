"""What a field may be, and the table of a source's fields."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from falcocore.errors import PluginError
from falcocore.fields import Argument, ArgumentKind, Field, FieldTable
from falcocore.types import LIST_ELEMENT_TYPES, FieldType


def field(name: str, kind: FieldType = FieldType.STRING, **more: Any) -> Field:
    return Field(name, kind, "d", lambda event: event, **more)


@pytest.fixture
def table() -> FieldTable:
    return FieldTable("ticks", [(field("t.name"), "plugin one"), (field("t.number"), "plugin two")])


@pytest.mark.parametrize("kind", [kind for kind in FieldType if kind in LIST_ELEMENT_TYPES])
def test_a_list_of_a_listable_type(kind: FieldType) -> None:
    assert field("t.list", kind, is_list=True).is_list


@pytest.mark.parametrize("kind", [kind for kind in FieldType if kind not in LIST_ELEMENT_TYPES])
def test_a_list_of_another_type_is_refused(kind: FieldType) -> None:
    with pytest.raises(ValueError, match=f"^field t.list: a list of {kind.label} is not possible$"):
        field("t.list", kind, is_list=True)


def test_a_getter_for_alerts_and_an_argument_exclude_each_other() -> None:
    with pytest.raises(ValueError, match=r"^field t\.x: `captured` and an argument exclude each other$"):
        field("t.x", argument=Argument(ArgumentKind.KEY), captured=lambda event: event)


def test_a_declared_field_does_not_change() -> None:
    one = field("t.x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "t.y"  # type: ignore[misc]


def test_an_argument_is_optional_unless_it_is_said_to_be_required() -> None:
    assert not Argument(ArgumentKind.INDEX).required


def test_a_table_holds_fields_by_name_with_their_owners_in_order(table: FieldTable) -> None:
    added = field("t.flag", FieldType.BOOL)
    table.add(added, "plugin one")
    assert table.source == "ticks"
    assert [one.name for one in table] == ["t.name", "t.number", "t.flag"]
    assert len(table) == 3
    assert table.get("t.flag") is added
    assert [table.owner(one.name) for one in table] == ["plugin one", "plugin two", "plugin one"]


def test_a_table_does_not_hold_what_was_not_added(table: FieldTable) -> None:
    assert "t.name" in table
    assert "t.nam" not in table
    assert table.get("t.nam") is None
    assert len(FieldTable("empty")) == 0


@pytest.mark.parametrize(("name", "near"), [("t.nmae", "t.name"), ("t.numbr", "t.number"), ("zzz.q", None)])
def test_the_nearest_field(name: str, near: str | None, table: FieldTable) -> None:
    assert table.nearest(name) == near


def test_a_second_field_of_the_same_name_is_refused_and_the_first_stays(table: FieldTable) -> None:
    first = table.get("t.name")
    with pytest.raises(PluginError) as caught:
        table.add(field("t.name"), "plugin three")
    assert caught.value.message == (
        "field t.name of source ticks is declared twice: by plugin one and by plugin three"
    )
    assert caught.value.hint == "uninstall one of the two, or ask its author for another field name"
    assert table.get("t.name") is first
    assert len(table) == 2
