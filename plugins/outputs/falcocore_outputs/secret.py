"""Values that no message may show: they come from a file or the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from falcocore.api import ConfigError, OutputError

HIDDEN = "***"
"""What messages have in the place of a secret."""
_KINDS = ("file", "env")


def is_reference(text: str) -> bool:
    """True for `file:PATH` and `env:NAME`."""
    kind, separator, name = text.partition(":")
    return bool(separator and name) and kind in _KINDS


class Secret:
    """A secret that stands in a file or an environment variable, and is looked up each time it is used.

    So a token that is replaced in its file counts from the next use on.
    """

    def __init__(self, reference: str, where: str) -> None:
        """Take `file:PATH` or `env:NAME`; `where` names the option for messages.

        Raises:
            ConfigError: it is neither. The message does not show it: it may be the secret itself.
        """
        if not is_reference(reference):
            raise ConfigError(
                f"{where} has to say where the secret is",
                hint="write file:PATH or env:NAME, and not the secret",
            )
        self._kind, _, self._name = reference.partition(":")
        self._where = where

    def value(self) -> str:
        """The secret, without white space around it.

        Raises:
            OutputError: it can't be read, is empty, or has characters that no header may have.
        """
        text = (self._read() if self._kind == "file" else os.environ.get(self._name, "")).strip()
        if not text:
            empty = "is empty" if self._kind == "file" else "is not set, or empty"
            raise OutputError(f"{self._where}: {self._place} {empty}")
        if not (text.isascii() and text.isprintable()):
            raise OutputError(f"{self._where}: what stands in {self._place} is not one line of ASCII text")
        return text

    @property
    def _place(self) -> str:
        return self._name if self._kind == "file" else f"the environment variable {self._name}"

    def _read(self) -> str:
        try:
            return Path(self._name).read_text("utf-8", "replace")
        except OSError as error:
            raise OutputError(
                f"{self._where}: {self._name} can't be read: {error.strerror or error}"
            ) from None


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets: a receiver may answer with what it was sent."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
