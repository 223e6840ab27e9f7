"""The outbox of a process: opens its database for each thread that works with it, and mends it."""

from __future__ import annotations

import contextlib
import errno
import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from falcocore.errors import ConfigError
from falcocore.outbox.limits import Limits
from falcocore.outbox.salvage import Salvaged, salvage
from falcocore.outbox.schema import DamagedError, is_damage
from falcocore.outbox.store import Addressed, Group, Store

log = logging.getLogger("falcocore.outbox")

TROUBLE = (sqlite3.Error, OSError, DamagedError)
"""What may be raised where the outbox can't be used now."""
_FILES = ("-shm", "-wal", "")
"""What is added to the name of a database for the files that SQLite keeps beside it."""
_TAKEN_ALERTS = 500
"""What is taken over into a new database in one transaction."""


class Outbox:
    """The outbox at a path, for some outputs.

    Each thread has a `Connection` to it. Where one can't be used any more, `mended` does what can be done: a
    file that was removed is made anew, a damaged one is put aside, and what can be read of it goes into a new
    one. That one is filled beside the old one, and takes its place when it is complete: wherever the process
    is killed meanwhile, what could be read can be read again.
    """

    def __init__(self, path: Path, limits: Limits, outputs: Sequence[str]) -> None:
        self.path = path
        self._limits = limits
        self._outputs = tuple(outputs)
        self._being_filled = path.with_name(f"{path.name}.mending")
        self._complete = path.with_name(f"{path.name}.mended")
        # Open all the time: a file that was removed can be read by way of it still.
        self._kept: Store | None = None
        self.undisturbed = threading.RLock()
        """While it is held, no other thread puts the database aside."""

    def open(self) -> None:
        """See that the database can be used; what waited for outputs that are none any more is freed.

        Raises:
            ConfigError: it can't be opened or written.
        """
        try:
            self.mended(None, None).close()
        except TROUBLE as error:
            raise ConfigError(
                f"the outbox {self.path} can't be opened: {reason_of(error)}",
                hint="free the disk, mend the permissions, or name another directory with outbox.path",
            ) from None

    def close(self) -> None:
        """Close it."""
        with self.undisturbed:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    def mended(self, store: Store | None, error: Exception | None) -> Store:
        """Another connection in place of `store`, with which `error` was met that says of damage.

        Raises:
            TROUBLE: it can't be mended now; ask again later.
        """
        with self.undisturbed:
            kept = self._kept
            try:
                self._mend(kept, store, error)
            finally:
                if kept is not None and kept is not self._kept:
                    kept.close()
            made = self._opened()
            if self._kept is None or made.file != self._kept.file:
                made.close()
                raise _removed(self.path)
            if store is not None:
                store.close()
            return made

    def _mend(self, kept: Store | None, store: Store | None, error: Exception | None) -> None:
        if kept is None:
            self._keep(self._opened_first(), None)
        elif not kept.is_in_place and self.path.exists():
            self._take_over(kept)
        elif not kept.is_in_place:
            self._replace("was removed", kept.waiting())
        elif error is not None and (store is None or store.is_in_place):
            self._replace(f"was damaged ({error})", salvage(self.path))

    def _take_over(self, gone: Store) -> None:
        """Add what waits in a file that is gone to the one that is in its place."""
        gone.remove_log()
        store = self._opened()
        try:
            taken = self._take(gone.waiting(), store)
        except BaseException:
            store.close()
            if self._kept is not None and self._kept is not gone:
                self._kept.close()
            self._kept = gone
            raise
        self._keep(store, gone)
        log.error("outbox %s is another file now: %d waiting alerts were taken over", self.path, taken)

    def _keep(self, store: Store, before: Store | None) -> None:
        """Keep a connection in place of the one before, unless the file was replaced on the way."""
        if self._kept is before:
            self._kept = store
        else:
            store.close()

    def _opened_first(self) -> Store:
        """The database as the process that ended last has left it."""
        if self._complete.exists():
            self._exchange()
        log_file = Path(f"{self.path}-wal")
        existed = self.path.exists() and self.path.stat().st_size > 0
        if not existed and log_file.exists() and log_file.stat().st_size:
            # SQLite would delete the log.
            self._replace("was emptied or removed", salvage(self.path))
        store = self._opened(create=self._kept is None)
        if not existed:
            log.debug("outbox %s was created", self.path)
        return store

    def _opened(self, *, create: bool = False) -> Store:
        try:
            return self._ready(self.path, self._limits, create=create)
        except DamagedError as error:
            self._replace(f"was damaged ({error})", salvage(self.path))
            return self._ready(self.path, self._limits)

    def _ready(self, path: Path, limits: Limits, *, create: bool = False) -> Store:
        try:
            with contextlib.ExitStack() as opened:
                store = Store(path, limits, create=create)
                opened.callback(store.close)
                freed = store.set_outputs(self._outputs)
                opened.pop_all()
        except sqlite3.Error as error:
            if is_damage(error):
                raise DamagedError(str(error)) from error
            raise
        for name, freed_alerts in freed.items():
            log.warning(
                "output %s is not configured any more: %d alerts that waited for it are let go",
                name,
                freed_alerts,
            )
        return store

    def _replace(self, what: str, waiting: Iterator[Salvaged]) -> None:
        """Fill a new database with what waits, and put it in the place of the old one, which is put aside."""
        for end in _FILES:
            Path(f"{self._being_filled}{end}").unlink(missing_ok=True)
        unlimited = replace(self._limits, max_bytes=sys.maxsize)
        with contextlib.closing(self._ready(self._being_filled, unlimited, create=True)) as new:
            taken = self._take(waiting, new)
            file = new.file
        self._being_filled.rename(self._complete)
        aside = self._exchange()
        store = self._ready(self.path, self._limits)
        if store.file != file:
            store.close()
            raise _removed(self.path)
        self._kept = store
        log.error(
            "outbox %s %s: it is made anew, and %d waiting alerts that could be read were taken over%s",
            self.path,
            what,
            taken,
            f"; the old one is {aside.name}" if aside else "",
        )

    def _take(self, waiting: Iterator[Salvaged], new: Store) -> int:
        taken = 0
        while some := [self._addressed(found) for found in islice(waiting, _TAKEN_ALERTS)]:
            new.append([Group(some, acknowledged=False)])
            taken += len(some)
        return taken

    def _addressed(self, found: Salvaged) -> Addressed:
        wanted = self._outputs if found.outputs is None else found.outputs
        return Addressed(found.alert, [name for name in wanted if name in self._outputs])

    def _exchange(self) -> Path | None:
        """Put the complete new database in the place of the old one; returns where that one is now."""
        aside = None
        if self.path.exists():
            stamp = f"{self.path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}"
            names = (self.path.with_name(f"{stamp}-{number}" if number else stamp) for number in count())
            aside = next(name for name in names if not name.exists())
        for end in _FILES:
            file = Path(f"{self.path}{end}")
            if aside is None:
                file.unlink(missing_ok=True)
            elif file.exists():
                file.rename(f"{aside}{end}")
        self._complete.rename(self.path)
        return aside


