"""TLS as a client: whom to trust, and the certificate to show."""

from __future__ import annotations

import contextlib
import os
import ssl
from dataclasses import dataclass
from typing import TypeAlias

from falcocore.api import OutputError

Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]
"""For each file its inode, time of change and size; None where it is missing."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. Without `ca_file` and `ca_path` (a directory as c_rehash makes it) the system's CAs count.

    `client_key` may be missing where the key stands in the file of the certificate.
    """

    ca_file: str | None = None
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    insecure: bool = False

    def stamp(self) -> Stamp:
        """What changes when one of the files does."""
        return tuple(
            _stamp(path) for path in (self.ca_file, self.ca_path, self.client_cert, self.client_key) if path
        )

    def context(self) -> ssl.SSLContext:
        """A context made of what the files hold now.

        Raises:
            OutputError: a file can't be read, or holds something else.
        """
        context = self._trusting()
        if self.client_cert is not None:
            files = " and ".join(filter(None, (self.client_cert, self.client_key)))
            try:
                # Without a password of its own OpenSSL asks for one on the terminal.
                context.load_cert_chain(self.client_cert, self.client_key, password=lambda: b"")
            except OSError as error:
                raise OutputError(
                    f"the client certificate can't be loaded from {files}: {_cause(error)}",
                    hint="give a certificate and its key, not encrypted, as PEM files",
                ) from None
        return context

    def _trusting(self) -> ssl.SSLContext:
        if self.insecure:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        try:
            return ssl.create_default_context(cafile=self.ca_file, capath=self.ca_path)
        except OSError as error:
            trusted = self.ca_file or self.ca_path
            raise OutputError(
                f"CA certificates can't be loaded from {trusted}: {_cause(error)}",
                hint="give a PEM file, or a directory of them as c_rehash makes it",
            ) from None


def _stamp(path: str) -> tuple[int, int, int] | None:
    with contextlib.suppress(OSError):
        status = os.stat(path)
        return status.st_ino, status.st_mtime_ns, status.st_size
    return None


def _cause(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is no PEM file"
    return error.strerror or str(error)
