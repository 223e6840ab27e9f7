"""What `falcocore doctor` is told of the webhook: address, certificate, tokens, events."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from falcocore.api import Circumstances, Finding
from falcocore_k8s_audit.source import K8sAuditSource
from tests.support.certificates import Certificates
from tests.support.webhook_harness import RunningWebhook


def findings(source: K8sAuditSource, events: int | None = None, *files: Path) -> dict[str, Finding]:
    found = list(source.diagnose(Circumstances(events=events, files=files)))
    assert len({it.name for it in found}) == len(found)
    assert [it for it in found if not it.ok and not it.remedy] == [], "what fails has a remedy"
    return {it.name: it for it in found}


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return int(it.getsockname()[1])


@contextmanager
def answering(status: int, body: bytes = b"ok") -> Iterator[int]:
    """A server that gives one answer to everything; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def at(port: int) -> K8sAuditSource:
    return K8sAuditSource(f"http://127.0.0.1:{port}/k8s-audit")


def test_a_free_port() -> None:
    port = free_port()
    found = findings(at(port))
    assert (found["address"].ok, found["address"].detail) == (True, f"127.0.0.1, port {port} is free")
    assert found["first event"].ok
    with socket.socket() as it:
        it.bind(("127.0.0.1", port))  # It was given back.


def test_a_running_webhook_is_reached() -> None:
    with RunningWebhook() as webhook:
        port = webhook.place[1]
        for events in (None, 5):
            found = findings(at(port), events)
            assert found["address"] == Finding(
                "address", ok=True, detail=f"the webhook answers at 127.0.0.1, port {port}"
            )
    assert found["first event"] == Finding("first event", ok=True, detail="5 events came")


def test_no_event_has_come() -> None:
    found = findings(at(free_port()), 0)["first event"]
    assert not found.ok
    assert "--audit-webhook-config-file" in found.remedy
    assert "/healthz" in found.remedy


def test_a_process_runs_and_does_not_listen() -> None:
    found = findings(at(free_port()), 0)["address"]
    assert not found.ok
    assert "nothing answers" in found.detail


@pytest.mark.parametrize(("status", "body"), [(404, b"no"), (200, b"<html>")])
def test_somebody_else_listens_there(status: int, body: bytes) -> None:
    with answering(status, body) as port:
        found = findings(at(port))["address"]
    assert not found.ok
    assert "Address already in use" in found.detail
    assert "stop it" in found.remedy


def test_an_address_of_another_machine() -> None:
    found = findings(K8sAuditSource("http://192.0.2.77:9/x"))["address"]
    assert not found.ok
    assert "192.0.2.77" in found.detail


def test_certificate_and_tokens(tmp_path: Path) -> None:
    certificate = Certificates.in_folder(tmp_path).server()
    tokens = tmp_path / "tokens"
    tokens.write_text("prod abc\n")
    target = f"https://127.0.0.1:{free_port()}/k8s-audit"

    def look() -> dict[str, Finding]:
        return findings(K8sAuditSource(target, cert_file=str(certificate), token_file=str(tokens)))

    found = look()
    assert (found["certificate"].ok, found["tokens"].ok) == (True, True)
    tokens.write_text("# nobody\n")
    certificate.write_text("no certificate")
    found = look()
    assert (found["certificate"].ok, found["tokens"].ok) == (False, False)
    assert str(certificate) in found["certificate"].detail
    assert str(tokens) in found["tokens"].detail
    tokens.unlink()
    assert not look()["tokens"].ok


def test_https_is_reached(tmp_path: Path) -> None:
    certificates = Certificates.in_folder(tmp_path)
    options: dict[str, Any] = {"cert_file": str(certificates.server())}
    for more in ({}, {"client_ca_file": str(certificates.ca_file)}):
        options |= more
        with RunningWebhook(target="https://127.0.0.1:0/k8s-audit", **options) as webhook:
            target = f"https://127.0.0.1:{webhook.place[1]}/k8s-audit"
            assert findings(K8sAuditSource(target, **options), 1)["address"].ok


def test_files_have_no_findings(tmp_path: Path) -> None:
    assert findings(K8sAuditSource(str(tmp_path / "audit.log"))) == {}
