"""Connections to the webhook: many, slow, broken ones, and what becomes of them when it ends."""

from __future__ import annotations

import asyncio
import re
import shlex
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from falcocore.errors import SourceError
from falcocore_k8s_audit import posts
from falcocore_k8s_audit.source import K8sAuditSource
from tests.support.certificates import Certificates
from tests.support.webhook_harness import (
    CHUNKED,
    HEAD,
    SAFETY_S,
    Blocked,
    RunningWebhook,
    audit_event,
    chunked,
    declared,
    encode,
    event_list,
    is_closed,
    padded,
    response_on,
)

EVENT = encode(audit_event("a"))
AT_ONCE = b"\1\0\0\0\0\0\0\0"
"""For SO_LINGER: the connection is reset when it is closed."""


def waited_for(size_bytes: int) -> bytes:
    """The head of a request whose client waits for a sign to go on; with it the webhook has begun to read."""
    return HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size_bytes


def begin(connection: socket.socket, body: bytes) -> None:
    """Have the webhook wait for a body."""
    connection.sendall(waited_for(len(body)))
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += connection.recv(1)
    assert said.startswith(b"HTTP/1.1 100 ")


# --- ways to send -----------------------------------------------------------------------------------------


def test_one_connection_serves_many_requests() -> None:
    with RunningWebhook() as running, running.client() as client:
        client.connect()
        kept = client.sock
        for number in range(100):
            assert running.request(audit_event(str(number)), client=client).status == 200
        assert client.sock is kept
    assert running.lines == [f"created {number}" for number in range(100)]


def test_many_connections_are_served_at_a_time() -> None:
    def post(sender: int) -> list[int]:
        with running.client() as client:
            ids = [f"{sender}-{number}" for number in range(10)]
            return [running.request(audit_event(one), client=client).status for one in ids]

    with RunningWebhook() as running, ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(post, range(20)))
    assert statuses == [[200] * 10] * 20
    assert sorted(running.lines) == sorted(f"created {s}-{n}" for s in range(20) for n in range(10))


def test_requests_sent_in_one_go_are_answered_in_order() -> None:
    last = declared(b"[]").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with RunningWebhook() as running, running.connect() as connection:
        connection.sendall(declared(EVENT) + declared(b"[5]") + last)
        with connection.makefile("rb") as stream:
            assert re.findall(rb"HTTP/1\.1 (\d+)", stream.read()) == [b"200", b"400", b"200"]


@pytest.mark.parametrize(
    "request_bytes", [declared(EVENT), CHUNKED + chunked(*[b"%c" % b for b in EVENT], b"")]
)
def test_body_may_come_byte_by_byte(request_bytes: bytes) -> None:
    with RunningWebhook() as running, running.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request_bytes:
            connection.sendall(b"%c" % byte)
        assert response_on(connection).status == 200
    assert running.lines == ["created a"]


def test_client_that_waits_for_a_sign_to_go_on_gets_it() -> None:
    body = padded("large", 1 << 21)
    with RunningWebhook() as running, running.connect() as connection:
        begin(connection, body)
        connection.sendall(body)
        assert response_on(connection).status == 200
    assert running.lines == ["created large"]


@pytest.mark.parametrize("secure", [False, True])
def test_requests_of_all_kinds_may_follow_each_other(secure: bool, tmp_path: Path) -> None:
    plain, chunks = declared(padded("a", 1 << 20)), CHUNKED + chunked(EVENT, b"")
    health = b"GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    options: dict[str, Any] = {}
    trusting = None
    if secure:
        certificates = Certificates.in_folder(tmp_path)
        options = {"target": "https://127.0.0.1:0/k8s-audit", "cert_file": str(certificates.server())}
        trusting = certificates.trusting()
    with RunningWebhook(**options) as running:
        said = asyncio.run(answers_to(plain * 2 + chunks + plain + health, running.place, trusting))
    assert re.findall(rb"HTTP/1\.1 (\d+)", said) == [b"200"] * 5
    assert len(running.lines) == 4


async def answers_to(requests: bytes, place: tuple[str, int], tls: ssl.SSLContext | None) -> bytes:
    """All that comes back while requests are sent in one go. Two threads may not share a TLS socket."""
    reader, writer = await asyncio.open_connection(*place, ssl=tls)
    writer.write(requests)
    said, _ = await asyncio.gather(reader.read(), writer.drain())
    writer.close()
    await writer.wait_closed()
    return said


def test_old_client_is_answered_and_its_connection_closed() -> None:
    with RunningWebhook() as running, running.connect() as connection:
        connection.sendall(declared(EVENT).replace(b"HTTP/1.1", b"HTTP/1.0"))
        with connection.makefile("rb") as stream:
            assert b" 200 " in stream.read().splitlines()[0]
    assert running.lines == ["created a"]


@pytest.mark.parametrize(
    ("target", "hosts"),
    [("http://[::1]:0/k8s-audit", ["::1"]), ("http://:0/k8s-audit", ["::1", "127.0.0.1"])],
)
@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_webhook_listens_with_ipv6(target: str, hosts: list[str]) -> None:
    with RunningWebhook(target=target) as running:
        for host in hosts:
            with socket.create_connection((host, running.place[1]), timeout=SAFETY_S) as connection:
                connection.sendall(declared(EVENT))
                assert response_on(connection).status == 200


# --- broken ways ------------------------------------------------------------------------------------------


