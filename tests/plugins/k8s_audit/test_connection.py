"""Requests on a connection whose pieces come exactly as the test says, and what is left for Hypercorn."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import h11
import pytest
from hypercorn.config import Config

from falcocore_k8s_audit.connection import HEAD_BYTES, Connection
from falcocore_k8s_audit.exchange import Message
from falcocore_k8s_audit.wire import HELD_BYTES, Wire
from tests.support.webhook_harness import SAFETY_S
from tests.support.wire_end import WireEnd

pytestmark = pytest.mark.anyio

HEAD = b"POST /a HTTP/1.1\r\nHost: test\r\n"
SMALL = HEAD + b"Content-Length: 5\r\n\r\nhello"
EMPTY = HEAD + b"Content-Length: 0\r\n\r\n"
LAST = SMALL.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
LARGE = HEAD + b"Content-Length: %d\r\n\r\n" % (3 * HEAD_BYTES) + b"x" * 3 * HEAD_BYTES
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def answer(send: Send, status: int = 200, said: bytes = b"") -> None:
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": said})


class Reading:
    """An application that reads bodies and answers with their size; `/status/N` with that status."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.left = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body, message = b"", await receive()
        while message["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
            message = await receive()
        else:
            self.left += 1
            return
        self.bodies.append(body)
        status = scope["path"].removeprefix("/status/")
        await answer(send, int(status) if status.isdigit() else 200, b"%d" % len(body))


class Serving:
    """A connection, served by an application; what is handed over is kept, and closed."""

    def __init__(
        self, application: Callable[[dict[str, Any], Receive, Send], Awaitable[None]], **limits: Any
    ) -> None:
        self.config = Config()
        for name, value in limits.items():
            setattr(self.config, name, value)
        self.handed_over: bytes | None = None
        self.end = WireEnd()
        wire = Wire(lambda _wire: None)
        self.end.connect(wire)
        self.connection = Connection(wire, application, self.config, self._take)
        self.task = asyncio.ensure_future(self.connection.run())

    async def _take(self, wire: Wire) -> None:
        reader, writer = wire.streams()
        self.handed_over = await reader.read()
        writer.close()

    async def sends(self, *pieces: bytes) -> None:
        """Have each piece received, and everything done that comes of it."""
        for piece in pieces:
            self.end.send(piece)
            await settled()

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", self.end.received)]


def pieces_of(whole: bytes, size: int) -> Iterator[bytes]:
    return (whole[at : at + size] for at in range(0, len(whole), size))


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


# --- bodies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(1, len(SMALL + EMPTY + LAST)))
async def test_requests_may_be_split_anywhere(at: int) -> None:
    application, whole = Reading(), SMALL + EMPTY + LAST
    serving = Serving(application)
    await serving.sends(whole[:at], whole[at:])
    await serving.task
    assert application.bodies == [b"hello", b"", b"hello"]
    assert serving.statuses == [200] * 3
    assert serving.handed_over is None


@pytest.mark.parametrize("size", [1, 2, 3, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 1, 1 << 20])
async def test_requests_may_come_in_pieces_of_any_size(size: int) -> None:
    application, whole = Reading(), LARGE + SMALL + LARGE + LAST
    serving = Serving(application)
    await serving.sends(*pieces_of(whole, size))
    await serving.task
    assert [len(body) for body in application.bodies] == [3 * HEAD_BYTES, 5, 3 * HEAD_BYTES, 5]


@pytest.mark.parametrize("leave", [WireEnd.send_eof, WireEnd.reset])
@pytest.mark.parametrize("sent", [LARGE[:-1], LARGE[:HEAD_BYTES], SMALL[:-5], SMALL[:-1]])
async def test_client_that_leaves_within_a_body_is_told_to_the_application(
    sent: bytes, leave: Callable[[WireEnd], None]
) -> None:
    application = Reading()
    serving = Serving(application)
    await serving.sends(sent)
    leave(serving.end)
    await serving.task
    assert (application.bodies, application.left) == ([], 1)
    assert serving.end.is_closed


@pytest.mark.parametrize("leave", [WireEnd.send_eof, WireEnd.reset])
@pytest.mark.parametrize("sent", [b"", HEAD, SMALL + HEAD])
async def test_client_that_leaves_between_bodies_ends_the_connection(
    sent: bytes, leave: Callable[[WireEnd], None]
) -> None:
    serving = Serving(Reading())
    await serving.sends(sent)
    leave(serving.end)
    await serving.task
    assert serving.end.is_closed


async def test_client_that_sends_no_more_is_still_answered() -> None:
    application = Reading()
    serving = Serving(application)
    serving.end.send(SMALL + SMALL)
    serving.end.send_eof()
    await serving.task
    assert application.bodies == [b"hello"] * 2
    assert serving.statuses == [200] * 2


async def test_client_that_sends_much_before_it_is_read_has_to_wait() -> None:
    let_read = asyncio.Event()
    reading = Reading()

    async def wait(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await let_read.wait()
        await reading(scope, receive, send)

    serving, size = Serving(wait), HELD_BYTES + 1
    await serving.sends(HEAD + b"Content-Length: %d\r\n\r\n" % size)
    await serving.sends(*pieces_of(b"x" * (size - 1), HELD_BYTES // 2))
    assert serving.end.pauses == []
    await serving.sends(b"x")
    assert serving.end.pauses == [True]
    let_read.set()
    await settled()
    assert serving.end.pauses == [True, False]
    assert reading.bodies == [b"x" * size]
    serving.end.reset()
    await serving.task


# --- answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 404, 413, 415, 429, 503])
async def test_connection_outlives_refusals_of_bodies_that_were_read(status: int) -> None:
    application = Reading()
    serving = Serving(application)
    await serving.sends(SMALL.replace(b"/a", b"/status/%d" % status), SMALL)
    assert serving.statuses == [status, 200]
    assert not serving.task.done()
    serving.end.reset()
    await serving.task


async def test_answer_before_the_body_was_read_is_the_last() -> None:
    async def refuse(_scope: dict[str, Any], _receive: Receive, send: Send) -> None:
        await answer(send, 413, b"too large")

    serving = Serving(refuse)
    await serving.sends(LARGE[:HEAD_BYTES])
    await serving.task
    assert b"\r\nconnection: close\r\n" in serving.end.received
    assert serving.end.received.endswith(b"\r\n\r\ntoo large")
    assert serving.end.is_closed


async def test_answer_of_unknown_length_is_the_last() -> None:
    async def stream(_scope: dict[str, Any], _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"a", b"b"):
            await send({"type": "http.response.body", "body": part, "more_body": part == b"a"})

    serving = Serving(stream)
    await serving.sends(EMPTY)
    await serving.task
    assert b"\r\nconnection: close\r\n" in serving.end.received
    assert serving.end.received.endswith(b"\r\n\r\nab")
    assert serving.end.is_closed


async def test_connection_ends_where_the_client_wants_it() -> None:
    serving = Serving(Reading())
    await serving.sends(LAST + SMALL)
    await serving.task
    assert serving.statuses == [200]
    assert b"connection: close" in serving.end.received.lower()


async def test_connection_ends_behind_so_many_requests() -> None:
    serving = Serving(Reading(), keep_alive_max_requests=3)
    await serving.sends(SMALL * 5)
    await serving.task
    assert serving.statuses == [200] * 3
    assert serving.end.received.lower().count(b"connection: close") == 1


async def test_answer_is_that_of_hypercorn() -> None:
    serving = Serving(Reading())
    await serving.sends(SMALL)
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="POST", target="/", headers=[("host", "test")]))
    client.receive_data(serving.end.received)
    response = client.next_event()
    assert isinstance(response, h11.Response)
    assert [name for name, _ in response.headers] == [b"content-length", b"date", b"server"]
    assert serving.end.writes == 1
    serving.end.reset()
    await serving.task


async def test_application_that_fails_costs_its_own_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_scope: dict[str, Any], _receive: Receive, _send: Send) -> None:
        raise ValueError("a mistake")

    serving = Serving(fail)
    await serving.sends(SMALL)
    await serving.task
    assert serving.end.is_closed
    assert "a mistake" in caplog.text


async def test_client_that_reads_no_answers_gets_no_more_of_them() -> None:
    application = Reading()
    serving = Serving(application)
    serving.end.stop_reading()
    await serving.sends(SMALL * 3)
    assert application.bodies == [b"hello"]
    serving.end.read_on()
    await settled()
    assert application.bodies == [b"hello"] * 3
    serving.end.reset()
    await serving.task


# --- the end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", HEAD, SMALL])
async def test_idle_connection_is_closed_in_time(sent: bytes) -> None:
    serving = Serving(Reading(), keep_alive_timeout=0.01)
    await serving.sends(sent)
    await serving.task
    assert serving.end.is_closed
    assert serving.handed_over is None


@pytest.mark.parametrize("sent", [b"", HEAD, SMALL])
async def test_idle_connection_is_closed_at_the_end(sent: bytes) -> None:
    serving = Serving(Reading())
    await serving.sends(sent)
    serving.connection.end()
    await serving.task
    assert serving.end.is_closed


async def test_request_that_goes_on_at_the_end_is_answered() -> None:
    serving = Serving(Reading())
    await serving.sends(SMALL[:-1])
    serving.connection.end()
    await serving.sends(SMALL[-1:] + SMALL)
    await serving.task
    assert serving.statuses == [200]
    assert serving.end.is_closed


async def test_connection_that_takes_too_long_is_broken_off() -> None:
    serving = Serving(Reading())
    await serving.sends(SMALL[:-1])
    serving.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving.task
    assert serving.end.is_closed


# --- what is for Hypercorn ------------------------------------------------------------------------------


def _with(header: bytes) -> bytes:
    return SMALL.replace(b"\r\n\r\n", b"\r\n%b\r\n\r\n" % header)


@pytest.mark.parametrize(
    "request_bytes",
    [
        CHUNKED,
        SMALL.replace(b"1.1", b"1.0"),
        SMALL.replace(b"POST", b"PUT"),
        b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n",
        HEAD + b"\r\n",
        _with(b"Expect: 100-continue"),
        _with(b"Upgrade: h2c\r\nConnection: upgrade"),
        _with(b"Content-Length: 6"),
        SMALL.replace(b": 5", b": x"),
        SMALL.replace(b"Host: test\r\n", b""),
        b"nonsense\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        HEAD + b"X: %b\r\n\r\n" % (b"x" * 5 * HEAD_BYTES),
    ],
)
@pytest.mark.parametrize("before", [b"", SMALL])
@pytest.mark.parametrize("size", [7, 1 << 20])
async def test_request_that_is_no_plain_post_is_handed_over_whole(
    request_bytes: bytes, before: bytes, size: int
) -> None:
    serving = Serving(Reading())
    await serving.sends(*pieces_of(before + request_bytes + SMALL, size))
    serving.end.send_eof()
    await serving.task
    assert serving.statuses == [200] * bool(before)
    assert serving.handed_over == request_bytes + SMALL


@pytest.mark.parametrize("knows", [False, True])
async def test_client_may_be_gone_when_its_connection_is_handed_over(knows: bool) -> None:
    async def take(wire: Wire) -> None:
        end.reset()
        if knows:
            await settled()
        reader, writer = wire.streams()
        assert await reader.read() == CHUNKED
        writer.close()
        await writer.wait_closed()

    end, wire = WireEnd(), Wire(lambda _wire: None)
    end.connect(wire)
    end.send(CHUNKED)
    await asyncio.wait_for(Connection(wire, Reading(), Config(), take).run(), SAFETY_S)
