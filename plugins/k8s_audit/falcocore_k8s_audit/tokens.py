"""Bearer tokens that may post events: a file of them, read again when it changes."""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass, field
from pathlib import Path

from falcocore.api import ConfigError
from falcocore_k8s_audit.changes import FileState, file_state

log = logging.getLogger("falcocore.k8s_audit")

_FORM = "each line of it is NAME TOKEN; a line that begins with # is a comment"


@dataclass(slots=True)
class TokenFile:
    """Names and their tokens. Only hashes of them are kept, and they are in no message.

    A file that can't be used any more, as half way through a change, is told of once; what was there before
    goes on.
    """

    path: Path
    _seen: FileState = None
    _hashes: dict[str, bytes] = field(default_factory=dict)

    def open(self) -> None:
        """Read it.

        Raises:
            ConfigError: it can't be read, or has no token.
        """
        self._seen = file_state(self.path)
        self._hashes = self._read()

    def owner(self, token: str) -> str | None:
        """Whose token it is; None where it is nobody's. Takes the same time whichever it is."""
        self._read_again()
        given = _hash(token)
        found = None
        for name, known in self._hashes.items():
            if hmac.compare_digest(given, known):
                found = name
        return found

    def _read_again(self) -> None:
        state = file_state(self.path)
        if state == self._seen:
            return
        self._seen = state
        try:
            self._hashes = self._read()
            log.info("%s was read again: %d tokens", self.path, len(self._hashes))
        except ConfigError as error:
            log.error("%s; the tokens that were read before go on", error.message)

    def _read(self) -> dict[str, bytes]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8"
            raise ConfigError(
                f"source k8s_audit: tokens can't be read from {self.path}: {reason}",
                hint="token_file has to name a text file that the user that falcocore runs as can read",
            ) from None
        found: dict[str, bytes] = {}
        for number, line in enumerate(lines, 1):
            match line.split():
                case []:
                    continue
                case [first, *_] if first.startswith("#"):
                    continue
                case [name, token] if name not in found:
                    found[name] = _hash(token)
                case [name, _]:
                    raise ConfigError(
                        f"source k8s_audit: {self.path}, line {number}: {name} has a token already",
                        hint=_FORM,
                    )
                case _:
                    raise ConfigError(
                        f"source k8s_audit: {self.path}, line {number} is no name and token", hint=_FORM
                    )
        if not found:
            raise ConfigError(f"source k8s_audit: {self.path} has no token in it", hint=_FORM)
        return found


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
