"""What makes a TLS connection to a syslog receiver safe (RFC 5425)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from falcocore.api import OutputError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. Without `ca_cert` the system's authorities are trusted; `client_cert` may hold the key."""

    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    def context(self) -> ssl.SSLContext:
        """A context that checks the receiver's certificate and its name, and shows ours.

        The files are read anew each time, so that a renewed certificate is used from the next connection on.

        Raises:
            OutputError: a file can't be read, or holds something else.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_cert)
        except OSError as error:
            raise OutputError(f"{self.ca_cert} can't be used as ca_cert: {_reason(error)}") from None
        if self.client_cert:
            try:
                # An empty password, so that nobody is asked for one on the terminal.
                context.load_cert_chain(self.client_cert, self.client_key, password="")
            except OSError as error:
                names = " and ".join(name for name in (self.client_cert, self.client_key) if name)
                hint = "both have to be PEM files, the key not encrypted and belonging to the certificate"
                raise OutputError(
                    f"{names} can't be used as client_cert and client_key: {_reason(error)}", hint=hint
                ) from None
        return context


def _reason(error: OSError) -> str:
    return str(error) if isinstance(error, ssl.SSLError) else error.strerror or str(error)
