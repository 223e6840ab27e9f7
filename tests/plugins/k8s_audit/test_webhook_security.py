"""The webhook before strangers: TLS, certificates, tokens, paths, and limits on what they may take."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import os
import shutil
import socket
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from falcocore.api import ConfigError
from falcocore_k8s_audit import webhook
from falcocore_k8s_audit.source import K8sAuditSource
from falcocore_k8s_audit.webhook_options import PathOptions
from tests.support.certificates import Certificates
from tests.support.webhook_harness import RunningWebhook, audit_event, declared, encode, event_list, is_closed

HTTPS = "https://127.0.0.1:0/k8s-audit"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates.in_folder(tmp_path)


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")


def post(
    url: str, *, verify: ssl.SSLContext | None = None, http2: bool = False, **more: Any
) -> httpx.Response:
    with httpx.Client(verify=verify or True, http1=not http2, http2=http2, timeout=60) as client:
        content = more.pop("content", encode(audit_event("1")))
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        return client.post(url, content=content, headers=headers)


# --- TLS ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("http2", [False, True])
def test_events_come_over_tls(http2: bool, certificates: Certificates) -> None:
    with RunningWebhook(target=HTTPS, cert_file=str(certificates.server())) as running:
        assert running.url.startswith("https://127.0.0.1:")
        answer = post(running.url, verify=certificates.trusting(), http2=http2)
        assert (answer.status_code, answer.http_version) == (200, "HTTP/2" if http2 else "HTTP/1.1")
        many = encode(event_list(*(audit_event(str(n), userAgent="x" * 3000) for n in range(2, 400))))
        assert post(running.url, verify=certificates.trusting(), http2=http2, content=many).status_code == 200
    assert running.lines == [f"created {number}" for number in range(1, 400)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(("flag", "version"), [("--http1.1", "1.1"), ("--http2", "2")])
def test_curl_posts_over_tls(flag: str, version: str, certificates: Certificates) -> None:
    with RunningWebhook(target=HTTPS, cert_file=str(certificates.server())) as running:
        command = [
            "curl",
            "-sS",
            flag,
            "--cacert",
            str(certificates.ca_file),
            "-d",
            encode(audit_event("1")).decode(),
        ]
        shown = ["-w", "%{http_code} %{http_version}", "-H", "Content-Type: application/json"]
        done = subprocess.run([*command, *shown, running.url], check=True, capture_output=True, text=True)
    assert done.stdout == f"200 {version}"
    assert running.lines == ["created 1"]


def test_key_may_stand_in_a_file_of_its_own(certificates: Certificates, tmp_path: Path) -> None:
    whole = certificates.server().read_text("ascii")
    key, begin, certificate = whole.partition("-----BEGIN CERTIFICATE-----")
    (tmp_path / "c.pem").write_text(begin + certificate, "ascii")
    (tmp_path / "k.pem").write_text(key, "ascii")
    files: dict[str, Any] = {"cert_file": str(tmp_path / "c.pem"), "key_file": str(tmp_path / "k.pem")}
    with RunningWebhook(target=HTTPS, **files) as running:
        assert post(running.url, verify=certificates.trusting()).status_code == 200


def test_renewed_certificate_is_taken_up(certificates: Certificates, tmp_path: Path) -> None:
    file = certificates.server()
    renewed = Certificates.in_folder(tmp_path_of(tmp_path, "renewed"))
    with RunningWebhook(target=HTTPS, cert_file=str(file)) as running:
        assert post(running.url, verify=certificates.trusting()).status_code == 200
        os.replace(renewed.server(), file)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            post(running.url, verify=certificates.trusting())
        assert post(running.url, verify=renewed.trusting()).status_code == 200


def tmp_path_of(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def test_certificate_that_is_broken_later_leaves_the_old_one(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    file = certificates.server()
    with RunningWebhook(target=HTTPS, cert_file=str(file)) as running:
        file.write_text("half a fi", "ascii")
        for _ in range(2):
            assert post(running.url, verify=certificates.trusting()).status_code == 200
    assert caplog.text.count("what was read before goes on") == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), ("no certificate", "NO_CERTIFICATE|NO_START_LINE|PEM")],
)
def test_certificate_that_can_not_be_used_is_an_error_at_the_start(
    content: str | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "c.pem"
    if content is not None:
        file.write_text(content, "ascii")
    with pytest.raises(ConfigError, match=rf"certificate can't be loaded from .*c\.pem: .*({reason})"):
        K8sAuditSource(HTTPS, cert_file=str(file)).open()


# --- clients' certificates ------------------------------------------------------------------------------


@pytest.fixture
def knowing(certificates: Certificates) -> dict[str, Any]:
    """Options of a webhook that lets in two clients by name."""
    return {
        "target": HTTPS,
        "cert_file": str(certificates.server()),
        "client_ca_file": str(certificates.ca_file),
        "client_names": ["apiserver", "other.test"],
    }


@pytest.mark.parametrize("name", ["apiserver", "other"])
def test_client_with_a_known_name_is_let_in(
    name: str, knowing: dict[str, Any], certificates: Certificates
) -> None:
    with RunningWebhook(**knowing) as running:
        answer = post(running.url, verify=certificates.trusting(certificates.client(name)))
        assert answer.status_code == 200


@pytest.mark.parametrize("who", ["nobody", "of another name", "of another authority", "expired"])
def test_other_clients_do_not_get_through_the_handshake(
    who: str, knowing: dict[str, Any], certificates: Certificates, tmp_path: Path
) -> None:
    shown: Path | None = None
    match who:
        case "of another name":
            shown = certificates.client("stranger")
        case "of another authority":
            shown = Certificates.in_folder(tmp_path_of(tmp_path, "theirs")).client("apiserver")
        case "expired":
            shown = certificates.client("apiserver", expired=True)
    with RunningWebhook(**knowing) as running:
        with pytest.raises(httpx.TransportError):
            post(running.url, verify=certificates.trusting(shown))
        known = certificates.trusting(certificates.client("apiserver"))
        assert post(running.url, verify=known).status_code == 200
    assert running.lines == ["created 1"]


# --- tokens and paths -----------------------------------------------------------------------------------


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_only_known_tokens_may_post(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "tokens"
    file.write_text("# who posts\nprod s3cret\n\ndev 0ther\n", "utf-8")
    with RunningWebhook(token_file=str(file)) as running:
        for headers, status, text in (
            ({}, 401, "a bearer token is needed\n"),
            (bearer("wrong"), 401, "the token is unknown\n"),
            (bearer("prod"), 401, "the token is unknown\n"),
            ({"Authorization": "Basic s3cret"}, 401, "the token is unknown\n"),
            (bearer("s3cret"), 200, ""),
            (bearer("0ther"), 200, ""),
        ):
            answer = post(running.url, headers=headers)
            assert (answer.status_code, answer.text) == (status, text)
        file.write_text("prod renewed\n", "utf-8")
        assert post(running.url, headers=bearer("s3cret")).status_code == 401
        assert post(running.url, headers=bearer("renewed")).status_code == 200
        file.write_text("prod\n", "utf-8")
        assert post(running.url, headers=bearer("renewed")).status_code == 200
    assert "line 1 is no name and token; the tokens that were read before go on" in caplog.text
    for secret in ("s3cret", "0ther", "renewed"):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("# none\n", "has no token in it"),
        ("a b c\n", "line 1 is no name and token"),
        ("a b\na c\n", "line 2: a has a token already"),
        (b"\xff\xfe", "it is no UTF-8"),
    ],
)
def test_token_file_that_can_not_be_used_is_an_error_at_the_start(
    content: str | bytes | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=reason):
        K8sAuditSource("http://127.0.0.1:0/", token_file=str(file)).open()


def test_each_path_has_a_cluster_and_tokens_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "east").write_text("east one\n", "utf-8")
    (tmp_path / "west").write_text("west two\n", "utf-8")
    paths = {"/west": {"cluster": "west", "token_file": str(tmp_path / "west")}, "/open": {"cluster": "lab"}}
    more = msgspec.convert(paths, dict[str, PathOptions])
    options: dict[str, Any] = {"cluster": "east", "token_file": str(tmp_path / "east"), "paths": more}
    with RunningWebhook(**options) as running:
        base = running.url.removesuffix("/k8s-audit")
        for path, token, status in (
            ("/k8s-audit", "one", 200),
            ("/k8s-audit", "two", 401),
            ("/west", "two", 200),
            ("/west", "one", 401),
            ("/open", "", 200),
            ("/none", "one", 404),
        ):
            headers = bearer(token) if token else {}
            assert post(f"{base}{path}", headers=headers).status_code == status, path
    clusters = [alert.labels.get("cluster") for alert in running.alerts]
    assert clusters == ["east", "west", "lab"]


@pytest.mark.parametrize(
    ("target", "options", "warned"),
    [
        ("http://127.0.0.1:0/", {}, False),
        ("http://localhost:0/", {}, False),
        ("http://0.0.0.0:0/", {}, True),
        ("http://:0/", {}, True),
        ("http://0.0.0.0:0/", {"token_file": "tokens"}, False),
    ],
)
def test_open_door_to_the_network_is_warned_of(
    target: str, options: dict[str, Any], warned: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tokens").write_text("a b\n", "utf-8")
    given: dict[str, Any] = {name: str(tmp_path / value) for name, value in options.items()}
    source = K8sAuditSource(target, **given)
    source.open()
    source.stop()
    asyncio.run(drained(source))
    assert ("may post events" in caplog.text) is warned


async def drained(source: K8sAuditSource) -> None:
    batches = source.batches()
    assert isinstance(batches, AsyncIterator)
    assert [batch async for batch in batches] == []


# --- health, packed bodies, connections -----------------------------------------------------------------


def test_health_is_told_to_anybody() -> None:
    with RunningWebhook() as running:
        url = running.url.replace("/k8s-audit", "/healthz")
        answer = httpx.get(url)
        assert (answer.status_code, answer.text) == (200, "ok\n")
        assert httpx.post(url, content=b"").status_code == 405


PACKED = gzip.compress(encode(audit_event("1")))


@pytest.mark.parametrize(
    ("encoding", "body", "status", "text"),
    [
        ("gzip", PACKED, 200, ""),
        ("GZIP", PACKED, 200, ""),
        ("x-gzip", PACKED[:0] + PACKED, 200, ""),
        ("identity", encode(audit_event("1")), 200, ""),
        (
            "gzip",
            b"".join(gzip.compress(part) for part in (b'{"kind":"Event",', encode(audit_event("1"))[1:])),
            200,
            "",
        ),
        ("gzip", PACKED[:-9], 400, "the body ends in the middle of its gzip data\n"),
        (
            "gzip",
            b"no gzip",
            400,
            "the body is no gzip: Error -3 while decompressing data: incorrect header check\n",
        ),
        ("gzip", gzip.compress(b"x" * 2001), 413, "a body may have 2000 bytes\n"),
        ("gzip", gzip.compress(b"\0" * 50_000_000), 413, "a body may have 2000 bytes\n"),
        ("br", PACKED, 415, "Content-Encoding br is not supported, gzip is\n"),
        ("deflate", zlib.compress(b"{}"), 415, "Content-Encoding deflate is not supported, gzip is\n"),
    ],
)
def test_packed_body_is_unpacked_up_to_the_limit(encoding: str, body: bytes, status: int, text: str) -> None:
    with RunningWebhook(max_body_bytes=2000 if len(body) < 2000 else 100_000) as running:
        limit = "2000" if len(body) < 2000 else "100000"
        answer = post(running.url, content=body, headers={"Content-Encoding": encoding})
        assert answer.status_code == status
        assert answer.text.startswith(text.replace("2000", limit))
    assert running.lines == (["created 1"] if status == 200 else [])


@contextlib.contextmanager
def held(running: RunningWebhook, count: int) -> Iterator[list[socket.socket]]:
    """Open connections."""
    with contextlib.ExitStack() as opened:
        yield [opened.enter_context(running.connect()) for _ in range(count)]


def test_connections_over_the_limit_are_closed_at_once(caplog: pytest.LogCaptureFixture) -> None:
    with RunningWebhook(max_connections=5) as running:
        with held(running, 5) as connections:
            connections[0].sendall(declared(encode(audit_event("1"))))
            assert b"200" in connections[0].recv(100)
            with running.connect() as more:
                assert is_closed(more)
            connections[1].sendall(declared(encode(audit_event("2"))))
            assert b"200" in connections[1].recv(100)
        while True:  # Until the server has seen the end of one of them.
            with contextlib.suppress(httpx.TransportError):
                assert post(running.url).status_code == 200
                break
    assert caplog.text.count("5 connections are open") >= 1


def test_clients_that_never_finish_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "IDLE_S", 0.5)
    with RunningWebhook() as running, held(running, 200) as connections:
        for connection in connections:
            connection.sendall(b"POST /k8s-audit HTTP/1.1\r\nHost: x\r\nContent-Ty")
        assert post(running.url).status_code == 200
        for connection in connections:
            assert is_closed(connection)
        assert post(running.url).status_code == 200
