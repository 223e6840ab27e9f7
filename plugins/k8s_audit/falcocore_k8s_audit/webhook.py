"""The webhook: what the kube-apiserver posts, answered for what was done with it.

200 is sent after the alerts of the body are safe. The kube-apiserver sends a batch again on every status
outside 200-206, so a refusal has to be worth that.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import AsyncIterator, Callable

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from falcocore.api import Batch, Progress
from falcocore_k8s_audit.address import Address, url_of
from falcocore_k8s_audit.decode import Decoded

RETRY_AFTER_S = 1
"""What a client is asked to wait when the webhook is full."""
CLOSE_S = 3
"""Seconds that open connections have to end once the last body was answered."""

_EXAMPLE_EVENT = (
    '{"kind":"Event","auditID":"1","stage":"ResponseComplete","stageTimestamp":"2018-10-20T00:18:28.428398Z",'
    '"verb":"create","user":{"username":"minikube-user"},"objectRef":{"resource":"configmaps",'
    '"namespace":"default","name":"my-config"},"requestObject":{"data":{"password":"secret"}}}'
)


class _Posted(Batch):
    """The events of one body; the request waits for its outcome."""

    __slots__ = ("outcome",)

    def __init__(self, decoded: Decoded) -> None:
        super().__init__(decoded.events)
        self.outcome: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def ack(self) -> None:
        """The alerts are safe."""
        self._settle(None)

    def nack(self, reason: str) -> None:
        """They are not."""
        self._settle(reason)

    def _settle(self, reason: str | None) -> None:
        # The client may have gone, which ended the request that waits.
        if not self.outcome.done():
            self.outcome.set_result(reason)


class Webhook:
    """A Starlette application on Hypercorn, on a socket that is bound before either starts.

    At most `max_in_flight` bodies are held at a time; the rest is told to come again, so that memory is
    bounded and the kube-apiserver's own buffer holds what waits.
    """

    def __init__(
        self, url: str, max_body_bytes: int, max_in_flight: int, note: Callable[[Decoded], None]
    ) -> None:
        self._address = Address.parse(url)
        self._max_body_bytes = max_body_bytes
        self._max_in_flight = max_in_flight
        self._note = note
        self._in_flight = 0
        self._stopping = False
        self._url = ""
        self._config = Config()
        self._loop: asyncio.AbstractEventLoop | None = None
        # As many as bodies may be in flight, and the end mark: it is never full.
        self._posted: asyncio.Queue[_Posted | None] = asyncio.Queue(max_in_flight + 1)

    def open(self) -> None:
        """Bind the address."""
        bound = self._address.bind()
        self._url = url_of(bound, self._address.path)
        errors = logging.getLogger("falcocore.k8s_audit.http")
        errors.setLevel(logging.WARNING)
        self._config.errorlog = errors
        self._config.graceful_timeout = CLOSE_S
        self._config.bind = [f"fd://{bound.detach()}"]

    def banner(self) -> str:
        """Where it listens."""
        return f"listening on {self._url}"

    def next_step(self) -> str:
        """A request that raises an alert of the bundled rules."""
        event = shlex.quote(_EXAMPLE_EVENT)
        return f"To see an alert: curl -H 'Content-Type: application/json' -d {event} {self._url}"

    def progress(self) -> Progress | None:
        """A webhook has no end."""
        return None

    def stop(self) -> None:
        """Refuse what is new; `batches` ends when what was accepted is answered."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self._stopping = True
        self._end_when_idle()

    def _end_when_idle(self) -> None:
        if self._stopping and self._in_flight == 0:
            self._posted.put_nowait(None)

    async def batches(self) -> AsyncIterator[Batch]:
        """Serve, and yield a batch for each body that holds events."""
        self._loop = asyncio.get_running_loop()
        closing = asyncio.Event()
        server = asyncio.create_task(
            serve(self._application(), self._config, shutdown_trigger=closing.wait), name="webhook"
        )
        server.add_done_callback(lambda _server: self._posted.put_nowait(None))
        try:
            while (batch := await self._posted.get()) is not None:
                yield batch
        finally:
            closing.set()
            await server

    def _application(self) -> Starlette:
        route = Route(self._address.path, self._post, methods=["POST"])
        application = Starlette(routes=[route], exception_handlers={HTTPException: self._refused})
        # A redirect would have the client send the whole body twice.
        application.router.redirect_slashes = False
        return application

    async def _refused(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        reasons = {
            404: f"audit events go to {self._address.path}",
            405: f"{request.method} is not allowed, POST is",
        }
        return _answer(status, reasons.get(status, str(error)), dict(headers or {}))

    async def _post(self, request: Request) -> Response:
        """One request; it counts as in flight from its first byte to its answer."""
        if self._stopping:
            return _answer(503, "shutting down")
        if self._in_flight >= self._max_in_flight:
            return _answer(429, "too many requests are being worked on", {"Retry-After": str(RETRY_AFTER_S)})
        self._in_flight += 1
        try:
            return await self._take(request)
        except ClientDisconnect:
            return _answer(400, "the client went away")
        finally:
            self._in_flight -= 1
            self._end_when_idle()

    async def _take(self, request: Request) -> Response:
        content_type = request.headers.get("content-type", "")
        if "application/json" not in content_type.lower():
            return _answer(415, f"Content-Type has to be application/json, not {content_type or 'missing'}")
        body = await self._body(request)
        if body is None:
            return _answer(413, f"a body has at most {self._max_body_bytes} bytes")
        if not body.strip():
            return _answer(400, "the body is empty")
        decoded = Decoded()
        decoded.read(body, f"request from {request.client.host if request.client else 'unknown'}")
        self._note(decoded)
        if not decoded.events:
            if decoded.recognised or not decoded.complaints:
                return _answer(200)
            return _answer(400, decoded.complaints[0])
        batch = _Posted(decoded)
        self._posted.put_nowait(batch)
        reason = await batch.outcome
        return _answer(200) if reason is None else _answer(503, f"alerts could not be written: {reason}")

    async def _body(self, request: Request) -> bytes | None:
        """The whole body, joined once; None where it is larger than allowed."""
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self._max_body_bytes:
            return None
        chunks: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._max_body_bytes:
                return None
            chunks.append(chunk)
        return b"".join(chunks)


def _answer(status: int, reason: str = "", headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{reason}\n" if reason else "", status, headers)
