"""A program that runs while this one records."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import IO

from falcocore.api import ConfigError

_BY_SIGNAL = 128
"""What shells add to the number of the signal that has ended a program."""


class Companion:
    """A program that was started.

    Raises:
        ConfigError: it can't be started.
    """

    def __init__(self, command: Sequence[str], stdout: IO[str] | None = None) -> None:
        """Start it; `stdout` is where it writes, where this is not to be our own."""
        try:
            self._process = subprocess.Popen(command, stdout=stdout)  # noqa: S603 - the user's own command
        except OSError as error:
            raise ConfigError(f"{command[0]} can't be run: {error.strerror}") from None
        self._handle = os.pidfd_open(self._process.pid)

    def fileno(self) -> int:
        """Readable when it has ended."""
        return self._handle

    def send_signal(self, number: int) -> None:
        """Pass a signal on."""
        self._process.send_signal(number)

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return self._process.poll() is not None

    def status(self) -> int:
        """Its exit status as shells have it; waits for its end."""
        code = self._process.wait()
        return code if code >= 0 else _BY_SIGNAL - code

    def close(self) -> None:
        """Let go of it."""
        os.close(self._handle)
