"""How listings are shown: a table on a terminal, columns split by tabs elsewhere, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""Column to a text, or to a sequence of things with a text of their own."""


def show(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print rows that all have the same columns."""
    if as_json:
        import msgspec

        print(msgspec.json.encode(rows).decode())  # noqa: T201
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        _print_lines(rows)


def show_part(title: str, rows: Sequence[Row]) -> None:
    """Print rows below a title, with the names of their columns; nothing where there are no rows."""
    if not rows:
        return
    print(f"\n{title}")  # noqa: T201
    if sys.stdout.isatty():
        _print_table(rows)
    else:
        print("\t".join(rows[0]))  # noqa: T201
        _print_lines(rows)


def _print_lines(rows: Sequence[Row]) -> None:
    for row in rows:
        print("\t".join(_text(value, "; ") for value in row.values()))  # noqa: T201


def _print_table(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    used = [name for name in (rows[0] if rows else ()) if any(row[name] for row in rows)]
    table = Table(*used, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(_text(row[name], "\n") for name in used))
    Console(markup=False).print(table)


def _text(value: Any, separator: str) -> str:
    return value if isinstance(value, str) else separator.join(str(one) for one in value)


def on_one_line(text: str) -> str:
    """A text as one cell of a row."""
    return " ".join(text.split())


def first_line(cls: type) -> str:
    """What a class says of itself."""
    lines = (cls.__doc__ or "").strip().splitlines()
    return lines[0] if lines else ""
