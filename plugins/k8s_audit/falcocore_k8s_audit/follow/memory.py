"""The file that remembers how far a log was read."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import msgspec

from falcocore_k8s_audit.follow.position import Position

log = logging.getLogger("falcocore.k8s_audit")

SAVE_S = 0.2
"""Seconds between two writings while there is much to read: each waits for the disk."""


class DamagedError(Exception):
    """What should hold a position does not; the message says why."""


class _Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    log: str
    position: Position


class Memory:
    """The position of one log, in a file of a directory."""

    def __init__(self, directory: Path, log_path: Path) -> None:
        self.path = directory / "offset.json"
        self._log = str(log_path)
        self._latest: Position | None = None
        self._written: Position | None = None
        self._written_s = 0.0
        self._failing = False

    def load(self) -> Position | None:
        """The position; None where there is none, or it is that of another log.

        Raises:
            DamagedError: the file can't be understood.
            OSError: it can't be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            remembered = msgspec.json.decode(content, type=_Remembered)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedError(str(error)) from None
        return remembered.position if remembered.log == self._log else None

    def note(self, position: Position) -> None:
        """Remember a position; it is on the disk after SAVE_S or the next `flush`."""
        self._latest = position
        if time.monotonic() >= self._written_s + SAVE_S:
            self.flush()

    def flush(self) -> None:
        """Write the position that was noted last; where that fails, it is tried again with the next one."""
        position = self._latest
        if position is None or position == self._written:
            return
        self._written_s = time.monotonic()
        try:
            self._replace(msgspec.json.encode(_Remembered(self._log, position)))
        except OSError as error:
            if not self._failing:
                log.error(
                    "source k8s_audit: %s can't be written: %s. After a restart alerts may come twice",
                    self.path,
                    error.strerror or error,
                )
            self._failing = True
            return
        if self._failing:
            log.info("source k8s_audit: %s is written again", self.path)
        self._failing, self._written = False, position

    def _replace(self, content: bytes) -> None:
        """Put a new file in the old one's place, so that it is whole whatever happens meanwhile."""
        beside = self.path.with_suffix(".new")
        with open(beside, "wb", buffering=0) as file:
            file.write(content + b"\n")
            os.fsync(file.fileno())
        beside.replace(self.path)
