"""Servers that hang, break off or talk nonsense; none of them holds delivery up or loses alerts."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from falcocore.api import OutputError, PermanentRefusal
from falcocore.testing import configured, deliver, sample_alert
from falcocore_outputs.http import HttpOutput
from tests.support.http_receiver import Response, Talk, read_request, receiving, talking

LATE_S = 0.5
SAFETY_S = 60.0
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def output(port: int, **options: Any) -> HttpOutput:
    return configured(HttpOutput, {"url": f"http://127.0.0.1:{port}/in", "timeout_s": LATE_S, **options})


def error_of(port: int, **options: Any) -> OutputError:
    """What sending one alert raises."""
    (attempt,) = deliver(output(port, **options), [sample_alert()], attempts=1).attempts
    assert attempt.error is not None
    assert not isinstance(attempt.error, PermanentRefusal)
    return attempt.error


def answering(*parts: bytes, then: Callable[[], Awaitable[None]]) -> Talk:
    """A server that reads a request, says these bytes, and then hangs or does something else."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for part in parts:
            writer.write(part)
            await writer.drain()
        await then()

    return talk


async def nothing() -> None:
    """Close at once."""


async def hang() -> None:
    await asyncio.Event().wait()


async def without_reading(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await hang()


async def closing_at_once(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Close before the request is read, so that the client sees a reset."""


@pytest.mark.parametrize(
    ("talk", "said"),
    [
        (without_reading, "did not answer within 0.5 s"),
        (answering(then=hang), "did not answer within 0.5 s"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-", then=hang), "did not answer within 0.5 s"),
        (answering(then=nothing), "it closed the connection without an answer"),
        (
            answering(b"HTTP/1.1 200 OK\r\nContent-", then=nothing),
            "it closed the connection without an answer",
        ),
        (answering(b"220 mail.example.com ESMTP\r\n", then=nothing), "its answer can't be read"),
    ],
)
def test_server_that_does_not_answer(talk: Talk, said: str) -> None:
    with talking(talk) as port:
        assert error_of(port).message.startswith(f"http://127.0.0.1:{port}/in")
        assert said in error_of(port).message


def test_connection_that_is_reset() -> None:
    with talking(closing_at_once) as port:
        assert "connection" in error_of(port).message


def test_large_body_that_is_not_read_is_given_up() -> None:
    alert = sample_alert(line="x" * 20_000_000)
    with talking(without_reading) as port:
        (attempt,) = deliver(output(port), [alert], attempts=1).attempts
    assert attempt.error is not None
    assert "did not answer within 0.5 s" in attempt.error.message


def test_host_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert error_of(port).message == f"http://127.0.0.1:{port}/in: it can't be reached: Connection refused"


def test_name_that_is_not_known() -> None:
    made = configured(HttpOutput, {"url": "http://nobody.invalid:2801/"})
    (attempt,) = deliver(made, [sample_alert()], attempts=1).attempts
    assert attempt.error is not None
    assert attempt.error.message.startswith("http://nobody.invalid:2801/: it can't be reached: ")
    assert "Unknown error" not in attempt.error.message


@pytest.mark.parametrize("then", [hang, nothing])
def test_what_breaks_behind_the_status_changes_nothing(then: Callable[[], Awaitable[None]]) -> None:
    with talking(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", then=then)) as port:
        delivery = deliver(output(port), [sample_alert(1), sample_alert(2)], attempts=1)
    assert len(delivery.delivered) == 2


def test_half_closing_server_gets_each_alert() -> None:
    """It answers and ends its side, without saying so in a header: no next request may go there."""
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        writer.write(TAKEN)
        writer.write_eof()
        await reader.read()

    with talking(talk) as port:
        delivery = deliver(output(port, timeout_s=SAFETY_S), [sample_alert(n) for n in range(5)], attempts=2)
    assert len(delivery.delivered) == 5
    assert connections >= 5


def test_connection_that_was_kept_and_closed_meanwhile_costs_one_attempt_at_the_most() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(TAKEN)
        await reader.read(1)

    with talking(talk) as port:
        delivery = deliver(output(port, timeout_s=SAFETY_S), [sample_alert(n) for n in range(5)], attempts=2)
    assert len(delivery.delivered) == 5


def test_server_that_recovers_gets_alerts_in_order() -> None:
    with receiving(*[Response(status) for status in (503, 500, 200, 429, 502)]) as receiver:
        given = [sample_alert(n, line=f'{{"n":{n}}}') for n in range(3)]
        delivery = deliver(configured(HttpOutput, {"url": receiver.url}), given, attempts=4)
    assert delivery.delivered == given
    assert [body[5:6] for body in receiver.bodies] == [b"0", b"0", b"0", b"1", b"1", b"1", b"2"]


def test_send_that_is_broken_off_leaves_an_output_that_works() -> None:
    entered = threading.Event()
    first = True

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal first
        await read_request(reader)
        if first:
            first = False
            entered.set()
            await hang()
        writer.write(TAKEN)
        await reader.read()

    async def run(made: HttpOutput) -> None:
        sending = asyncio.create_task(made.send([sample_alert()]))
        await asyncio.to_thread(entered.wait)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await made.send([sample_alert()])
        await made.aclose()

    with talking(talk) as port:
        asyncio.run(run(output(port, timeout_s=SAFETY_S)))
