"""Host names that rules compare addresses with, and the addresses that they stand for."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterable

log = logging.getLogger("falcocore.syscall")

REFRESH_S = 600.0
"""How long an answer is used."""


class HostNames:
    """Looks names up in a thread of its own, again and again, and answers from what it has found."""

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        self._by_address: dict[bytes, tuple[str, ...]] = {}
        self._changed = threading.Event()
        self._answered = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def watch(self, names: Iterable[str]) -> None:
        """Know these names from now on; those that are not among them are forgotten."""
        wanted = frozenset(names)
        if wanted == self._names:
            return
        self._names = wanted
        self._answered.clear()
        self._changed.set()
        if self._names and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="host names", daemon=True)
            self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until every name was looked up; False where that takes longer."""
        return self._answered.wait(timeout_s) if self._names else True

    def stop(self) -> None:
        """Look nothing up any more."""
        self._stopped = True
        self._changed.set()

    def of(self, address: bytes) -> list[str]:
        """The names that stand for an address; none before they were looked up."""
        return list(self._by_address.get(address, ()))

    def know(self, name: str, address: bytes) -> None:
        """Let a name stand for an address without looking it up."""
        self._by_address[address] = (*self._by_address.get(address, ()), name)

    def look_up(self) -> None:
        """Look every name up now."""
        found: dict[bytes, list[str]] = {}
        for name in sorted(self._names):
            if self._stopped:
                return
            for address in _addresses(name):
                found.setdefault(address, []).append(name)
        self._by_address = {address: tuple(names) for address, names in found.items()}
        self._answered.set()

    def _run(self) -> None:
        while not self._stopped:
            self._changed.clear()
            self.look_up()
            self._changed.wait(REFRESH_S)


def _addresses(name: str) -> set[bytes]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {socket.inet_pton(family, str(address[0]).partition("%")[0]) for family, *_, address in found}
