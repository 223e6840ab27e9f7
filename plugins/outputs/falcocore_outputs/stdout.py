"""Alerts on standard output, one line each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from falcocore.api import Alert, Output, OutputError, OutputGone
from falcocore_outputs.lines import LineWriter


class StdoutOutput(Output):
    """One line for each alert on standard output.

    They are written past Python's buffer: what is written is written.
    """

    name: ClassVar[str] = "stdout"

    def __init__(self) -> None:
        self._lines = LineWriter()

    def open(self) -> None:
        """See that there is a standard output."""
        if sys.stdout is None:
            raise OutputError(
                "standard output is closed",
                hint="redirect it, or switch it off with stdout_output.enabled=false",
            )

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Write the lines.

        Raises:
            OutputGone: the reader has closed the pipe.
            OutputError: it can't be written, as on a full disk.
        """
        buffer: Any = sys.stdout.buffer
        try:
            self._lines.write(getattr(buffer, "raw", buffer), alerts)
        except BrokenPipeError:
            raise OutputGone("standard output was closed by its reader") from None
        except OSError as error:
            raise OutputError(f"standard output can't be written: {error.strerror or error}") from None
