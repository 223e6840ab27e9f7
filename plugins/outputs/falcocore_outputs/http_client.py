"""The connections of the output `http`. Only here is aiohttp imported: when there is something to send."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import aiohttp
from yarl import URL

from falcocore.api import OutputError
from falcocore_outputs.http_answers import Answer, one_line
from falcocore_outputs.http_target import Target

ANSWER_BYTES = 16 * 1024
"""How much of an answer is read; the connection of a longer one is not used again."""


class Client:
    """Posts to one receiver. Made and closed on the event loop that it is used on."""

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
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=True if context is None else context, limit=connections, force_close=not keep_alive
            ),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._timeout_s = timeout_s

    async def send(self, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request and return what is answered, whatever the status.

        Raises:
            OutputError: there was no answer.
        """
        proxy, proxy_headers, all_headers = None, None, dict(headers)
        if self._proxy is not None:
            proxy = URL(self._proxy.url)
            if self._proxy.authorization is not None:
                proxy_headers = {"Proxy-Authorization": self._proxy.authorization}
            # Without TLS the proxy reads the request itself; with it, a CONNECT that goes before.
            if proxy_headers and not self._target.tls:
                all_headers.update(proxy_headers)
        try:
            async with self._session.request(
                method,
                self._url,
                data=body,
                headers=all_headers,
                allow_redirects=False,
                proxy=proxy,
                proxy_headers=proxy_headers,
            ) as response:
                text = await _beginning(response)
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, response.reason or "", found, text)
        except TimeoutError:
            raise OutputError(f"{self._target.shown} did not answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from None

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
        """End the connections."""
        await self._session.close()


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
        return error.strerror
    return str(error) or type(error).__name__
