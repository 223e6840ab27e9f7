"""Where a syslog receiver is."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from urllib.parse import urlsplit

from falcocore.api import ConfigError

_HINT = "write a path such as /dev/log, or udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT"


class Transport(enum.Enum):
    """How it is reached."""

    UNIX = "unix"
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


_PORTS = {Transport.UDP: 514, Transport.TCP: 514, Transport.TLS: 6514}
"""Those of RFC 5426 and 5425; for TCP, what most receivers listen on (RFC 6587, 3.1)."""


@dataclass(frozen=True, slots=True)
class Address:
    """A receiver. `place` is a path or a host; the port is 0 for a path."""

    transport: Transport
    place: str
    port: int = 0

    def __str__(self) -> str:
        if self.transport is Transport.UNIX:
            return self.place
        host = f"[{self.place}]" if ":" in self.place else self.place
        return f"{self.transport.value}://{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read `/PATH` or `TRANSPORT://HOST[:PORT]`.

    Raises:
        ConfigError: it is neither.
    """
    if text.startswith("/"):
        return Address(Transport.UNIX, text)
    try:
        parts = urlsplit(text)
        transport, port = Transport(parts.scheme), parts.port
        host = parts.hostname or ""
        host.encode("idna")  # what the resolver would stumble over
    except ValueError as error:
        raise ConfigError(f"`{text}` is not the address of a syslog receiver: {error}", hint=_HINT) from None
    strange = parts.username or parts.query or parts.fragment or parts.path.strip("/")
    if transport is Transport.UNIX or not host or strange or port == 0:
        raise ConfigError(f"`{text}` is not the address of a syslog receiver", hint=_HINT)
    return Address(transport, host, _PORTS[transport] if port is None else port)
