"""Requests that post events, each answered when the alerts of its body are safe.

The kube-apiserver sends a batch again on every status outside 200-206, so a refusal has to be worth that.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import ClassVar, cast
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from falcocore.api import Batch
from falcocore_k8s_audit.bodies import (
    BrokenError,
    Pieces,
    TooLargeError,
    UnknownEncodingError,
    add_piece,
    unpacked,
)
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.short_lists import decoded_in_parts
from falcocore_k8s_audit.webhook_options import Door

HEALTH_PATH = "/healthz"
RETRY_LATER = {"Retry-After": "1"}
"""What a client is asked to wait when the webhook is full or can't keep alerts, in seconds."""
ARRIVING_BODIES = 8
"""Bodies of the largest size that there is room for while they arrive; mostly they are much smaller."""
DRAINED_BODIES = 4
"""So many times the largest body is read and dropped before a refusal is sent."""
BODY_S = 30
"""Seconds that a body may take to arrive: the kube-apiserver gives up on a request after as many."""
LAST_S = 2
"""Seconds that what still goes on has once the webhook ends: bodies that arrive, and, where the webhook was
cut short, alerts that are not safe yet. Then they are refused."""
DECODED_HERE_BYTES = 2 << 20
"""A larger body is decoded in a thread, so that other requests go on; a smaller one takes about 2 ms."""


class Posted(Batch):
    """The events of one body, decoded while they are drawn; the request waits for its outcome."""

    __slots__ = ("outcome", "refusal")

    acknowledged: ClassVar[bool] = True

    def __init__(self, parts: Iterable[Decoded], labels: dict[str, str]) -> None:
        super().__init__(self._drawn(parts), labels)
        self.outcome: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.refusal: str | None = None

    def _drawn(self, parts: Iterable[Decoded]) -> Iterator[AuditEvent]:
        for part in parts:
            self.refusal = _refusal(part)
            yield from part.events
            del part  # Its events make room for those of the next part.

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


