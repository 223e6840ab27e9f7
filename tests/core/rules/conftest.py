"""A source `t` with four fields, as in the rule vectors, and a loader of rule texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from falcocore.fields import Field, FieldTable
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, LoadResult, LoadSettings, load
from falcocore.types import FieldType

Load = Callable[..., LoadResult]


def _field(name: str, kind: FieldType, *, is_list: bool = False, suggested: bool = False) -> Field:
    return Field(name, kind, "d", lambda event: event.get(name), is_list=is_list, suggested=suggested)


@pytest.fixture
def catalogue() -> Catalogue:
    table = FieldTable("t")
    for field in (
        _field("t.str", FieldType.STRING),
        _field("t.str2", FieldType.STRING, suggested=True),
        _field("t.num", FieldType.UINT64),
        _field("t.list", FieldType.STRING, is_list=True),
    ):
        table.add(field, "test")
    other = FieldTable("other", [(_field("o.str", FieldType.STRING), "test")])
    return Catalogue({"t": table, "other": other}, frozenset({"t"}))


@pytest.fixture
def load_texts(catalogue: Catalogue) -> Load:
    """Loads texts as files `0.yaml`, `1.yaml`, ..."""

    def run(*texts: str, **settings: object) -> LoadResult:
        files = [SourceFile(f"{number}.yaml", text) for number, text in enumerate(texts)]
        return load(files, catalogue, LoadSettings(**settings))  # type: ignore[arg-type]

    return run
