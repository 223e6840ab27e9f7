"""The webhook: what the kube-apiserver posts, answered for what was done with it.

200 is sent after the alerts of the body are safe. The kube-apiserver sends a batch again on every status
outside 200-206, so a refusal has to be worth that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shlex
import time
from collections.abc import AsyncIterator, Callable
from typing import ClassVar, cast
from urllib.parse import unquote

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from falcocore.api import Batch, Progress
from falcocore_k8s_audit.address import Address, url_of
from falcocore_k8s_audit.decode import Decoded

RETRY_LATER = {"Retry-After": "1"}
"""What a client is asked to wait when the webhook is full or can't keep alerts, in seconds."""
ARRIVING_BODIES = 8
"""Bodies of the largest size that there is room for while they arrive; mostly they are much smaller."""
DRAINED_BODIES = 4
"""So many times the largest body is read and dropped before a refusal is sent."""
BODY_S = 30
"""Seconds that a body may take to arrive: the kube-apiserver gives up on a request after as many."""
IDLE_S = 120
"""Seconds that an idle connection stays open: longer than the kube-apiserver keeps it, which sends no
request into a connection that closes."""
LAST_S = 2
"""Seconds that what still goes on has once the webhook ends: bodies that arrive, and, where the webhook was
cut short, alerts that are not safe yet. Then they are refused."""
CLOSE_S = 3
"""Seconds that open connections have to end from then on; Hypercorn breaks the others off."""
DECODED_HERE_BYTES = 1 << 18
"""A larger body is decoded in a thread, so that other requests go on."""

_EXAMPLE_EVENT = (
    '{"kind":"Event","auditID":"1","stage":"ResponseComplete","stageTimestamp":"2018-10-20T00:18:28.428398Z",'
    '"verb":"create","user":{"username":"minikube-user"},"objectRef":{"resource":"configmaps",'
    '"namespace":"default","name":"my-config"},"requestObject":{"data":{"password":"secret"}}}'
)


class _Posted(Batch):
    """The events of one body; the request waits for its outcome."""

    __slots__ = ("outcome",)

    acknowledged: ClassVar[bool] = True

    def __init__(self, decoded: Decoded) -> None:
        super().__init__(decoded.events, decoded.labels)
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


