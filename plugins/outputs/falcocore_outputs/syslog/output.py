"""Alerts to a syslog receiver, on this host or another."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from typing import Annotated, ClassVar

from falcocore.api import Alert, ConfigError, Output, OutputError
from falcocore_outputs.syslog import sockets
from falcocore_outputs.syslog.address import Transport, parse_address
from falcocore_outputs.syslog.connection import (
    Connection,
    DatagramConnection,
    Framing,
    SizeLimit,
    StreamConnection,
    log,
)
from falcocore_outputs.syslog.message import LEAST_SIZE_BYTES, Facility, Layout, MessageFormat
from falcocore_outputs.tls import TlsFiles


class SyslogOutput(Output):
    """One message for each alert, with the alert's priority as its severity.

    A connection that can't be made or that breaks is made anew at the next `send`.
    """

    name: ClassVar[str] = "syslog"

    def __init__(
        self,
        *,
        address: Annotated[
            str, "a unix socket's path, or udp://HOST[:514], tcp://HOST[:514] or tls://HOST[:6514]"
        ] = "/dev/log",
        format: Annotated[  # noqa: A002 - the option's name
            Layout | None, "rfc3164 or rfc5424; without it, rfc3164 on a unix socket and rfc5424 elsewhere"
        ] = None,
        facility: Annotated[Facility, "user, daemon, auth, authpriv, local0 to local7, ..."] = Facility.USER,
        app_name: Annotated[str, "the program's name in messages"] = "falcocore",
        hostname: Annotated[str | None, "the host's name in messages; without it, the alert's"] = None,
        structured_data: Annotated[bool, "id, rule, source and tags as structured data (rfc5424)"] = False,
        sd_id: Annotated[
            str, "name of the structured data; its number should be your organisation's"
        ] = "falcocore@32473",
        framing: Annotated[
            Framing | None,
            "octet-counting or newline, in streams; without it, newline on a unix socket, else the other",
        ] = None,
        max_bytes: Annotated[
            int | None, "longer messages are cut; without it, only what the socket can't take"
        ] = None,
        ca_cert: Annotated[
            str | None, "PEM file of the authorities to trust with tls://; without it, the system's"
        ] = None,
        client_cert: Annotated[str | None, "PEM file of the certificate to show with tls://"] = None,
        client_key: Annotated[str | None, "PEM file of its key, where that is not in client_cert"] = None,
        server_name: Annotated[str | None, "name in the receiver's certificate; without it, HOST"] = None,
        timeout_s: Annotated[float, "how long the receiver may take to accept or go on"] = 10.0,
        settle_s: Annotated[
            float, "how long a new stream is watched for a refusal before anything is sent"
        ] = 0.5,
    ) -> None:
        self._address = parse_address(address)
        local = self._address.transport is Transport.UNIX
        layout = format or (Layout.RFC3164 if local else Layout.RFC5424)
        self._format = MessageFormat(
            layout,
            facility,
            app_name,
            hostname,
            # syslog(3) leaves it out, and local receivers would take it for the program.
            with_hostname=not (local and layout is Layout.RFC3164),
            sd_id=sd_id if structured_data else None,
        )
        if framing and self._address.transport is Transport.UDP:
            raise ConfigError("framing is for streams", hint="leave it out: a datagram is one message")
        self._framing = framing or (Framing.NEWLINE if local else Framing.OCTET_COUNTING)
        if self._address.transport is not Transport.TLS and (
            ca_cert or client_cert or client_key or server_name
        ):
            raise ConfigError(
                "ca_cert, client_cert, client_key and server_name are for TLS", hint="use tls://HOST:PORT"
            )
        if client_key and not client_cert:
            raise ConfigError("client_key: there is no client_cert that it belongs to", hint="name both")
        self._tls = TlsFiles(ca_file=ca_cert, client_cert=client_cert, client_key=client_key)
        self._server_name = server_name or self._address.place
        if max_bytes is not None and max_bytes < LEAST_SIZE_BYTES:
            raise ConfigError(
                f"max_bytes: {max_bytes} is too little", hint=f"the least is {LEAST_SIZE_BYTES}"
            )
        if timeout_s <= 0 or settle_s < 0:
            raise ConfigError("timeout_s and settle_s are times", hint="give seconds, such as 10")
        self._limit = SizeLimit(max_bytes)
        self._timeout_s = timeout_s
        self._settle_s = settle_s
        self._connection: Connection | None = None

    def open(self) -> None:
        """See that the files for TLS can be used. The receiver need not be there yet."""
        if self._address.transport is Transport.TLS:
            self._tls.context()

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Send the alerts; what that says of their arrival depends on the transport (docs/outputs.md).

        Raises:
            OutputError: the receiver can't be reached, is not to be trusted, or broke the connection.
        """
        messages = [self._format.message(alert) for alert in alerts]
        sent = False
        try:
            connection = await self._connected()
            await connection.send(messages)
            sent = True
        except OSError as error:
            raise OutputError(f"{self._address}: {self._cause(error)}") from None
        finally:
            # Half of a message may be on its way, after a cancellation too: it is not continued.
            if not sent:
                self.close()

    async def _connected(self) -> Connection:
        """The connection as long as the receiver keeps it, or a new one."""
        if self._connection is not None and self._ended(self._connection):
            self.close()
        if self._connection is None:
            self._connection = await self._connect()
            log.debug("%s: connected", self._address)
        return self._connection

    def _ended(self, connection: Connection) -> bool:
        try:
            closed = connection.is_closed()
        except OSError as error:
            log.warning(
                "%s: %s since the last alert was sent, which the receiver may not have read",
                self._address,
                self._cause(error),
            )
            return True
        if closed:
            log.debug("%s: closed by the receiver", self._address)
        return closed

    async def _connect(self) -> Connection:
        context = self._tls.context() if self._address.transport is Transport.TLS else None
        sock = await sockets.connect(self._address, self._timeout_s)
        if context is not None:
            tls = await sockets.secure(sock, context, self._server_name, self._timeout_s)
            log.debug("%s: agreed on %s", self._address, tls.version())
            sock = tls
        peer = str(self._address)
        if sock.type == socket.SOCK_DGRAM:
            return DatagramConnection(sock, peer, self._limit, self._timeout_s)
        connection = StreamConnection(sock, peer, self._limit, self._framing, self._timeout_s)
        try:
            await connection.settle(self._settle_s)
        except BaseException:
            connection.close()
            raise
        return connection

    def _cause(self, error: OSError) -> str:
        match error:
            case TimeoutError(errno=None):
                return f"no answer within {self._timeout_s:g} s"
            case ssl.SSLCertVerificationError():
                return f"the receiver's certificate is refused: {error.verify_message}"
            case ssl.SSLError():
                return f"TLS failed: {error.reason or error}"
            # asyncio's text repeats the address.
            case OSError(errno=int(number)) if number > 0:
                return os.strerror(number)
            case _:
                return error.strerror or str(error)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
