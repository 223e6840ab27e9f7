"""The one error of the loader."""

from __future__ import annotations

import errno as codes
import os

from falcocore.api import SourceError

MOST_LOG_LINES = 40


class BpfError(SourceError):
    """An object that can't be used, or a call that the kernel refused.

    `tried` says what was to be done; `errno` is the kernel's answer, None where the kernel wasn't asked;
    `log` is the end of the verifier's log of a refused program.
    """

    def __init__(
        self, tried: str, *, errno: int | None = None, log: str = "", hint: str | None = None
    ) -> None:
        message = tried
        if errno is not None:
            message = f"{tried}: {os.strerror(errno)} ({codes.errorcode.get(errno, errno)})"
        if log:
            log = "\n".join(log.rstrip().splitlines()[-MOST_LOG_LINES:])
            message = f"{message}; the verifier says:\n{log}"
        super().__init__(message, hint=hint)
        self.tried = tried
        self.errno = errno
        self.log = log
