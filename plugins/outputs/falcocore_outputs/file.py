"""Alerts in a file, one line each, appended."""

from __future__ import annotations

from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Annotated, ClassVar

from falcocore.api import Alert, Output, OutputError
from falcocore_outputs.lines import LineWriter


class FileOutput(Output):
    """Appends to a file that stays open; SIGUSR1 opens it again after it was rotated away."""

    name: ClassVar[str] = "file"

    def __init__(
        self,
        *,
        filename: Annotated[str, "path of the file; it is created where it does not exist, and appended to"],
        keep_alive: Annotated[
            bool, "keep the file open between alerts, instead of opening it for each group"
        ] = True,
    ) -> None:
        self._path = Path(filename)
        self._keep_alive = keep_alive
        self._file: FileIO | None = None
        self._lines = LineWriter()

    def open(self) -> None:
        """Open the file, so that a path that can't be written is known at the start."""
        self._opened()
        if not self._keep_alive:
            self.close()

    def _opened(self) -> FileIO:
        if self._file is None:
            try:
                self._file = self._path.open("ab", buffering=0)
            except OSError as error:
                raise OutputError(
                    f"{self._path} can't be opened: {error.strerror or error}",
                    hint="create its directory, or name another file with file_output.filename",
                ) from None
        return self._file

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Append the lines.

        Raises:
            OutputError: the file can't be opened or written.
        """
        file = self._opened()
        try:
            self._lines.write(file, alerts)
        except OSError as error:
            raise OutputError(f"{self._path} can't be written: {error.strerror or error}") from None
        finally:
            if not self._keep_alive:
                self.close()

    def reopen(self) -> None:
        """Close the file and open what now has its name."""
        self.close()
        self.open()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