class Connection:
    """One thread's connection to the outbox, made when it is first asked for, and again where it was lost."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._store: Store | None = None

    def store(self) -> Store:
        """The connection; a new one where the database was moved, removed or replaced.

        Raises:
            TROUBLE: it can't be opened now.
        """
        if self._store is None or not self._store.is_in_place:
            self._store = self._outbox.mended(self._store, None)
        return self._store

    def append(self, groups: Sequence[Group]) -> list[Addressed]:
        """Accept the alerts of some groups, as `Store.append` does.

        Where the file is taken away meanwhile, they are accepted by the one that takes its place.
        """
        with self._outbox.undisturbed:
            store = self.store()
            accepted = store.append(groups)
            return accepted if store.is_in_place else self.store().append(groups)

    def mend(self, error: Exception) -> bool:
        """Put a damaged database aside; False where the error does not say that it is damaged.

        Raises:
            TROUBLE: it can't be mended now.
        """
        if not (isinstance(error, sqlite3.Error) and is_damage(error)):
            return False
        self._store = self._outbox.mended(self._store, error)
        return True

    def close(self) -> None:
        """Close it."""
        if self._store is not None:
            self._store.close()
            self._store = None


def _removed(path: Path) -> OSError:
    return FileNotFoundError(errno.ENOENT, "it was removed meanwhile", str(path))


def reason_of(error: BaseException) -> str:
    """What to tell of an error of SQLite or the system."""
    name = getattr(error, "sqlite_errorname", "")
    match name:
        case "SQLITE_FULL":
            return "the disk is full"
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return "the database is locked by another process"
        case "SQLITE_READONLY" | "SQLITE_READONLY_DBMOVED" | "SQLITE_PERM":
            return f"the database can't be written ({error})"
    return str(getattr(error, "strerror", None) or error)
