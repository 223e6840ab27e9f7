"""Alerts posted to an HTTP server."""

from __future__ import annotations

import asyncio
import gzip
import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from falcocore.api import Alert, ConfigError, Output, PermanentRefusal
from falcocore_outputs.http_answers import Answer, judge, one_line
from falcocore_outputs.http_bodies import Body, encode
from falcocore_outputs.http_headers import HeaderOptions, shown_answer
from falcocore_outputs.http_target import parse_target, proxy_for, shown_location
from falcocore_outputs.secret import hide
from falcocore_outputs.tls import Stamp, TlsFiles

if TYPE_CHECKING:
    from falcocore_outputs.http_client import Client

log = logging.getLogger("falcocore.outputs.http")

MAX_BATCH_SIZE = 200
"""A header names the id of each alert of a body, and many servers take no more than 8 KiB of one."""
_SHOWN_BODY = 2000
_TOO_LARGE = 413
# What a receiver says that does not know compressed bodies: falcosidekick finds them to be bad JSON.
_PERHAPS_COMPRESSION = frozenset({400, 415})


class HttpOutput(Output):
    """Posts alerts, one in each body as falcosidekick wants it, or some at a time.

    Certificates, keys and tokens count as they are in their files when something is sent.
    """

    name: ClassVar[str] = "http"

    def __init__(
        self,
        *,
        url: Annotated[str, "where to post to; user and password in it are sent as basic authorization"],
        method: Annotated[Literal["POST", "PUT"], "POST or PUT"] = "POST",
        body: Annotated[
            Literal["single", "array", "lines"],
            "single: one alert in each body; array: a JSON array of alerts; lines: one alert a line",
        ] = "single",
        batch_size: Annotated[
            int, "array, lines: how many alerts one body holds at the most, up to 200"
        ] = 100,
        headers: Annotated[
            dict[str, str] | None,
            "more headers; file:PATH or env:NAME as a value names a secret, which is shown nowhere",
        ] = None,
        bearer_token: Annotated[str | None, "where the token stands: file:PATH or env:NAME"] = None,
        user_agent: Annotated[str, "how falcocore names itself"] = "falcocore",
        timeout_s: Annotated[
            float, "how long connecting, sending and the answer may take, in seconds"
        ] = 10.0,
        keep_alive: Annotated[bool, "use a connection for more than one request"] = True,
        connections: Annotated[
            int, "how many requests may run at a time; with more than 1 alerts can arrive out of order"
        ] = 1,
        compress_uploads: Annotated[bool, "compress bodies with gzip"] = False,
        ca_cert: Annotated[str | None, "PEM file of the CA that the server's certificate comes from"] = None,
        ca_bundle: Annotated[str | None, "the same for a file of several CAs; ca_cert goes before it"] = None,
        ca_path: Annotated[str | None, "the same for a directory as c_rehash makes it; goes last"] = None,
        insecure: Annotated[bool, "trust any certificate: whoever is in between can read all"] = False,
        client_cert: Annotated[str | None, "PEM file of the certificate to show to the server"] = None,
        client_key: Annotated[str | None, "PEM file of its key, where it is not in the same file"] = None,
        proxy: Annotated[
            str | None, "URL of a proxy; else HTTP_PROXY, HTTPS_PROXY and NO_PROXY count"
        ] = None,
        echo: Annotated[bool, "log what the receiver answers"] = False,
    ) -> None:
        _check_numbers(batch_size, connections, timeout_s)
        if client_key and not client_cert:
            raise ConfigError("output http: client_key is of no use without client_cert")
        self._target = parse_target(url, "output http: `url`")
        self._proxy = proxy_for(self._target, proxy, "output http: `proxy`")
        self._headers = HeaderOptions(headers or {}, user_agent, bearer_token, self._target)
        ca_file = ca_cert or ca_bundle or None
        self._tls = TlsFiles(
            ca_file, None if ca_file else ca_path or None, client_cert or None, client_key or None, insecure
        )
        self._method, self._body, self._echo = method, Body(body), echo
        self._size = 1 if self._body is Body.SINGLE else batch_size
        self._connections, self._keep_alive, self._timeout_s = connections, keep_alive, timeout_s
        self._compress = compress_uploads
        self._client: tuple[Client, Stamp] | None = None
        self.max_batch = self._size * connections

    def open(self) -> None:
        """See that certificates and secrets can be read."""
        self._headers.make({})
        if self._target.tls:
            self._tls.context()

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Post the alerts, in order where there is one connection.

        Raises:
            PermanentRefusal: the receiver will not take them.
            OutputError: it can't be reached, does not answer, or can't take them now.
        """
        client = await self._current_client()
        bodies = [alerts[at : at + self._size] for at in range(0, len(alerts), self._size)]
        try:
            for at in range(0, len(bodies), self._connections):
                posts = (self._post(client, body) for body in bodies[at : at + self._connections])
                # Each is waited for: one that is broken off may have been taken, and would come twice.
                _raise_first(await asyncio.gather(*posts, return_exceptions=True))
        finally:
            if client.broken:
                await self.aclose()

    async def _current_client(self) -> Client:
        """The client; another one when a file of TLS has changed."""
        stamp = self._tls.stamp() if self._target.tls else ()
        if self._client is not None and self._client[1] == stamp:
            return self._client[0]
        context = self._tls.context() if self._target.tls else None
        await self.aclose()
        from falcocore_outputs.http_client import Client

        client = Client(
            self._target,
            self._proxy,
            context,
            connections=self._connections,
            keep_alive=self._keep_alive,
            timeout_s=self._timeout_s,
        )
        self._client = client, stamp
        return client

    async def _post(self, client: Client, alerts: Sequence[Alert]) -> None:
        content_type, body = encode(self._body, alerts)
        ids = ",".join(alert.id for alert in alerts)
        defaults = {"Content-Type": content_type, "Falcocore-Alert-Ids": ids}
        answer = await self._request(client, defaults, body, compress=self._compress)
        if self._compress and answer.status in _PERHAPS_COMPRESSION:
            answer = await self._request(client, defaults, body, compress=False)
            if answer.taken:
                log.warning("%s takes no compressed bodies; they are not compressed", self._target.shown)
                self._compress = False
        if answer.status == _TOO_LARGE and len(alerts) > 1:
            half = len(alerts) // 2
            await self._post(client, alerts[:half])
            await self._post(client, alerts[half:])
            return
        judge(answer, self._target.shown, shown_location(answer.headers.get("location", "")))

    async def _request(
        self, client: Client, defaults: Mapping[str, str], body: bytes, *, compress: bool
    ) -> Answer:
        """Send one request; what is said and answered goes to the log."""
        headers = self._headers.make({**defaults, "Content-Encoding": "gzip"} if compress else defaults)
        debug = log.isEnabledFor(logging.DEBUG)
        if debug:
            log.debug("> %s %s", self._method, self._target.shown)
            for line in headers.shown():
                log.debug("> %s", line)
            log.debug("> %s", one_line(body.decode("utf-8", "replace"), _SHOWN_BODY))
        packed = gzip.compress(body, compresslevel=1, mtime=0) if compress else body
        secrets = (*headers.secrets, *(self._proxy.secrets if self._proxy else ()))
        answer = _without(await client.send(self._method, headers.values, packed), secrets)
        if debug:
            log.debug("< %d %s", answer.status, answer.reason)
            for line in shown_answer(answer.headers):
                log.debug("< %s", line)
            log.debug("< %s", one_line(answer.text, _SHOWN_BODY))
        if self._echo:
            log.info("%s answered %s", self._target.shown, answer)
        return answer

    async def aclose(self) -> None:
        """End the connections."""
        if self._client is not None:
            client, self._client = self._client[0], None
            await client.close()


def _without(answer: Answer, secrets: Sequence[str]) -> Answer:
    """The answer without the secrets of the request, which it may repeat."""
    return Answer(
        answer.status,
        hide(answer.reason, secrets),
        {name: hide(value, secrets) for name, value in answer.headers.items()},
        hide(answer.text, secrets),
    )


def _check_numbers(batch_size: int, connections: int, timeout_s: float) -> None:
    if not 1 <= batch_size <= MAX_BATCH_SIZE:
        raise ConfigError(f"output http: batch_size is {batch_size}, it has to be 1 to {MAX_BATCH_SIZE}")
    if connections < 1:
        raise ConfigError(f"output http: connections is {connections}, it has to be 1 or more")
    if not 0 < timeout_s < math.inf:
        raise ConfigError(f"output http: timeout_s is {timeout_s:g}, it has to be more than 0")


def _raise_first(results: Sequence[BaseException | None]) -> None:
    """Raise the first failure; one that may pass goes before a refusal, which would set all alerts aside."""
    errors = [result for result in results if result is not None]
    passing = [error for error in errors if not isinstance(error, PermanentRefusal)]
    for error in passing or errors:
        raise error
