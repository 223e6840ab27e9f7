"""The directory that one process owns while it runs: outbox, lock, control socket, state of sources."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from falcocore.errors import ConfigError

SYSTEM = Path("/var/lib/falcocore")
"""Where root keeps it."""


def default_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """STATE_DIRECTORY, which systemd sets, else /var/lib/falcocore for root, else below XDG_STATE_HOME.

    Raises:
        ConfigError: the environment names no home.
    """
    given = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    if given.startswith("/"):
        return Path(given)
    if os.geteuid() == 0:
        return SYSTEM
    base = environment.get("XDG_STATE_HOME", "")
    try:
        home = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    except RuntimeError:
        raise ConfigError(
            "there is no home directory to keep state in", hint="name a directory with outbox.path"
        ) from None
    return home / "falcocore"


class StateDirectory:
    """A state directory, and the lock that says whose it is.

    The lock goes with the process, however it ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @property
    def outbox(self) -> Path:
        """The outbox's database."""
        return self.path / "outbox.db"

    @property
    def control(self) -> Path:
        """The control socket."""
        return self.path / "control.sock"

    @property
    def is_owned(self) -> bool:
        """Whether it is this object's."""
        return self._lock is not None

    def of_source(self, instance: str) -> Path:
        """Where a source keeps what it has to remember; an instance may have any name."""
        return self.path / "sources" / quote(instance, safe="").replace(".", "%2E")

    def own(self) -> None:
        """Create the directory, for its owner only, and lock it.

        Raises:
            ConfigError: it can't be created or written, or another process owns it.
        """
        make_private(self.path)
        try:
            descriptor = self._locked()
        except OSError as error:
            raise _unusable(self.path, error) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._lock = descriptor
        # A copy of this process would go on holding the lock after its end.
        os.register_at_fork(after_in_child=self._let_go)

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _locked(self) -> int:
        """The descriptor of the locked file. One that its owner removed meanwhile locks nothing any more."""
        path = self.path / "lock"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
            except BlockingIOError:
                owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
                os.close(descriptor)
                raise ConfigError(
                    f"the state directory {self.path} is used by another process, {owner}",
                    hint="stop that one, or give this one a directory of its own with outbox.path",
                ) from None
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def release(self) -> None:
        """Give it up; the control socket and the lock are removed."""
        if self._lock is not None:
            for path in (self.control, self.path / "lock"):
                with contextlib.suppress(OSError):
                    path.unlink()
            self._let_go()


def state_directory(path: Path | None) -> StateDirectory:
    """The directory that is configured, else the default one.

    Raises:
        ConfigError: there is none.
    """
    return StateDirectory(path or default_directory())


def make_private(directory: Path) -> None:
    """Create a directory for its owner only, where it is not there yet.

    Raises:
        ConfigError: it can't be created.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unusable(directory, error) from None


def _unusable(directory: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"the state directory {directory} can't be used: {error.strerror or error}",
        hint="name a directory that this user can write with outbox.path",
    )