class Posts:
    """The application, and the batches that come of it.

    Two bounds keep memory flat, and leave what waits to the kube-apiserver's own buffer: the bytes of the
    bodies that are arriving, so that a slow sender takes little room from others, and the number of bodies
    that have arrived and are not answered yet.
    """

    def __init__(
        self,
        doors: Sequence[Door],
        max_body_bytes: int,
        max_in_flight: int,
        note: Callable[[Decoded], None],
    ) -> None:
        self._doors = doors
        self._max_body_bytes = max_body_bytes
        self._max_in_flight = max_in_flight
        self._note = note
        self._arriving_bytes = 0
        self._in_flight = 0
        self._stopping = False
        self._ended = False
        # As many as bodies may be in flight, and the end mark: it is never full.
        self._posted: asyncio.Queue[Posted | None] = asyncio.Queue(max_in_flight + 1)
        self._limits: set[asyncio.Timeout] = set()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield a batch for each body that holds events, until `end`."""
        while (batch := await self._posted.get()) is not None:
            yield batch
            del batch  # It would stay until the next one comes.

    def stop(self) -> None:
        """Refuse what is new."""
        self._stopping = True

    def end_when_idle(self) -> None:
        """End `batches` when it was told to stop and what was accepted is answered."""
        if self._stopping and self._in_flight == 0:
            self.end()

    def end(self) -> None:
        """End `batches`."""
        if not self._ended:
            self._ended = True
            self._posted.put_nowait(None)

    def refuse_the_rest(self) -> None:
        """Nobody takes batches any more: what still waits and what still arrives is refused, soon."""
        self._stopping = self._ended = True
        while not self._posted.empty():
            if unseen := self._posted.get_nowait():
                unseen.nack("shutting down")
        soon = asyncio.get_running_loop().time() + LAST_S
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(soon)

    def application(self) -> Starlette:
        """What answers requests."""
        routes = [Route(HEALTH_PATH, self._healthy, methods=["GET"])]
        for door in self._doors:
            path = unquote(door.path)
            # As in Falco, a path that ends in a slash stands for everything below it.
            pattern = f"{path}{{below:path}}" if path.endswith("/") else path
            routes.append(Route(pattern, self._entrance(door), methods=["POST"]))
        application = Starlette(routes=routes, exception_handlers={HTTPException: self._refused})
        # A redirect would have the client send the whole body twice.
        application.router.redirect_slashes = False
        return application

    async def _healthy(self, _request: Request) -> Response:
        if self._stopping:
            return PlainTextResponse("shutting down\n", 503)
        return PlainTextResponse("ok\n")

    def _entrance(self, door: Door) -> Callable[[Request], Awaitable[Response]]:
        async def post(request: Request) -> Response:
            return await self._post(request, door)

        return post

    async def _refused(self, request: Request, error: Exception) -> Response:
        refusal = cast("HTTPException", error)  # What this handler is registered for.
        if not hasattr(request.state, "read"):
            await self._drain(request)
        reasons = {
            404: f"audit events go to {' or '.join(door.path for door in self._doors)}",
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

    async def _post(self, request: Request, door: Door) -> Response:
        self._check_token(request, door)
        self._check_room()
        content_type = request.headers.get("content-type", "")
        if "application/json" not in content_type.lower():
            raise HTTPException(
                415, f"Content-Type has to be application/json, not {content_type or 'missing'}"
            )
        try:
            received = await self._receive(request)
        except ClientDisconnect:
            return Response(status_code=400)  # Nobody is there to read it.
        request.state.read = True
        self._check_room()
        self._in_flight += 1
        try:
            pieces = await self._unpacked(received, request.headers.get("content-encoding", ""))
            await self._process(request, pieces, door)
        finally:
            self._in_flight -= 1
            self.end_when_idle()
        return _accepted(request)

    def _check_token(self, request: Request, door: Door) -> None:
        if door.tokens is None:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or door.tokens.owner(token.strip()) is None:
            reason = "the token is unknown" if token else "a bearer token is needed"
            raise HTTPException(401, reason, {"WWW-Authenticate": "Bearer"})

    async def _unpacked(self, pieces: Pieces, encoding: str) -> Pieces:
        if not encoding:
            return pieces
        try:
            return [await asyncio.to_thread(unpacked, b"".join(pieces), encoding, self._max_body_bytes)]
        except TooLargeError:
            raise self._too_large() from None
        except BrokenError as error:
            raise HTTPException(400, str(error)) from None
        except UnknownEncodingError as error:
            raise HTTPException(415, str(error)) from None

    def _check_room(self) -> None:
        if self._stopping:
            raise self._shutting_down()
        if self._in_flight >= self._max_in_flight:
            raise HTTPException(429, "too many requests are being worked on", RETRY_LATER)

    async def _receive(self, request: Request) -> Pieces:
        """The whole body, in the pieces in which it came."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_body_bytes:
            raise self._too_large()
        pieces: Pieces = []
        size_bytes = 0
        try:
            async with self._limit(BODY_S):
                async for piece in request.stream():
                    size_bytes += len(piece)
                    self._arriving_bytes += len(piece)
                    if size_bytes > self._max_body_bytes:
                        raise self._too_large()
                    if self._arriving_bytes > ARRIVING_BODIES * self._max_body_bytes:
                        raise HTTPException(429, "too many bodies are arriving", RETRY_LATER)
                    add_piece(pieces, piece)
        except TimeoutError:
            request.state.read = True  # As far as it goes: nothing more is waited for.
            if self._stopping:
                raise self._shutting_down() from None
            raise HTTPException(408, f"the body did not arrive within {BODY_S} s") from None
        finally:
            self._arriving_bytes -= size_bytes
        return pieces

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

    async def _process(self, request: Request, pieces: Pieces, door: Door) -> None:
        """Decode a body and have its events processed; returns when their alerts are safe."""
        sender = request.client.host if request.client else "unknown"
        parts = decoded_in_parts(pieces, f"request from {sender}", door.cluster)
        if sum(map(len, pieces)) > DECODED_HERE_BYTES:
            parts = iter(await asyncio.to_thread(list, parts))
        first = self._noted(next(parts))
        if reason := _refusal(first):
            raise HTTPException(400, reason)
        if not first.events:
            return
        if self._ended:  # It was cut short: nobody takes batches any more.
            raise self._shutting_down()
        batch = Posted(chain((first,), map(self._noted, parts)), first.labels)
        del first
        self._posted.put_nowait(batch)
        try:
            async with self._limit(None):
                reason = await batch.outcome
        except TimeoutError:
            raise self._shutting_down() from None
        if reason is not None:
            raise HTTPException(503, f"alerts could not be kept: {reason}", RETRY_LATER)
        if batch.refusal is not None:
            raise HTTPException(400, batch.refusal)

    def _noted(self, part: Decoded) -> Decoded:
        self._note(part)
        return part


def _refusal(part: Decoded) -> str | None:
    """Why a body is refused, if this part of it shows that it is no audit data."""
    return part.complaints[0] if part.rejected and not (part.events or part.recognised) else None


def _accepted(request: Request) -> Response:
    """Nothing but 200; Amazon Data Firehose asks for its request's id, and sends again without it."""
    request_id = request.headers.get("x-amz-firehose-request-id")
    if request_id is None:
        return Response()
    return JSONResponse({"requestId": request_id, "timestamp": time.time_ns() // 1_000_000})
