"""The outbox of a process: opens its database for each thread that works with it, and mends it."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from falcocore.errors import ConfigError
from falcocore.outbox.limits import Limits
from falcocore.outbox.salvage import salvage
from falcocore.outbox.schema import DamagedError, is_damage
from falcocore.outbox.store import Addressed, Group, Store

log = logging.getLogger("falcocore.outbox")

_FILES = ("", "-wal", "-shm")
"""What is added to the name of a database for the files that SQLite keeps beside it."""


class Outbox:
    """The outbox at a path, for some outputs.

    Each thread has a `Connection` to it. Where one can't be used any more, `mended` does what can be done: a
    file that was removed is made anew, a damaged one is put aside, and what can be read of it goes into a new
    one.
    """

    def __init__(self, path: Path, limits: Limits, outputs: Sequence[str]) -> None:
        self.path = path
        self._limits = limits
        self._outputs = tuple(outputs)
        self._mending = threading.Lock()

    def open(self) -> None:
        """See that the database can be used; what waited for outputs that are none any more is freed.

        Raises:
            ConfigError: it can't be opened or written.
        """
        try:
            with self._mending:
                store = self._opened()
            store.close()
        except (sqlite3.Error, OSError) as error:
            raise ConfigError(
                f"the outbox {self.path} can't be opened: {reason_of(error)}",
                hint="free the disk, mend the permissions, or name another directory with outbox.path",
            ) from None

    def mended(self, store: Store | None, error: Exception | None) -> Store:
        """Another connection in place of `store`, with which `error` was met that says of damage.

        Raises:
            sqlite3.Error, OSError: it can't be mended now; ask again later.
        """
        with self._mending:
            was_replaced = store is not None and not store.is_in_place and self.path.exists()
            if store is not None:
                store.close()
            if error is not None and not was_replaced:
                self._replace(str(error)).close()
            return self._opened()

    def _opened(self) -> Store:
        existed = self.path.exists()
        try:
            store = Store(self.path, self._limits)
        except DamagedError as error:
            store = self._replace(str(error))
        freed = store.set_outputs(self._outputs)
        for name, count in freed.items():
            log.warning(
                "output %s is not configured any more: %d alerts that waited for it are let go", name, count
            )
        if not existed:
            log.debug("outbox %s was created", self.path)
        return store

    def _replace(self, cause: str) -> Store:
        """Put the damaged files aside, and what can be read of them into a new database."""
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
        for end in _FILES:
            file = Path(f"{self.path}{end}")
            if file.exists():
                file.rename(f"{aside}{end}")
        store = Store(self.path, self._limits)
        store.set_outputs(self._outputs)
        count = 0
        try:
            for found in salvage(aside):
                wanted = self._outputs if found.outputs is None else found.outputs
                known = [name for name in wanted if name in self._outputs]
                store.append([Group([Addressed(found.alert, known)], acknowledged=False)])
                count += 1
        except sqlite3.Error as error:
            log.error("outbox: no more can be read of %s: %s", aside, error)
        log.error(
            "outbox %s was damaged (%s): it was put aside as %s, and %d waiting alerts that could be read "
            "were taken over",
            self.path,
            cause,
            aside.name,
            count,
        )
        return store


class Connection:
    """One thread's connection to the outbox, made when it is first asked for, and again where it was lost."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._store: Store | None = None

    def store(self) -> Store:
        """The connection; a new one where the database was moved, removed or replaced.

        Raises:
            sqlite3.Error, OSError, DamagedError: it can't be opened now.
        """
        if self._store is None or not self._store.is_in_place:
            self._store, lost = None, self._store
            self._store = self._outbox.mended(lost, None)
        return self._store

    def mend(self, error: Exception) -> bool:
        """Put a damaged database aside; False where the error does not say that it is damaged.

        Raises:
            sqlite3.Error, OSError: it can't be mended now.
        """
        if not (isinstance(error, DamagedError) or (isinstance(error, sqlite3.Error) and is_damage(error))):
            return False
        self._store, broken = None, self._store
        self._store = self._outbox.mended(broken, error)
        return True

    def close(self) -> None:
        """Close it."""
        if self._store is not None:
            self._store.close()
            self._store = None


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
