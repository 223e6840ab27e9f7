"""TLS to a receiver that is not to be trusted, and files that can't be used."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from falcocore.api import OutputError
from falcocore_outputs.syslog.output import SyslogOutput
from tests.plugins.outputs.syslog.test_output import accept, everything, listener, texts
from tests.support.small_alerts import send


@contextmanager
def receiver(context: ssl.SSLContext | None) -> Iterator[tuple[str, list[bytes]]]:
    """A receiver for one connection (without a context, without TLS), and what it has read."""
    listening, address = listener()
    received: list[bytes] = []

    def run() -> None:
        with accept(listening) as connection, suppress(OSError):
            if context is None:
                connection.sendall(b"220 not what you think\r\n")
                everything(connection)
            else:
                with context.wrap_socket(connection, server_side=True) as tls:
                    received.append(everything(tls))

    thread = threading.Thread(target=run)
    with listening:
        thread.start()
        yield address.replace("tcp:", "tls:").replace("127.0.0.1", "localhost"), received
        thread.join()


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def attempt(address: str, **options: Any) -> None:
    output = SyslogOutput(address=address, settle_s=options.pop("settle_s", 0.0), timeout_s=5.0, **options)
    try:
        output.open()
        send(output, "one")
    finally:
        output.close()


@pytest.mark.parametrize(
    ("names", "server_name"), [(("localhost",), None), (("log.example",), "log.example")]
)
def test_receiver_whose_name_is_the_wanted(
    tmp_path: Path, authority: trustme.CA, names: tuple[str, ...], server_name: str | None
) -> None:
    with receiver(serving(authority, *names)) as (address, received):
        attempt(address, ca_cert=str(tmp_path / "ca.pem"), server_name=server_name)
    assert texts(received[0]) == ["one"]


@pytest.mark.parametrize(
    ("names", "trusted", "message"),
    [
        (
            ("localhost",),
            False,
            "the receiver's certificate is refused: unable to get local issuer certificate",
        ),
        (("log.example",), True, "certificate is refused: Hostname mismatch, .*'localhost'"),
    ],
)
def test_receiver_that_is_not_to_be_trusted_gets_nothing(
    tmp_path: Path, authority: trustme.CA, names: tuple[str, ...], trusted: bool, message: str
) -> None:
    with (
        receiver(serving(authority, *names)) as (address, received),
        pytest.raises(OutputError, match=message),
    ):
        attempt(address, ca_cert=str(tmp_path / "ca.pem") if trusted else None)
    assert received == []


def test_receiver_without_tls_gets_nothing() -> None:
    with receiver(None) as (address, _), pytest.raises(OutputError, match="TLS failed: WRONG_VERSION_NUMBER"):
        attempt(address)


def test_client_certificate_that_is_missing_is_noticed(tmp_path: Path, authority: trustme.CA) -> None:
    context = serving(authority, "localhost")
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    # With TLS 1.3 our side of the handshake is over before the receiver has seen that there is none.
    with (
        receiver(context) as (address, received),
        pytest.raises(OutputError, match="TLS failed: TLSV13_ALERT_CERTIFICATE_REQUIRED"),
    ):
        attempt(address, ca_cert=str(tmp_path / "ca.pem"), settle_s=5.0)
    assert received == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"ca_cert": "none.pem"},
            "CA certificates can't be loaded from .*none.pem: No such file or directory",
        ),
        ({"ca_cert": "text"}, "CA certificates can't be loaded from .*text: NO_CERTIFICATE_OR_CRL_FOUND"),
        ({"client_cert": "none.pem"}, "client certificate can't be loaded from .*none.pem: No such file"),
        ({"client_cert": "ca.pem"}, "client certificate can't be loaded from .*ca.pem: "),
        # Nobody is asked for a password.
        ({"client_cert": "a.pem", "client_key": "locked.key"}, "can't be loaded from .* and .*locked.key: "),
        (
            {"client_cert": "a.pem", "client_key": "b.pem"},
            "can't be loaded from .*a.pem and .*b.pem: KEY_VALUES_MISMATCH",
        ),
    ],
)
def test_files_that_cannot_be_used_are_known_at_the_start(
    tmp_path: Path, authority: trustme.CA, options: dict[str, str], message: str
) -> None:
    (tmp_path / "text").write_text("no certificate", "utf-8")
    for name in ("a", "b"):
        made = authority.issue_cert(name)
        made.private_key_and_cert_chain_pem.write_to_path(tmp_path / f"{name}.pem")
    key = load_pem_private_key(made.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "locked.key").write_bytes(locked)
    paths: dict[str, Any] = {name: str(tmp_path / file) for name, file in options.items()}
    with pytest.raises(OutputError, match=message):
        SyslogOutput(address="tls://localhost", **paths).open()


def test_files_are_read_anew_for_each_connection(tmp_path: Path, authority: trustme.CA) -> None:
    trusted = tmp_path / "trusted.pem"
    trustme.CA().cert_pem.write_to_path(trusted)
    with receiver(serving(authority, "localhost")) as (address, received):
        output = SyslogOutput(address=address, ca_cert=str(trusted), settle_s=0.0)
        output.open()
        trusted.unlink()
        with pytest.raises(OutputError, match=r"loaded from \S+trusted\.pem: No such file"):
            send(output, "one")
        authority.cert_pem.write_to_path(trusted)
        send(output, "one")
        output.close()
    assert texts(received[0]) == ["one"]
