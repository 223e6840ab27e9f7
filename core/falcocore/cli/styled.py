"""Lines with colours on a terminal, and without them elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeAlias

Line: TypeAlias = tuple[tuple[str, str], ...]
"""Texts, each with a style of rich: empty, or words such as `bold` and `red`."""


def plain(line: Line) -> str:
    """The line without its styles."""
    return "".join(text for text, _ in line)


def print_piece(text: str, style: str = "") -> None:
    """Print a part of a line, at once."""
    if not sys.stdout.isatty():
        print(text, end="", flush=True)  # noqa: T201
        return
    from rich.console import Console
    from rich.text import Text

    Console(highlight=False).print(Text(text, style), end="", soft_wrap=True)


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines to stdout as each is made."""
    if not sys.stdout.isatty():
        for line in lines:
            print(plain(line))  # noqa: T201
        sys.stdout.flush()  # Whoever reads events as they come wants to see what came of them.
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)
