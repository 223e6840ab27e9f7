"""Rotated files: their names, how they are compressed, and which are deleted."""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import re
import stat
import threading
from datetime import UTC, datetime, timedelta
from io import BufferedWriter, FileIO
from pathlib import Path

log = logging.getLogger("falcocore.outputs.file")

CLOSE_S = 5.0
"""How long a compression that has begun may hold up the end of the process; it is begun anew after the next
start."""
BLOCK_BYTES = 1 << 20
NS_PER_S = 1_000_000_000
STAMP = "%Y%m%dT%H%M%S.%fZ"


class Archive:
    """The rotated files beside one file: `NAME.20240309T220405.067890Z`, with `.gz` where compressed.

    The time is that of the rotation, in UTC, and names are in its order. Work on the files is done in a
    thread of its own. Whatever moment the process is killed at, each line is in a file under one of these
    names, or in the file itself; what was left half done is done after the next start.
    """

    def __init__(self, path: Path, *, keep: int | None, compress: bool) -> None:
        self._path = path
        self._keep = keep
        self._compress = compress
        self._ours = re.compile(rf"{re.escape(path.name)}\.(\d{{8}}T\d{{6}}\.\d{{6}}Z)(\.gz(\.part)?)?")
        self._lock = threading.Lock()
        self._wanted = False
        self._running = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, status: os.stat_result, now_ns: int) -> bool:
        """Give the file a name of the archive; False where it is not, or no more, the file with that status.

        Raises:
            OSError: it can't be renamed.
        """
        try:
            if not os.path.samestat(status, self._path.stat()):
                return False
        except FileNotFoundError:
            return False
        now = datetime.fromtimestamp(now_ns / NS_PER_S, UTC).strftime(STAMP)
        # A clock that was set back must not make the newest file the first that is deleted.
        last = max((stamp for stamp, _ in self._found()), default="")
        stamp = now if now > last else _next(last)
        self._path.rename(self._path.with_name(f"{self._path.name}.{stamp}"))
        return True

    def _found(self) -> list[tuple[str, Path]]:
        """(time in the name, path) of what is here, the oldest first."""
        matches = ((self._ours.fullmatch(path.name), path) for path in self._path.parent.iterdir())
        return sorted((match[1], path) for match, path in matches if match and _is_time(match[1]))

    def tidy_soon(self) -> None:
        """Compress and delete what has to be, in the thread."""
        with self._lock:
            self._wanted = True
            if not self._running:
                self._running = True
                self._thread = threading.Thread(target=self._run, name="archive", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Wait until that is done, for CLOSE_S at the most."""
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            self._stop.set()
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._wanted or self._stop.is_set():
                    self._running = False
                    return
                self._wanted = False
            try:
                self._tidy()
            except OSError as error:
                log.warning("rotated files of %s: %s", self._path, error)

    def _tidy(self) -> None:
        found = self._found()
        for _, path in found:
            if path.suffix == ".part":
                path.unlink()
        stamps = sorted({stamp for stamp, _ in found})
        old = set() if self._keep is None else set(stamps[: -self._keep])
        for stamp, path in found:
            if stamp in old:
                path.unlink(missing_ok=True)
            elif self._compress and path.suffix not in (".gz", ".part") and not self._stop.is_set():
                self._pack(path)

    def _pack(self, path: Path) -> None:
        """Replace a file by its compressed form, which gets its name when it is whole and on the disk."""
        whole, part = path.with_name(f"{path.name}.gz"), path.with_name(f"{path.name}.gz.part")
        try:
            with (
                path.open("rb") as plain,
                # gzip takes no notice of what a full disk leaves of a write: the buffer does.
                BufferedWriter(open_like(part, "xb", os.fstat(plain.fileno()))) as file,
            ):
                with gzip.GzipFile(path.name, "wb", fileobj=file) as packed:
                    while block := plain.read(BLOCK_BYTES):
                        packed.write(block)
                        if self._stop.is_set():
                            return
                file.flush()
                os.fsync(file.fileno())
            part.rename(whole)
            path.unlink()
        finally:
            part.unlink(missing_ok=True)


def _is_time(stamp: str) -> bool:
    try:
        datetime.strptime(stamp, STAMP)
    except ValueError:
        return False
    return True


def _next(stamp: str) -> str:
    return (datetime.strptime(stamp, STAMP) + timedelta(microseconds=1)).strftime(STAMP)


def open_like(path: Path, mode: str, status: os.stat_result) -> FileIO:
    """Open a file without a buffer; where that makes it, with the mode and the owner of another.

    Raises:
        OSError: it can't be opened. An owner that can't be given is no error.
    """
    permissions = stat.S_IMODE(status.st_mode)
    file = FileIO(path, mode, opener=lambda name, flags: os.open(name, flags, permissions))
    with contextlib.suppress(OSError):
        os.fchown(file.fileno(), status.st_uid, status.st_gid)
    with contextlib.suppress(OSError):
        os.fchmod(file.fileno(), permissions)  # what the umask has taken away
    return file
