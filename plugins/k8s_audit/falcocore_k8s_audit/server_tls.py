"""TLS as a server: certificate and key, and whose client certificates are let in."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from typing import Any

from falcocore.api import ConfigError
from falcocore_k8s_audit.changes import FileState, file_state

log = logging.getLogger("falcocore.k8s_audit")

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; with forward secrecy, as HTTP/2 asks for (RFC 9113, section 9.2)."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. Without `key` it stands in the file of the certificate.

    With `client_ca`, only clients with a certificate from it are let in; with `client_names` only those whose
    certificate has one of these names: its common name, or a DNS or URI name.
    """

    certificate: str
    key: str | None = None
    client_ca: str | None = None
    client_names: frozenset[str] = frozenset()

    def state(self) -> tuple[FileState, ...]:
        """What changes when one of the files does."""
        return tuple(file_state(path) for path in (self.certificate, self.key, self.client_ca) if path)

    def context(self) -> ssl.SSLContext:
        """A context made of what the files hold now.

        Raises:
            ConfigError: a file can't be read, or holds something else.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CIPHERS)
        context.options |= ssl.OP_NO_COMPRESSION
        context.set_alpn_protocols(["h2", "http/1.1"])
        try:
            # Without a password of its own OpenSSL asks for one on the terminal.
            context.load_cert_chain(self.certificate, self.key, password=lambda: b"")
        except OSError as error:
            files = " and ".join(filter(None, (self.certificate, self.key)))
            raise ConfigError(
                f"source k8s_audit: the certificate can't be loaded from {files}: {_cause(error)}",
                hint="give a certificate and its key, not encrypted, as PEM files",
            ) from None
        if self.client_ca is not None:
            self._let_in_only_known(context, self.client_ca)
        return context

    def _let_in_only_known(self, context: ssl.SSLContext, client_ca: str) -> None:
        try:
            context.load_verify_locations(client_ca)
        except OSError as error:
            raise ConfigError(
                f"source k8s_audit: CA certificates can't be loaded from {client_ca}: {_cause(error)}",
                hint="give the CA that the kube-apiserver's client certificate comes from, as a PEM file",
            ) from None
        context.verify_mode = ssl.CERT_REQUIRED
        if self.client_names:
            context.sslobject_class = _checking(self.client_names)


def _checking(names: frozenset[str]) -> type[ssl.SSLObject]:
    """A connection whose handshake fails where the client's certificate has none of these names."""

    class Checking(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            found = names_of(self.getpeercert() or {})
            if names.isdisjoint(found):
                shown = ", ".join(sorted(found)) or "no name"
                log.warning("a client is refused: its certificate is for %s", shown)
                raise ssl.SSLCertVerificationError(f"the client's certificate is for {shown}")

    return Checking


def names_of(certificate: Any) -> set[str]:
    """The common names and alternative names of a certificate, as `getpeercert` gives it."""
    subject = {value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"}
    return subject | {
        value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "URI")
    }


class ReloadingContext(ssl.SSLContext):
    """A context that is made anew for the next connection when one of its files has changed.

    Files that can't be used, as half way through a renewal, are told of once; what was there before goes on.
    """

    _files: TlsFiles
    _seen: tuple[FileState, ...]
    _current: ssl.SSLContext

    def __new__(cls, files: TlsFiles) -> ReloadingContext:  # noqa: ARG004, D102 - SSLContext's takes a protocol
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = files.state()
        self._current = files.context()

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """Begin a connection, as asyncio does, with what the files hold now."""
        state = self._files.state()
        if state != self._seen:
            self._seen = state
            try:
                self._current = self._files.context()
                log.info("the certificate was read again")
            except ConfigError as error:
                log.error("%s; what was read before goes on", error.message)
        return self._current.wrap_bio(*arguments, **options)


def _cause(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is no PEM file"
    return error.strerror or str(error)
