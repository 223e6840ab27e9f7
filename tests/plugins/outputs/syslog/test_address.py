"""Addresses of syslog receivers."""

from __future__ import annotations

import pytest

from falcocore.api import ConfigError
from falcocore_outputs.syslog.address import Address, Transport, parse_address


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("/dev/log", Address(Transport.UNIX, "/dev/log"), "/dev/log"),
        ("udp://host", Address(Transport.UDP, "host", 514), "udp://host:514"),
        ("tcp://host/", Address(Transport.TCP, "host", 514), "tcp://host:514"),
        ("tls://host", Address(Transport.TLS, "host", 6514), "tls://host:6514"),
        ("TCP://Host:1514", Address(Transport.TCP, "host", 1514), "tcp://host:1514"),
        ("udp://10.0.0.1:1", Address(Transport.UDP, "10.0.0.1", 1), "udp://10.0.0.1:1"),
        ("tls://[::1]:7", Address(Transport.TLS, "::1", 7), "tls://[::1]:7"),
    ],
)
def test_an_address_is_a_path_or_a_url(text: str, address: Address, shown: str) -> None:
    assert (parse_address(text), str(parse_address(text))) == (address, shown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host:514",
        "log",
        "http://host",
        "unix://host",
        "tcp://",
        "tcp://:514",
        "tcp://host:0",
        "tcp://host:x",
        "tcp://host:70000",
        "tcp://host/path",
        "tcp://host?x",
        "tcp://user@host",
        "tcp://[::1",
        "tcp://a..b",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not the address of a syslog receiver") as caught:
        parse_address(text)
    assert caught.value.hint
