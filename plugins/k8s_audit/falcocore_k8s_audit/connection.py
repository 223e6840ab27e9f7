"""The requests of one client: those that post a body of known length go a short way, others to Hypercorn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from hypercorn.config import Config

from falcocore_k8s_audit.exchange import Exchange, Message
from falcocore_k8s_audit.head import Head, NotPlainError
from falcocore_k8s_audit.wire import Wire

Application: TypeAlias = Callable[
    [dict[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
HEAD_BYTES = 1 << 12
"""Of what has come, so much is looked at for a head: it is copied, and a body may stand behind it."""


class Connection:
    """Reads requests and has an application answer them, until one side closes.

    The first one that is anything but a plain POST of HTTP/1.1 goes to `hand_over`, and with it the
    connection, for good. Limits are those of Hypercorn's `config`.
    """

    def __init__(
        self,
        wire: Wire,
        application: Application,
        config: Config,
        hand_over: Callable[[Wire], Awaitable[None]],
    ) -> None:
        self._wire = wire
        self._application = application
        self._config = config
        self._hand_over = hand_over
        self._requests = 0
        self._is_idle = False
        self._is_last = False

    def end(self) -> None:
        """Close behind the answer that is awaited, or now where none is."""
        self._is_last = True
        if self._is_idle:
            self._wire.transport.close()

    async def run(self) -> None:
        """Serve the connection to its end."""
        try:
            if self._is_http2():
                raise NotPlainError
            while not self._is_last and (exchange := await self._next()) is not None:
                if not await self._answer(exchange):
                    break
            await self._wire.close()
        except NotPlainError:
            await self._hand_over(self._wire)
        except asyncio.CancelledError:
            self._wire.transport.abort()
            raise

    def _is_http2(self) -> bool:
        tls = self._wire.transport.get_extra_info("ssl_object")
        return tls is not None and tls.selected_alpn_protocol() == "h2"

    async def _next(self) -> Exchange | None:
        """The next request whose head is complete; None where none came, or not in time.

        Raises:
            NotPlainError: it is for Hypercorn; all of it is still to be read.
        """
        head = Head()
        self._is_idle = True
        try:
            async with asyncio.timeout(self._config.keep_alive_timeout):
                while not head.is_complete:
                    piece = await self._wire.read()
                    if not piece:
                        return None
                    self._wire.put_back(piece[HEAD_BYTES:])
                    head.take(piece[:HEAD_BYTES])
                    if not head.is_complete and len(head.read) > self._config.h11_max_incomplete_size:
                        raise NotPlainError
        except TimeoutError:
            return None
        except NotPlainError:
            self._wire.put_back(head.read)
            raise
        finally:
            self._is_idle = False
        self._wire.put_back(head.behind)
        self._requests += 1
        is_last = self._requests >= self._config.keep_alive_max_requests
        return Exchange(self._wire, head, self._config.response_headers("h11"), is_last=is_last)

    async def _answer(self, exchange: Exchange) -> bool:
        """Have the application answer; whether another request may follow."""
        try:
            await self._application(exchange.scope(), exchange.receive, exchange.send)
        except Exception:
            await self._config.log.exception("a request could not be answered")
        return exchange.leaves_open
