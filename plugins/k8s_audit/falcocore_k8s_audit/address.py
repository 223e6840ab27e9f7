"""Where the webhook listens: `http://HOST:PORT/PATH` parsed, and bound."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from falcocore.api import SourceError

DEFAULT = "http://127.0.0.1:9765/k8s-audit"
_EXAMPLE = f"write it as {DEFAULT}"
_ANOTHER_PORT = "take another port with --source k8s_audit=http://HOST:PORT/PATH"
_REMEDIES = {
    errno.EADDRINUSE: f"another program listens there; stop it, or {_ANOTHER_PORT}",
    errno.EADDRNOTAVAIL: "the host has to be an address of this machine; leave it out to listen on every one",
    errno.EACCES: f"ports below 1024 need privileges; {_ANOTHER_PORT}",
}
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Address:
    """Host (empty: every address of the machine), port (0: any free one), path, and whether it is https."""

    host: str
    port: int
    path: str
    is_secure: bool = False

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read a URL; an empty one is the default, and so is a port or path that it leaves out.

        Raises:
            SourceError: it is no such URL.
        """
        usual = urlsplit(DEFAULT)
        try:
            parts = urlsplit(url or DEFAULT)
        except ValueError:
            raise SourceError(f"source k8s_audit: {url} has no valid host", hint=_EXAMPLE) from None
        try:
            port = parts.port
        except ValueError:
            raise SourceError(f"source k8s_audit: {url} has no valid port", hint=_EXAMPLE) from None
        if parts.query or parts.fragment or parts.username is not None:
            raise SourceError(f"source k8s_audit: {url} is more than host, port and path", hint=_EXAMPLE)
        port = usual.port or 0 if port is None else port
        return cls(parts.hostname or "", port, parts.path or usual.path, parts.scheme.lower() == "https")

    @property
    def is_loopback(self) -> bool:
        """True where only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def reserve(self) -> tuple[socket.socket, Address]:
        """(a socket that holds the port and takes no connections, the address with its real port).

        Several processes can then `bind` it, shared.

        Raises:
            SourceError: it can't be bound; says why.
        """
        # Not shared, so that somebody else who shares the port already is noticed.
        with self._explained(), self._bound(is_shared=False) as alone:
            port = alone.getsockname()[1]
        address = replace(self, port=port)
        with self._explained():
            return address._bound(is_shared=True), address  # noqa: SLF001

    def bind(self, *, is_shared: bool = False) -> socket.socket:
        """A socket that listens there; where it is shared, others may do so too, and each gets a part.

        Raises:
            SourceError: it can't be bound; says why.
        """
        with self._explained():
            bound = self._bound(is_shared=is_shared)
            bound.listen(_BACKLOG)
            return bound

    def _bound(self, *, is_shared: bool) -> socket.socket:
        is_dual = not self.host and socket.has_dualstack_ipv6()
        family, place = socket.AF_INET6, ("::", self.port)
        if not is_dual:
            family, _, _, _, found = socket.getaddrinfo(
                self.host or None, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            place = (str(found[0]), self.port)
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_shared:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not is_dual)
            made.bind(place)
        except BaseException:
            made.close()
            raise
        return made

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """What goes wrong while it is bound, as a message for the user."""
        try:
            yield
        except (socket.gaierror, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no host name"
            raise SourceError(
                f"source k8s_audit: {self.host} is no address of this machine: {reason}", hint=_EXAMPLE
            ) from None
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise SourceError(
                f"source k8s_audit: can't listen on {self.host or 'any address'}, port {self.port}: {reason}",
                hint=_REMEDIES.get(error.errno or 0, _EXAMPLE),
            ) from None


def url_of(bound: socket.socket, path: str, *, is_secure: bool = False) -> str:
    """The URL under which a bound socket is reached from this machine."""
    host, port = bound.getsockname()[:2]
    scheme = "https" if is_secure else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path}"