def _accepted(request: Request) -> Response:
    """Nothing but 200; Amazon Data Firehose asks for its request's id, and sends again without it."""
    request_id = request.headers.get("x-amz-firehose-request-id")
    if request_id is None:
        return Response()
    return JSONResponse({"requestId": request_id, "timestamp": time.time_ns() // 1_000_000})


class Webhook:
    """A Starlette application on Hypercorn, on a socket that is bound before either starts.

    Two bounds keep memory flat, and leave what waits to the kube-apiserver's own buffer: the bytes of
    the bodies that are arriving, so that a slow sender takes little room from others, and the number of
    bodies that have arrived and are not answered yet.
    """

    def __init__(
        self,
        url: str,
        max_body_bytes: int,
        max_in_flight: int,
        cluster: str,
        note: Callable[[Decoded], None],
    ) -> None:
        self._address = Address.parse(url)
        self._max_body_bytes = max_body_bytes
        self._max_in_flight = max_in_flight
        self._cluster = cluster
        self._note = note
        self._arriving_bytes = 0
        self._in_flight = 0
        self._stopping = False
        self._ended = False
        self._url = ""
        self._config = Config()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._posted: asyncio.Queue[_Posted | None] = asyncio.Queue()
        self._limits: set[asyncio.Timeout] = set()

    def open(self) -> None:
        """Bind the address; once more, where the source is started again after it failed."""
        bound = self._address.bind()
        self._stopping = self._ended = False
        # As many as bodies may be in flight, and the end mark: it is never full.
        self._posted = asyncio.Queue(self._max_in_flight + 1)
        self._url = url_of(bound, self._address.path)
        errors = logging.getLogger("falcocore.k8s_audit.http")
        errors.setLevel(logging.WARNING)
        self._config.errorlog = errors
        self._config.graceful_timeout = CLOSE_S
        self._config.keep_alive_timeout = IDLE_S
        # Bounded, Hypercorn waits for ever to hand over a body that nobody reads to its end. It is read
        # as it comes, so that little waits.
        self._config.max_app_queue_size = 0
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
        self._stopping = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop is closed: it has ended already.
                self._loop.call_soon_threadsafe(self._end_when_idle)

    def _end_when_idle(self) -> None:
        if self._stopping and self._in_flight == 0:
            self._end()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._posted.put_nowait(None)

    async def batches(self) -> AsyncIterator[Batch]:
        """Serve, and yield a batch for each body that holds events."""
        self._loop = asyncio.get_running_loop()
        self._end_when_idle()
        closing = asyncio.Event()
        application = cast("ASGIFramework", self._application())
        server = asyncio.create_task(
            serve(application, self._config, shutdown_trigger=closing.wait), name="k8s_audit webhook"
        )
        server.add_done_callback(lambda _server: self._end())
        try:
            while (batch := await self._posted.get()) is not None:
                yield batch
        finally:
            self._stopping = self._ended = True
            while not self._posted.empty():
                if unseen := self._posted.get_nowait():
                    unseen.nack("shutting down")
            for limit in self._limits:
                if not limit.expired():
                    limit.reschedule(self._loop.time() + LAST_S)
            closing.set()
            await server

    def _application(self) -> Starlette:
        path = unquote(self._address.path)
        # As in Falco, a path that ends in a slash stands for everything below it.
        pattern = f"{path}{{below:path}}" if path.endswith("/") else path
        route = Route(pattern, self._post, methods=["POST"])
        application = Starlette(routes=[route], exception_handlers={HTTPException: self._refused})
        # A redirect would have the client send the whole body twice.
        application.router.redirect_slashes = False
        return application

    async def _refused(self, request: Request, error: Exception) -> Response:
        refusal = cast("HTTPException", error)  # What this handler is registered for.
        if not hasattr(request.state, "read"):
            await self._drain(request)
        reasons = {
            404: f"audit events go to {self._address.path}",
            405: f"{request.method} is not allowed, POST is",
        }
        reason = reasons.get(refusal.status_code, refusal.detail)
        return PlainTextResponse(f"{reason}\n", refusal.status_code, refusal.headers)

    async def _drain(self, request: Request) -> None:
        """Let the client send the rest of its body: one that can't would not read the answer either."""
        left_bytes = DRAINED_BODIES * self._max_body_bytes
        with contextlib.suppress(ClientDisconnect, TimeoutError):
            async with self._limit(BODY_S):
                async for chunk in request.stream():
                    left_bytes -= len(chunk)
                    if left_bytes < 0:
                        return

    async def _post(self, request: Request) -> Response:
        self._check_room()
        content_type = request.headers.get("content-type", "")
        if "application/json" not in content_type.lower():
            raise HTTPException(
                415, f"Content-Type has to be application/json, not {content_type or 'missing'}"
            )
        try:
            body = await self._receive(request)
        except ClientDisconnect:
            return Response(status_code=400)  # Nobody is there to read it.
        request.state.read = True
        self._check_room()
        self._in_flight += 1
        try:
            await self._process(body, request.client.host if request.client else "unknown")
        finally:
            self._in_flight -= 1
            self._end_when_idle()
        return _accepted(request)

    def _check_room(self) -> None:
        if self._stopping:
            raise self._shutting_down()
        if self._in_flight >= self._max_in_flight:
            raise HTTPException(429, "too many requests are being worked on", RETRY_LATER)

    async def _receive(self, request: Request) -> bytes:
        """The whole body, joined once."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_body_bytes:
            raise self._too_large()
        chunks: list[bytes] = []
        size_bytes = 0
        try:
            async with self._limit(BODY_S):
                async for chunk in request.stream():
                    size_bytes += len(chunk)
                    self._arriving_bytes += len(chunk)
                    if size_bytes > self._max_body_bytes:
                        raise self._too_large()
                    if self._arriving_bytes > ARRIVING_BODIES * self._max_body_bytes:
                        raise HTTPException(429, "too many bodies are arriving", RETRY_LATER)
                    chunks.append(chunk)
        except TimeoutError:
            request.state.read = True  # As far as it goes: nothing more is waited for.
            if self._stopping:
                raise self._shutting_down() from None
            raise HTTPException(408, f"the body did not arrive within {BODY_S} s") from None
        finally:
            self._arriving_bytes -= size_bytes
        return b"".join(chunks)

    @contextlib.asynccontextmanager
    async def _limit(self, wait_s: float | None) -> AsyncIterator[None]:
        """Raises TimeoutError where it takes longer, or longer than LAST_S once the webhook ends."""
        async with asyncio.timeout(LAST_S if self._ended else wait_s) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def _shutting_down(self) -> HTTPException:
        return HTTPException(503, "shutting down")

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"a body may have {self._max_body_bytes} bytes")

    async def _process(self, body: bytes, sender: str) -> None:
        """Decode a body and have its events processed; returns when their alerts are safe."""
        decoded = Decoded(self._cluster)
        if len(body) > DECODED_HERE_BYTES:
            await asyncio.to_thread(decoded.read, body, f"request from {sender}")
        else:
            decoded.read(body, f"request from {sender}")
        self._note(decoded)
        if decoded.rejected and not (decoded.events or decoded.recognised):
            raise HTTPException(400, decoded.complaints[0])
        if not decoded.events:
            return
        if self._ended:  # It was cut short: nobody takes batches any more.
            raise self._shutting_down()
        batch = _Posted(decoded)
        self._posted.put_nowait(batch)
        try:
            async with self._limit(None):
                reason = await batch.outcome
        except TimeoutError:
            raise self._shutting_down() from None
        if reason is not None:
            raise HTTPException(503, f"alerts could not be kept: {reason}", RETRY_LATER)
