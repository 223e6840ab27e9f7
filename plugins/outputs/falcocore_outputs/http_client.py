"""The connections of the output `http`. Only here is aiohttp imported: when there is something to send."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import socket
import ssl
import weakref
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from falcocore.api import OutputError
from falcocore_outputs.http_answers import Answer, one_line
from falcocore_outputs.http_target import Target

ANSWER_BYTES = 16 * 1024
"""How much of an answer is read; the connection of a longer one is not used again."""
_CLOSE_TURNS = 1000
"""How often it is looked whether the connections have ended, in milliseconds; a few are what it takes."""


class Client:
    """Posts to one receiver. Made and closed on the event loop that it is used on.

    `broken` says that a request got no answer: then it is to be closed, and another one made.
    """

    def __init__(
        self,
        target: Target,
        proxy: Target | None,
        context: ssl.SSLContext | None,
        *,
        connections: int,
        keep_alive: bool,
        timeout_s: float,
    ) -> None:
        self._target = target
        # Whoever wrote %2F meant it.
        self._url = URL(target.url, encoded=target.url.isascii())
        self._proxy = proxy
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=True if context is None else context,
                limit=connections,
                force_close=not keep_alive,
                socket_factory=self._socket,
            ),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._timeout_s = timeout_s
        self.broken = False

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        made = socket.socket(*address[:3])
        self._sockets.add(made)
        return made

    async def send(self, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request and return what is answered, whatever the status.

        Raises:
            OutputError: there was no answer.
        """
        try:
            return await self._exchange(method, headers, body)
        except BaseException as error:
            self.broken = True
            if isinstance(error, TimeoutError):
                late = f"{self._target.shown} did not answer within {self._timeout_s:g} s"
                raise OutputError(late) from None
            if isinstance(error, aiohttp.ClientError | OSError):
                raise self._failure(error) from None
            raise

    async def _exchange(self, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        proxy, proxy_headers, all_headers = None, None, dict(headers)
        if self._proxy is not None:
            proxy = URL(self._proxy.url)
            if self._proxy.authorization is not None:
                proxy_headers = {"Proxy-Authorization": self._proxy.authorization}
            # Without TLS the proxy reads the request itself; with it, a CONNECT that goes before.
            if proxy_headers and not self._target.tls:
                all_headers.update(proxy_headers)
        async with self._session.request(
            method,
            self._url,
            # Of plain bytes, aiohttp warns where there are many of them.
            data=io.BytesIO(body),
            headers=all_headers,
            allow_redirects=False,
            proxy=proxy,
            proxy_headers=proxy_headers,
        ) as response:
            text = await _beginning(response)
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, response.reason or "", found, text)

    def _failure(self, error: Exception) -> OutputError:
        """The error in words that show no header and no URL but the one that may be shown."""
        where, hint = self._target.shown, None
        match error:
            case aiohttp.ClientProxyConnectionError() if self._proxy is not None:
                cause = f"its proxy {self._proxy.shown} can't be reached: {_cause(error.os_error)}"
            case aiohttp.ClientHttpProxyError() if self._proxy is not None:
                cause = f"its proxy {self._proxy.shown} answered {error.status} {one_line(error.message)}"
            case aiohttp.ClientConnectorCertificateError():
                cause = f"its certificate is not trusted: {_cause(error.certificate_error)}"
                hint = "name the CA that it comes from with `ca_cert`"
            case aiohttp.ClientConnectorError():
                cause = f"it can't be reached: {_cause(error.os_error)}"
            case aiohttp.ServerDisconnectedError():
                cause = "it closed the connection without an answer"
            case OSError():
                cause = f"the connection broke: {_cause(error)}"
            case _:
                cause = f"its answer can't be read: {type(error).__name__}"
        return OutputError(f"{where}: {cause}", hint=hint)

    async def close(self) -> None:
        """End the connections, also those to a receiver that does not read.

        Otherwise what was written to it would be kept until it reads, together with its connection.
        """
        await self._session.close()
        for open_socket in self._open_sockets():
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        for _ in range(_CLOSE_TURNS):
            if not self._open_sockets():
                break
            await asyncio.sleep(0.001)

    def _open_sockets(self) -> list[socket.socket]:
        return [made for made in self._sockets if made.fileno() >= 0]


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The beginning of the answer's text. The status was said before: what breaks here changes nothing."""
    read = b""
    try:
        while len(read) < ANSWER_BYTES and (chunk := await response.content.read(ANSWER_BYTES - len(read))):
            read += chunk
    except (aiohttp.ClientError, OSError, TimeoutError):
        response.close()
    return read.decode("utf-8", "replace")


def _cause(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS failed"
    if isinstance(error, OSError) and error.strerror:
        # asyncio's own text has the address and not the cause. A name that is not known has a number below 0.
        return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return str(error) or type(error).__name__