def test_body_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "BODY_S", 0.01)
    with RunningWebhook() as running, running.connect() as connection:
        connection.sendall(declared(EVENT, len(EVENT) + 1))
        answer = response_on(connection)
        assert answer.status == 408
        assert "the body did not arrive within" in answer.text
        assert is_closed(connection)
    assert running.lines == []


def test_body_longer_than_declared_is_cut_there() -> None:
    with RunningWebhook() as running, running.connect() as connection:
        connection.sendall(declared(EVENT + b"\n" + EVENT, len(EVENT)))
        with connection.makefile("rb") as stream:
            answers = re.findall(rb"HTTP/1\.1 (\d+)", stream.read())
    assert answers == [b"200", b"400"]
    assert running.lines == ["created a"]


@pytest.mark.parametrize("length", [b"x", b"-1", b"1, 2", b"99999999999999999999999"])
def test_length_that_is_none_is_refused(length: bytes) -> None:
    with RunningWebhook() as running, running.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: " + length + b"\r\n\r\n" + EVENT)
        assert response_on(connection).status in {400, 413}
    assert running.lines == []


@pytest.mark.parametrize("linger", [None, AT_ONCE], ids=["closed", "reset"])
def test_client_that_leaves_within_its_body_leaves_no_trace(
    linger: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    with RunningWebhook(max_in_flight=1) as running:
        for _ in range(5):
            with running.connect() as connection:
                begin(connection, EVENT)
                connection.sendall(EVENT[:-1])
                if linger is not None:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        assert running.request(audit_event("b")).status == 200
    assert running.lines == ["created b"]
    assert caplog.records == []


@pytest.mark.parametrize("linger", [None, AT_ONCE], ids=["closed", "reset"])
def test_event_of_a_client_that_does_not_wait_for_the_answer_counts(
    linger: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    output = Blocked()
    # That it ends shows that the request is no longer in flight.
    with RunningWebhook(output) as running:
        with running.connect() as connection:
            connection.sendall(declared(EVENT))
            assert output.entered.wait(SAFETY_S)
            if linger is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        output.release.set()
    assert running.lines == ["created a"]
    assert caplog.records == []


# --- the end ----------------------------------------------------------------------------------------------


def test_what_was_accepted_is_finished_and_what_comes_later_refused() -> None:
    output = Blocked()
    with ThreadPoolExecutor() as pool, RunningWebhook(output) as running:
        accepted = pool.submit(running.request, event_list(audit_event("a"), audit_event("b")))
        assert output.entered.wait(SAFETY_S)
        running.source.stop()
        answer = running.request(audit_event("late"))
        assert (answer.status, answer.text) == (503, "shutting down\n")
        output.release.set()
        assert accepted.result().status == 200
        running.join()
        with pytest.raises(ConnectionRefusedError):
            running.request(audit_event("too late"))
    assert running.lines == ["created a", "created b"]


def test_bodies_that_have_not_arrived_at_the_end_are_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(posts, "LAST_S", 0.01)
    with (
        RunningWebhook() as running,
        running.connect() as slow,
        running.connect() as refused,
        running.connect() as begun,
        running.connect() as idle,
    ):
        begin(slow, EVENT)
        slow.sendall(EVENT[:-1])
        refused.sendall(waited_for(len(EVENT)).replace(b"json", b"xml"))
        assert refused.recv(100).startswith(b"HTTP/1.1 100 ")
        begun.sendall(HEAD)
        assert running.request(audit_event("b")).status == 200
        running.source.stop()
        answer = response_on(slow)
        assert (answer.status, answer.text) == (503, "shutting down\n")
        assert is_closed(begun)
        assert is_closed(idle)
        running.join()
    assert running.lines == ["created b"]
    assert caplog.records == []


def test_webhook_that_is_cut_short_says_so_to_those_who_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(posts, "LAST_S", 0.01)
    output = Blocked()
    with ThreadPoolExecutor() as pool, RunningWebhook(output) as running:
        waiting = pool.submit(running.request, audit_event("a"))
        assert output.entered.wait(SAFETY_S)
        running.cut_short()
        answer = waiting.result()
        assert (answer.status, answer.text) == (503, "shutting down\n")
    assert caplog.records == []


def test_webhook_that_was_started_again_works_as_before() -> None:
    with RunningWebhook() as running:
        assert running.request(audit_event("a")).status == 200
        running.cut_short()
        running.join()
        running.start()
        assert running.request(audit_event("b")).status == 200
    assert running.lines == ["created a", "created b"]


def test_webhook_that_is_stopped_before_it_runs_ends_at_once() -> None:
    running = RunningWebhook()
    running.source.open()
    running.source.stop()
    running.run()
    running.join()
    with pytest.raises(ConnectionRefusedError), running.connect():
        pass


# --- what is said at the start ----------------------------------------------------------------------------


def test_port_that_is_taken_is_named() -> None:
    with RunningWebhook() as running:
        host, port = running.place
        with pytest.raises(SourceError, match=f"can't listen on {host}, port {port}: Address already in use"):
            K8sAuditSource(running.url).open()


def test_example_request_of_the_start_names_the_address_and_is_an_event() -> None:
    with RunningWebhook() as running:
        advice = running.source.next_step() or ""
        command = shlex.split(advice.partition(": ")[2])
        assert command[:2] == ["curl", "-H"]
        assert command[-1] == running.url
        assert running.request(command[-2].encode()).status == 200
    assert running.lines == ["created 1"]
