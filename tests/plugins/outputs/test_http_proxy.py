"""Proxies, which are configured or stand in the environment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from falcocore.testing import configured, deliver, sample_alert
from falcocore_outputs.http import HttpOutput
from tests.support.http_receiver import Authority, read_request, receiving, talking

BASIC = b"proxy-authorization: basic bwu6ahvudgvymg=="  # me:hunter2, in small letters


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@contextmanager
def proxying(refusal: bytes = b"") -> Iterator[tuple[str, list[bytes]]]:
    """A proxy for HTTP and for CONNECT; gives its URL, and the heads of the requests that it got."""
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        heads.append(request.partition(b"\r\n\r\n")[0])
        method, target, _ = request.split(b" ", 2)
        if refusal:
            writer.write(refusal)
            await writer.drain()
            await reader.read()
            return
        where = target.removeprefix(b"http://").split(b"/")[0].decode()
        host, _, port = where.rpartition(":")
        there, to_there = await asyncio.open_connection(host, int(port))
        try:
            if method == b"CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                to_there.write(request)
            await asyncio.gather(pipe(reader, to_there), pipe(there, writer))
        finally:
            to_there.transport.abort()

    with talking(talk) as port:
        yield f"http://127.0.0.1:{port}", heads


def outcome(url: str, **options: Any) -> str | None:
    made = configured(HttpOutput, {"url": url, **options})
    (attempt,) = deliver(made, [sample_alert()], attempts=1).attempts
    return None if attempt.error is None else str(attempt.error)


def test_requests_go_through_a_proxy() -> None:
    with receiving() as receiver, proxying() as (proxy, heads):
        assert outcome(receiver.url, proxy=proxy.replace("//", "//me:hunter2@")) is None
    assert len(receiver.requests) == len(heads) == 1
    assert heads[0].startswith(f"POST {receiver.url} HTTP/1.1\r\n".encode())
    assert BASIC.split()[2] in heads[0].lower()


def test_requests_with_tls_go_through_a_tunnel(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with receiving(tls=authority.server()) as receiver, proxying() as (proxy, heads):
        proxy = proxy.replace("//", "//me:hunter2@")
        assert outcome(receiver.url, proxy=proxy, ca_cert=str(authority.file)) is None
    assert heads[0].startswith(f"CONNECT 127.0.0.1:{receiver.port} HTTP/1.1\r\n".encode())
    assert BASIC.split()[2] in heads[0].lower()
    assert "proxy-authorization" not in receiver.requests[0].headers


@pytest.mark.parametrize(
    ("variables", "through"),
    [
        ({"http_proxy": "{proxy}"}, True),
        ({"HTTP_PROXY": "{proxy}"}, True),
        ({"http_proxy": "{bare}"}, True),
        ({"all_proxy": "{proxy}"}, True),
        ({"https_proxy": "{proxy}"}, False),
        ({"http_proxy": "{proxy}", "no_proxy": "127.0.0.1"}, False),
        ({"http_proxy": "{proxy}", "no_proxy": "*"}, False),
        ({"http_proxy": "{proxy}", "no_proxy": "example.com"}, True),
    ],
)
def test_proxy_of_the_environment(
    variables: dict[str, str], through: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver, proxying() as (proxy, heads):
        for name, value in variables.items():
            monkeypatch.setenv(name, value.format(proxy=proxy, bare=proxy.removeprefix("http://")))
        assert outcome(receiver.url) is None
    assert len(receiver.requests) == 1
    assert bool(heads) is through


REFUSAL = b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_refuses_is_named_and_the_alerts_wait(scheme: str) -> None:
    with proxying(REFUSAL) as (proxy, _):
        made = configured(HttpOutput, {"url": f"{scheme}://127.0.0.1:1/", "proxy": proxy})
        delivery = deliver(made, [sample_alert()], attempts=1)
    assert len(delivery.waiting) == 1
    error = str(delivery.attempts[0].error)
    assert "407 Who are you" in error
    assert scheme == "http" or f"its proxy {proxy}/ answered 407" in error
