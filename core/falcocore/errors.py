"""What can go wrong, one class for each remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FalcocoreError(Exception):
    """Base of every error that is reported to the user as a message and not as a traceback.

    `hint` is one sentence that says what to do about it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class ConfigError(FalcocoreError):
    """The configuration file, a `-o` override or an option of a plugin has to be changed."""


class PluginError(FalcocoreError):
    """A plugin has to be installed, mended or removed."""


class SourceError(FalcocoreError):
    """An event source could not be opened or broke while it was read."""


class OutputError(FalcocoreError):
    """An alert could not be delivered now; the same call may succeed later.

    `retry_after_s` is how many seconds the receiver asked to wait before that, None where it said nothing.
    """

    def __init__(self, message: str, *, hint: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class PermanentRefusal(OutputError):  # noqa: N818 - the plugin API's own term
    """The receiver will never take what was sent; sending it again is of no use. The message says why."""


class OutputGone(OutputError):  # noqa: N818 - what happened, as PermanentRefusal
    """The receiver is gone for good, as a closed pipe is: the process has to end."""


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that looks most like `name`, or None when none is near."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None
