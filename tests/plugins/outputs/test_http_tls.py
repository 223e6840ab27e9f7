"""TLS, with certificates that are made for each test: whom the output trusts, what it shows, and changes."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from falcocore.api import OutputError, PermanentRefusal
from falcocore.testing import configured, deliver, sample_alert
from falcocore_outputs.http import HttpOutput
from falcocore_outputs.tls import TlsFiles
from tests.support.http_receiver import Authority, receiving


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    folder = tmp_path / "stranger"
    folder.mkdir()
    return Authority(folder)


def output(url: str, **options: Any) -> HttpOutput:
    return configured(HttpOutput, {"url": url, **{key: str(value) for key, value in options.items()}})


def outcome(url: str, **options: Any) -> str | None:
    """What sending an alert raises, None where it arrives."""
    (attempt,) = deliver(output(url, **options), [sample_alert()], attempts=1).attempts
    assert not isinstance(attempt.error, PermanentRefusal)
    return None if attempt.error is None else str(attempt.error)


def hashed(folder: Path, certificate: Path) -> Path:
    """A directory with a CA as OpenSSL looks it up: by the hash of its name."""
    folder.mkdir()
    command = ["openssl", "x509", "-noout", "-hash", "-in", str(certificate)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    (folder / f"{name}.0").write_bytes(certificate.read_bytes())
    return folder


def bundle(path: Path, *certificates: Path) -> Path:
    path.write_bytes(b"".join(certificate.read_bytes() for certificate in certificates))
    return path


Trust = Callable[[Authority, Authority, Path], dict[str, Path]]
"""Options made of the server's CA, another one, and a folder."""


@pytest.mark.parametrize(
    "trust",
    [
        lambda mine, _other, _folder: {"ca_cert": mine.file},
        lambda mine, other, folder: {"ca_bundle": bundle(folder / "all.pem", other.file, mine.file)},
        pytest.param(
            lambda mine, _other, folder: {"ca_path": hashed(folder / "certs", mine.file)},
            marks=pytest.mark.skipif(which("openssl") is None, reason="openssl is not installed"),
        ),
        # The first of them counts, and an empty one is none: as in a stock falco.yaml.
        lambda mine, other, _folder: {"ca_cert": mine.file, "ca_bundle": other.file},
        lambda mine, _other, folder: {"ca_cert": "", "ca_bundle": mine.file, "ca_path": folder},
        lambda _mine, _other, _folder: {"insecure": "true"},
    ],
)
def test_server_that_is_trusted_gets_alerts(
    authority: Authority, stranger: Authority, tmp_path: Path, trust: Trust
) -> None:
    with receiving(tls=authority.server()) as receiver:
        assert outcome(receiver.url, **trust(authority, stranger, tmp_path)) is None
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("name", "trust", "cause"),
    [
        ("127.0.0.1", lambda _mine, _other, _folder: {}, "unable to get local issuer certificate"),
        ("127.0.0.1", lambda _mine, other, _folder: {"ca_cert": other.file}, "unable to get local issuer"),
        ("127.0.0.1", lambda _mine, _other, folder: {"ca_path": folder}, "unable to get local issuer"),
        ("example.com", lambda mine, _other, _folder: {"ca_cert": mine.file}, "IP address mismatch"),
    ],
)
def test_server_that_is_not_trusted_gets_nothing(
    authority: Authority, stranger: Authority, tmp_path: Path, name: str, trust: Trust, cause: str
) -> None:
    with receiving(tls=authority.server(name)) as receiver:
        said = outcome(receiver.url, **trust(authority, stranger, tmp_path))
    assert said is not None
    assert f"{receiver.url}: its certificate is not trusted: " in said
    assert cause in said
    assert "name the CA that it comes from with `ca_cert`" in said
    assert receiver.requests == []


def test_server_without_tls_is_an_error() -> None:
    with receiving() as receiver:
        said = outcome(receiver.url.replace("http:", "https:"))
    assert said is not None
    assert "can't be reached" in said


