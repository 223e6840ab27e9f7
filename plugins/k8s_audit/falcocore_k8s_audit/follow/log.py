"""A log and the files that it is rotated to, read as one text from a position on."""

from __future__ import annotations

import logging
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from falcocore.api import SourceError
from falcocore_k8s_audit.follow.names import rotated
from falcocore_k8s_audit.follow.opened import Opened, open_at
from falcocore_k8s_audit.follow.position import Position

log = logging.getLogger("falcocore.k8s_audit")


class Lines(NamedTuple):
    """Whole lines: the file that they are of, where they begin in it, and the position behind them."""

    text: bytes | memoryview
    path: Path
    offset: int
    end: Position


class RotatedLog:
    """Gives every line once, in order, whatever happens to the files meanwhile; never waits.

    A file is left for the next one only when there is something in that one, and when this one was read to
    its end after that: who writes a log goes on with the old file until it has opened the new one.
    """

    def __init__(self, path: Path, position: Position) -> None:
        self._path = path
        self._position = position
        self._file: Opened | None = None
        self._unreadable: set[tuple[int, int]] = set()
        self._refused: dict[Path, str] = {}
        self._said: set[str] = set()

    def read(self) -> Lines | None:
        """The next whole lines of one file, a block of them at the most; None where there are none now.

        Raises:
            OSError: the disk does not give what is in an open file.
        """
        while (file := self._opened()) is not None:
            if lines := self._lines(file):
                return lines
            if not file.is_intact():
                self._give_up()
                continue
            if file.is_at(self._path):
                return None
            following = self._following()
            if following is None:
                return None
            is_copy = following.holds(self._position)
            if not is_copy and (lines := self._lines(file, is_complete=True)):
                following.close()
                return lines
            self._turn_to(following)
        return None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> Opened | None:
        """The file that is read, looked for where none is open."""
        if self._file is None:
            found, following = self._look()
            if found is not None and following is not None:
                following.close()
            if file := found or self._after_lost(following):
                self._turn_to(file)
        return self._file

    def _give_up(self) -> None:
        """Look for what the open file was before it became another: a copy of it."""
        self.close()
        if not self._position.head_bytes:
            # Nothing of it was read; its inode would lead to what it is now.
            self._position = msgspec.structs.replace(self._position, inode=0)

    def _turn_to(self, file: Opened) -> None:
        self.close()
        self._file = file
        self._position = file.position()

    def _lines(self, file: Opened, *, is_complete: bool = False) -> Lines | None:
        start = file.offset
        try:
            text = file.read() or (file.read_rest() if is_complete else b"")
        except SourceError as error:  # Broken compression; the next file may be whole.
            log.error("%s", error)
            return None
        # Asked after reading: what was read before the file became another is of the old one.
        if not text or not file.is_intact():
            return None
        self._position = file.position()
        return Lines(text, file.path, start, self._position)

    def _look(self) -> tuple[Opened | None, Opened | None]:
        """(the file that the position is in, open there; the first one with something in it that was written
        after that one, open at its beginning).

        Another rotation, or packing, may take files away and give their names to others under our hands:
        what was seen counts where they stand after it as they did before.
        """
        while True:
            series = rotated(self._path)
            before = self._states(series)
            self._refused.clear()
            found, after = self._find_in(series)
            following = self._first_of(after)
            if before == self._states(rotated(self._path)):
                self._leave_out_refused()
                return found, following
            for file in (found, following):
                if file is not None:
                    file.close()

    def _states(self, series: list[list[Path]]) -> list[tuple[Path, tuple[int, int], bool]]:
        """Which file stands where, and whether it is empty, as a copy is that was just begun."""
        return [
            (path, _identity(path), self._has_content(path))
            for path in (*chain.from_iterable(series), self._path)
        ]

    def _find_in(self, series: list[list[Path]]) -> tuple[Opened | None, list[Path]]:
        """(the file that the position is in; the files that were written after it, in order).

        The log itself is looked at first: where it was copied, it holds more than its copy. Where names do
        not tell which of two files is older, those that changed since were written after it.
        """
        if file := self._holding(self._path):
            return file, []
        found: Opened | None = None
        after: list[Path] = []
        changed: list[Path] = []
        for files in series:
            for index in reversed(range(len(files))):
                if found is None and (found := self._holding(files[index])):
                    after = files[index + 1 :]
                    break
            else:
                changed += [path for path in files if _changed_ns(path) >= self._position.changed_ns]
        return found, [*after, *changed, self._path]

    def _holding(self, path: Path) -> Opened | None:
        """The file, open at the position, where that is one in it."""
        file = self._try(path, self._position.offset)
        if file is None or file.holds(self._position):
            return file
        file.close()
        return None

    def _first_of(self, paths: list[Path]) -> Opened | None:
        """The first file that has something in it, open at its beginning."""
        for path in filter(self._has_content, paths):
            file = self._try(path, 0)
            if file is None:
                continue
            # A log that can't be told from others yet would not be found again in its copy.
            if path != self._path or file.is_recognisable:
                return file
            file.close()
        return None

    def _has_content(self, path: Path) -> bool:
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
        return status.st_size > 0 and (status.st_dev, status.st_ino) not in self._unreadable

    def _following(self) -> Opened | None:
        """The file to go on with where nothing more is read at the position; None where there is none yet.

        It is the first one after it that has something in it; or the log, where that was replaced by a copy.
        """
        found, following = self._look()
        if found is None or found.is_at(self._path):
            return found or following
        found.close()
        return following

    def _after_lost(self, following: Opened | None) -> Opened | None:
        """The first file after the position, where the file that it is in is not there any more."""
        if following is not None and self._position.head_bytes:
            log.warning(
                "source k8s_audit: the file that was read up to byte %d is gone, truncated or removed after "
                "a rotation. What was not read of it is lost; reading goes on at the beginning of %s",
                self._position.offset,
                following.path,
            )
        return following

    def _try(self, path: Path, offset: int) -> Opened | None:
        """The file; None where it is gone, or can't be read, and then why is noted."""
        try:
            return open_at(path, offset)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._refused[path] = f"{path} can't be read: {error.strerror}"
        except SourceError as error:
            self._refused[path] = str(error)
        return None

    def _leave_out_refused(self) -> None:
        """Say once what can't be read.

        The log is asked for again, since who rotates it may not have set its permissions yet; a rotated file
        is left out.
        """
        for path, reason in self._refused.items():
            if reason not in self._said:
                log.error("source k8s_audit: %s", reason)
                self._said.add(reason)
            if path != self._path:
                self._unreadable.add(_identity(path))


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_dev, status.st_ino


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
