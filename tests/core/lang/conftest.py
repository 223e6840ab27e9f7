"""A source whose events are dicts: fields of every type, named as in the condition vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.fields import Argument, ArgumentKind, Field, FieldTable
from falcocore.lang.bound import BoundNode
from falcocore.lang.check import check_condition
from falcocore.lang.diagnostics import Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.resolve import Resolved, resolve
from falcocore.lang.syntax import Literal
from falcocore.lang.text import Span, Text
from falcocore.types import FieldType as Type

TYPES = {
    "s": Type.STRING,
    "u": Type.UINT64,
    "i": Type.INT64,
    "d": Type.DOUBLE,
    "b": Type.BOOL,
    "p": Type.PORT,
    "ip": Type.IPADDR,
    "net": Type.IPNET,
    "buf": Type.BUFFER,
    "path": Type.PATH,
    "rt": Type.RELTIME,
    "ls": Type.STRING,
    "lu": Type.UINT64,
    "lip": Type.IPADDR,
    "lnet": Type.IPNET,
}


def _keyed(name: str) -> Callable[[str | None], Callable[[dict[str, Any]], Any]]:
    def bind(key: str | None) -> Callable[[dict[str, Any]], Any]:
        return lambda event: event.get(name if key is None else f"{name}[{key}]")

    return bind


def _plain(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda event: event.get(name)


@pytest.fixture(scope="session")
def fields() -> FieldTable:
    table = FieldTable("test")
    for prefix, kind in TYPES.items():
        for name in (f"{prefix}.{letter}" for letter in "abc"):
            table.add(Field(name, kind, "d", _plain(name), is_list=prefix.startswith("l")), "test")
    table.add(Field("s.k", Type.STRING, "d", _keyed("s.k"), argument=Argument(ArgumentKind.KEY)), "test")
    table.add(
        Field("s.r", Type.STRING, "d", _keyed("s.r"), argument=Argument(ArgumentKind.KEY, True)), "test"
    )
    no = Field("s.x", Type.STRING, "d", _plain("s.x"), transformable=False, usable_on_right=False)
    table.add(no, "test")
    return table


class Names:
    """A scope with given macros and lists."""

    def __init__(self, macros: dict[str, Resolved] | None = None, **lists: str) -> None:
        self.macros = macros or {}
        self.lists = {name: tuple(Literal(w) for w in text.split()) for name, text in lists.items()}

    def macro(self, name: str) -> Resolved | None:
        return self.macros.get(name)

    def is_broken(self, name: str) -> bool:  # noqa: ARG002
        return False

    def macro_span(self, name: str) -> Span | None:  # noqa: ARG002
        return None

    def list_items(self, name: str) -> tuple[Literal, ...] | None:
        return self.lists.get(name)

    def macro_names(self) -> list[str]:
        return list(self.macros)

    def list_names(self) -> list[str]:
        return list(self.lists)


@pytest.fixture(scope="session")
def bind(fields: FieldTable) -> Callable[..., tuple[BoundNode | None, Report]]:
    """Condition text to (bound tree or None, what was reported); raises ConditionError for bad syntax."""

    def run(condition: str, names: Names | None = None) -> tuple[BoundNode | None, Report]:
        report = Report()
        resolved = resolve(parse_condition(Text.plain(condition)), names or Names(), report, 'rule "r"')
        if resolved is None or not resolved.is_whole:
            return None, report
        return check_condition(resolved.node, fields, report, 'rule "r"'), report

    return run
