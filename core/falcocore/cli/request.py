"""From parsed arguments to what the application is asked for."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from falcocore.app import Request


def request_of(options: argparse.Namespace) -> Request:
    """The request that the arguments make; a command may lack some of them."""
    return Request(
        config=Path(options.config) if options.config is not None else None,
        overrides=tuple(options.overrides),
        sources=tuple(getattr(options, "sources", ())),
        rules=tuple(getattr(options, "rules", ())),
    )


def print_note(text: str) -> None:
    """Say what is odd about the configuration, for commands that keep no log."""
    print(f"Warning: {text}", file=sys.stderr)  # noqa: T201
