"""Rotated files: their names, how they are compressed, and which are deleted."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import logging
import os
import re
import stat
import threading
import time
from io import BufferedWriter, FileIO
from pathlib import Path

log = logging.getLogger("falcocore.outputs.file")

CLOSE_S = 5.0
"""How long a compression that has begun may hold up the end of the process; it is begun anew after the next
start."""
BLOCK_BYTES = 1 << 20
NS_PER_S = 1_000_000_000
NS_PER_US = 1000


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
        self._ours = re.compile(rf"{re.escape(path.name)}\.\d{{8}}T\d{{6}}\.\d{{6}}Z(\.gz(\.part)?)?")
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
        names = (self._name(now_ns + later * NS_PER_US) for later in itertools.count())
        free = (n for n in names if not os.path.lexists(n) and not os.path.lexists(f"{n}.gz"))
        self._path.rename(next(free))
        return True

    def _name(self, time_ns: int) -> Path:
        seconds, rest_ns = divmod(time_ns, NS_PER_S)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
        return self._path.with_name(f"{self._path.name}.{stamp}.{rest_ns // NS_PER_US:06}Z")

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
        found = sorted(path for path in self._path.parent.iterdir() if self._ours.fullmatch(path.name))
        for path in [path for path in found if path.suffix == ".part"]:
            path.unlink()
            found.remove(path)
        if self._keep is not None:
            # A name may be there with and without .gz, where the process was killed between the two.
            names = sorted({path.name.removesuffix(".gz") for path in found}, reverse=True)
            kept = set(names[: self._keep])
            for path in [path for path in found if path.name.removesuffix(".gz") not in kept]:
                path.unlink()
                found.remove(path)
        for path in found:
            if self._compress and path.suffix != ".gz" and not self._stop.is_set():
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