@pytest.mark.parametrize("together", [False, True])
def test_client_shows_its_certificate(authority: Authority, tmp_path: Path, together: bool) -> None:
    certificate, key = authority.issue("client", "falcocore")
    shown: dict[str, Path] = {"client_cert": certificate, "client_key": key}
    if together:
        shown = {"client_cert": bundle(tmp_path / "both.pem", key, certificate)}
    with receiving(tls=authority.server(client_ca=authority.file)) as receiver:
        assert outcome(receiver.url, ca_cert=authority.file, **shown) is None


def test_client_without_a_certificate_that_is_wanted_is_an_error(
    authority: Authority, stranger: Authority
) -> None:
    certificate, key = stranger.issue("client", "falcocore")
    with receiving(tls=authority.server(client_ca=authority.file)) as receiver:
        for shown in ({}, {"client_cert": certificate, "client_key": key}):
            assert outcome(receiver.url, ca_cert=authority.file, **shown) is not None
    assert receiver.requests == []


def test_certificates_are_read_again_when_they_change(authority: Authority, stranger: Authority) -> None:
    """A CA and a client's certificate that are wrong first, and replaced while the output runs."""
    _, ours = authority.issue("client", "falcocore")
    ca, certificate = stranger.file, authority.issue("client", "falcocore")[0]
    right_ca, right = authority.file.read_bytes(), certificate.read_bytes()
    certificate.write_bytes(stranger.issue("client", "falcocore")[0].read_bytes())

    async def run(url: str) -> None:
        made = output(url, ca_cert=ca, client_cert=certificate, client_key=ours)
        # A key that does not fit the certificate, as between two steps of a replacement.
        with pytest.raises(OutputError, match=r"can't be loaded from \S+client.crt and \S+client.key"):
            await made.send([sample_alert()])
        certificate.write_bytes(right)
        with pytest.raises(OutputError, match="is not trusted"):
            await made.send([sample_alert()])
        ca.write_bytes(right_ca)
        await made.send([sample_alert(1)])
        await made.send([sample_alert(2)])
        certificate.touch()
        await made.send([sample_alert(3)])
        await made.aclose()

    with receiving(tls=authority.server(client_ca=authority.file)) as receiver:
        asyncio.run(run(receiver.url))
    peers = [request.peer for request in receiver.requests]
    assert len(peers) == 3
    assert peers[0] == peers[1] != peers[2]


def encrypted_key(_folder: Path, authority: Authority) -> dict[str, Path]:
    certificate, key = authority.issue("client", "falcocore")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )
    return {"client_cert": certificate, "client_key": key}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (lambda folder, _ca: {"ca_cert": folder / "none"}, "none: No such file or directory"),
        (lambda folder, _ca: {"ca_cert": folder / "text"}, "CA certificates can't be loaded from"),
        (lambda folder, _ca: {"client_cert": folder / "none"}, "none: No such file or directory"),
        (lambda folder, _ca: {"client_cert": folder / "text"}, "the client certificate can't be loaded from"),
        (encrypted_key, "the client certificate can't be loaded from"),
    ],
)
def test_files_that_cannot_be_used_are_known_at_the_start(
    authority: Authority,
    tmp_path: Path,
    options: Callable[[Path, Authority], dict[str, Path]],
    said: str,
) -> None:
    (tmp_path / "text").write_text("no certificate", "utf-8")
    with pytest.raises(OutputError) as caught:
        output("https://h/", **options(tmp_path, authority)).open()
    assert said in caught.value.message
    assert caught.value.hint is not None


def test_files_of_tls_do_not_matter_without_it(tmp_path: Path) -> None:
    with receiving() as receiver:
        assert outcome(receiver.url, ca_cert=tmp_path / "none") is None


def test_stamp_changes_with_each_file(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("client", "falcocore")
    files = TlsFiles(str(authority.file), str(tmp_path / "none"), str(certificate), str(key))
    stamps = [files.stamp()]
    for path in (authority.file, certificate, key):
        path.write_bytes(path.read_bytes() + b"\n")
        stamps.append(files.stamp())
    (tmp_path / "none").mkdir()
    stamps.append(files.stamp())
    assert len(set(stamps)) == 5
    assert stamps[0][1] is None
