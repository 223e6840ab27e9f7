"""Alerts on standard output, one line each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar

from falcocore.api import Alert, Output, OutputGone


class StdoutOutput(Output):
    """Writes each group of alerts in one go and flushes it."""

    name: ClassVar[str] = "stdout"

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Write the lines.

        Raises:
            OutputGone: the reader has closed the pipe.
        """
        stream = sys.stdout.buffer
        try:
            stream.write("".join(f"{alert.line}\n" for alert in alerts).encode("utf-8", "replace"))
            stream.flush()
        except BrokenPipeError:
            raise OutputGone("standard output was closed by its reader") from None
