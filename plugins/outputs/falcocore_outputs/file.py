"""Alerts in a file, one line each, appended."""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Annotated, ClassVar

from falcocore.api import Alert, ConfigError, Output, OutputError
from falcocore_outputs.archive import Archive, open_like
from falcocore_outputs.lines import LineWriter
from falcocore_outputs.rotation import Period, Rotation

log = logging.getLogger("falcocore.outputs.file")


class FileOutput(Output):
    """Appends to a file that stays open, and rotates it by size and time where that is asked for.

    SIGUSR1 opens it again after somebody else has rotated it away.
    """

    name: ClassVar[str] = "file"

    def __init__(
        self,
        *,
        filename: Annotated[str, "path of the file; it is created where it does not exist, and appended to"],
        keep_alive: Annotated[
            bool, "keep the file open between alerts, instead of opening it for each group"
        ] = True,
        rotate_bytes: Annotated[int | None, "rotate the file before it gets larger than that"] = None,
        rotate_every: Annotated[Period | None, "rotate the file each hour or day, in UTC"] = None,
        keep: Annotated[int | None, "how many rotated files stay; without it, all do"] = None,
        compress: Annotated[bool, "compress rotated files, with gzip"] = False,
    ) -> None:
        self._path = Path(filename)
        self._keep_alive = keep_alive
        self._file: FileIO | None = None
        self._lines = LineWriter()
        self._rotation = Rotation(rotate_bytes, rotate_every)
        if not self._rotation.enabled and (keep is not None or compress):
            raise ConfigError(
                "keep and compress are for rotated files", hint="set rotate_bytes or rotate_every too"
            )
        if keep is not None and keep < 1:
            raise ConfigError(f"keep: {keep} would delete alerts at once", hint="the least is 1")
        # What a link leads to is rotated, beside itself, and not the link.
        self._archive = Archive(Path(os.path.realpath(filename)), keep=keep, compress=compress)
        self._stuck = False

    def open(self) -> None:
        """Open the file, so that a path that can't be written is known at the start."""
        file = self._opened()
        if self._rotation.enabled:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                self._release()
                raise OutputError(
                    f"{self._path} can't be rotated: it is not a file",
                    hint="leave out rotate_bytes and rotate_every",
                )
            # What the last process left undone.
            self._archive.tidy_soon()
        if not self._keep_alive:
            self._release()

    def _opened(self, like: os.stat_result | None = None) -> FileIO:
        """The open file; one that is made becomes like the one that was there before."""
        if self._file is None:
            try:
                self._file = open_like(self._path, "ab", like) if like else self._path.open("ab", buffering=0)
            except OSError as error:
                raise OutputError(
                    f"{self._path} can't be opened: {error.strerror or error}",
                    hint="create its directory, or name another file with file_output.filename",
                ) from None
            torn = _ends_torn(self._path, os.fstat(self._file.fileno()))
            if torn is not None:
                self._lines.resume(torn=torn)
        return self._file

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Append the lines.

        Raises:
            OutputError: the file can't be opened or written.
        """
        try:
            while alerts:
                count = self._make_room(alerts)
                self._lines.write(self._opened(), alerts[:count])
                alerts = alerts[count:]
        except OSError as error:
            raise OutputError(f"{self._path} can't be written: {error.strerror or error}") from None
        finally:
            if not self._keep_alive:
                self._release()

    def _make_room(self, alerts: Sequence[Alert]) -> int:
        """How many of the alerts to write to the file that is open then, which may be a new one."""
        status = os.fstat(self._opened().fileno())
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
            # Deleted: what is written there nobody will ever see.
            self._release()
            status = os.fstat(self._opened().fileno())
        if self._rotation.is_due(status, time.time(), alerts[0]):
            if not self._rotate(status):
                return len(alerts)
            status = os.fstat(self._opened().fileno())
        return self._rotation.fitting(status, alerts)

    def _rotate(self, status: os.stat_result) -> bool:
        """Put the file into the archive and open a new one; False where it has to be gone on with."""
        try:
            rotated = self._archive.add(status, time.time_ns())
        except OSError as error:
            if not self._stuck:
                log.warning("%s can't be rotated and grows on: %s", self._path, error.strerror or error)
            self._stuck = True
            return False
        self._stuck = False
        self._release()
        # Otherwise somebody else has rotated it, and made a new one as they like it.
        self._opened(status if rotated else None)
        self._archive.tidy_soon()
        return True

    def reopen(self) -> None:
        """Close the file and open what now has its name."""
        self._release()
        self.open()

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Close the file, and wait for the work on rotated ones."""
        self._release()
        self._archive.close()


def _ends_torn(path: Path, status: os.stat_result) -> bool | None:
    """Whether the last line has no end, as after a full disk and a restart; None where it can't be read."""
    if not stat.S_ISREG(status.st_mode):
        return None
    if status.st_size == 0:
        return False
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return None
