"""A log as a kube-apiserver writes it, and as it is rotated while it is written."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tests.support.audit_decoding import event_json


class AuditLog:
    """Writes events with the ids 1, 2, 3 ... `written` has the ids of those that are whole.

    `between` is called between two changes that others can see.
    """

    def __init__(self, path: Path, between: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._between = between
        self.written: list[str] = []
        self._begun = b""
        self._rotations = 0
        self._file: BinaryIO | None = None

    @property
    def file(self) -> BinaryIO:
        """The open file; like the kube-apiserver's it stays open, also when it was renamed."""
        if self._file is None:
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 - it stays open
        return self._file

    def begin_line(self) -> None:
        """Write the first half of a line, unless one is begun."""
        if not self._begun:
            event = self._next_event()
            self.file.write(event[:200])
            self._begun = event[200:]

    def write(self, count: int = 1) -> None:
        """Write lines, each in one go; the first of them is the one that was begun."""
        for _ in range(count):
            self.file.write((self._begun or self._next_event()) + b"\n")
            self.written.append(str(len(self.written) + 1))
            self._begun = b""
            self._between()

    def _next_event(self) -> bytes:
        audit_id = str(len(self.written) + 1)
        return event_json(audit_id, stage="ResponseComplete", verb="create", requestURI="/api" * 60)

    def leave(self) -> None:
        """Go on with a new file under the same name."""
        if self._begun:
            self.write()
        if self._file is not None:
            self._file.close()
            self._file = None

    def replace_by_copy(self) -> None:
        """As an editor does it that saves the file."""
        copy = self.path.with_name("copy")
        shutil.copy(self.path, copy)
        copy.replace(self.path)
        self.file.close()
        self._file = None

    def rotate(self, *, packed: bool = False) -> Path:
        """As lumberjack does it."""
        self.leave()
        self._rotations += 1
        name = f"{self.path.stem}-2026-07-01T12-00-{self._rotations:02}.000{self.path.suffix}"
        return self._move(self.path.with_name(name), packed=packed)

    def rotate_by_number(self, *, packed: bool = False) -> Path:
        """As logrotate does it, with a program that is told afterwards: its file is still open."""
        for number in range(80, 0, -1):
            for ending in ("", ".gz"):
                old = self.path.with_name(f"{self.path.name}.{number}{ending}")
                if old.exists():
                    old.rename(self.path.with_name(f"{self.path.name}.{number + 1}{ending}"))
                    self._between()
        if packed:
            self.leave()  # Else what comes late would be missing in the packed file.
        return self._move(self.path.with_name(f"{self.path.name}.1"), packed=packed)

    def copy_and_truncate(self, *, packed: bool = False) -> Path:
        """As logrotate does it with `copytruncate`."""
        if self._begun:
            self.write()
        self._rotations += 1
        copy = self.path.with_name(f"{self.path.name}-202607{self._rotations:02}")
        copy.touch()
        self._between()
        shutil.copy(self.path, copy)
        self._between()
        self.file.truncate(0)
        self._between()
        return self._pack(copy) if packed else copy

    def _move(self, target: Path, *, packed: bool) -> Path:
        self.path.rename(target)
        self._between()
        return self._pack(target) if packed else target

    def _pack(self, path: Path) -> Path:
        """Replace a file by its packed copy, which is there for a while beside it, and not whole at first."""
        packed = path.with_name(f"{path.name}.gz")
        content = gzip.compress(path.read_bytes())
        with open(packed, "wb", buffering=0) as file:
            for piece in (content[:50], content[50:]):
                file.write(piece)
                self._between()
        path.unlink()
        self._between()
        return packed
