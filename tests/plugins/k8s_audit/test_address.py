"""Targets of the webhook: what is read of them, and what is said where nothing can listen there."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.errors import SourceError
from falcocore_k8s_audit.address import Address, url_of

NOBODY = 65534
LOWEST_FREE_PORT = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("", "127.0.0.1", 9765, "/k8s-audit"),
        ("http://127.0.0.1", "127.0.0.1", 9765, "/k8s-audit"),
        ("http://:9765/k8s-audit", "", 9765, "/k8s-audit"),
        ("http://:8765", "", 8765, "/k8s-audit"),
        ("http:///events", "", 9765, "/events"),
        ("http://0.0.0.0:80/a/b", "0.0.0.0", 80, "/a/b"),
        ("http://localhost:0/x", "localhost", 0, "/x"),
        ("HTTP://LOCALHOST:1/X", "localhost", 1, "/X"),
        ("http://[::1]:9765/x", "::1", 9765, "/x"),
        ("http://[fe80::1%eth0]/x", "fe80::1%eth0", 9765, "/x"),
        ("http://localhost:65535/a/", "localhost", 65535, "/a/"),
        ("http://localhost:1/", "localhost", 1, "/"),
    ],
)
def test_url_is_read_and_filled_up_with_the_default(url: str, host: str, port: int, path: str) -> None:
    assert Address.parse(url) == Address(host, port, path)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://localhost:x/y", "has no valid port"),
        ("http://localhost:65536/y", "has no valid port"),
        ("http://localhost:-1/y", "has no valid port"),
        ("http://[::1/y", "has no valid host"),
        ("http://local\u2100host/y", "has no valid host"),
        ("http://localhost/y?ssl=1", "is more than host, port and path"),
        ("http://localhost/y#top", "is more than host, port and path"),
        ("http://me:secret@localhost/y", "is more than host, port and path"),
    ],
)
def test_url_that_is_none_is_refused_with_an_example(url: str, problem: str) -> None:
    with pytest.raises(SourceError) as caught:
        Address.parse(url)
    assert caught.value.message == f"source k8s_audit: {url} {problem}"
    assert caught.value.hint == "write it as http://127.0.0.1:9765/k8s-audit"


def is_reached(bound: socket.socket, host: str) -> bool:
    try:
        with socket.create_connection((host, bound.getsockname()[1])):
            return True
    except ConnectionRefusedError:
        return False


@pytest.mark.parametrize(
    ("host", "reached", "not_reached"),
    [
        ("127.0.0.1", ["127.0.0.1"], ["127.0.0.2"]),
        pytest.param("::1", ["::1"], ["127.0.0.1"], marks=needs_ipv6),
        pytest.param("", ["127.0.0.1", "127.0.0.2", "::1"], [], marks=needs_ipv6),
        ("0.0.0.0", ["127.0.0.1", "127.0.0.2"], []),
    ],
)
def test_bound_address_is_reached_from_where_it_says(
    host: str, reached: list[str], not_reached: list[str]
) -> None:
    with Address(host, 0, "/x").bind() as bound:
        assert [is_reached(bound, one) for one in reached] == [True] * len(reached)
        assert [is_reached(bound, one) for one in not_reached] == [False] * len(not_reached)


@pytest.mark.parametrize(
    ("host", "problem", "hint"),
    [
        # Reserved for documentation: no machine has it.
        ("192.0.2.1", "can't listen on 192.0.2.1, port 0: Cannot assign requested", "of this machine"),
        ("a..b", "a..b is no address of this machine: it is no host name", "write it as http://"),
        ("x" * 64, f"{'x' * 64} is no address of this machine: it is no host name", "write it as http://"),
        ("::1%nosuch", "::1%nosuch is no address of this machine: ", "write it as http://"),
    ],
)
def test_host_that_is_not_here_is_named(host: str, problem: str, hint: str) -> None:
    with pytest.raises(SourceError) as caught:
        Address(host, 0, "/x").bind()
    assert caught.value.message.startswith(f"source k8s_audit: {problem}")
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_port_in_use_is_named_with_what_to_do(host: str) -> None:
    with Address(host, 0, "/x").bind() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SourceError) as caught:
            Address(host, port, "/x").bind()
    shown = host or "any address"
    assert caught.value.message == (
        f"source k8s_audit: can't listen on {shown}, port {port}: Address already in use"
    )
    assert "another port with --source k8s_audit=http://HOST:PORT/PATH" in (caught.value.hint or "")


@pytest.fixture
def no_privileges() -> Iterator[None]:
    """Whoever runs the tests, as a user without rights of its own."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(user)


@pytest.mark.skipif(
    not LOWEST_FREE_PORT.exists() or int(LOWEST_FREE_PORT.read_text()) < 2,
    reason="on this machine anyone may take port 1",
)
@pytest.mark.usefixtures("no_privileges")
def test_port_that_needs_privileges_is_named() -> None:
    with pytest.raises(SourceError) as caught:
        Address("127.0.0.1", 1, "/x").bind()
    assert "port 1: Permission denied" in caught.value.message
    assert "ports below 1024 need privileges" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        pytest.param("::1", "[::1]", marks=needs_ipv6),
        pytest.param("", "[::]", marks=needs_ipv6),
    ],
)
def test_url_of_a_bound_socket_has_its_real_port(host: str, shown: str) -> None:
    with Address(host, 0, "/x").bind() as bound:
        assert url_of(bound, "/x/y") == f"http://{shown}:{bound.getsockname()[1]}/x/y"
