"""What text a type takes, and the value that it stands for."""

from __future__ import annotations

import re
import socket

import pytest

from falcocore.lang.literals import MAX_LITERAL_BYTES, Network, convert
from falcocore.types import FieldType as Type

MOST_64 = 2**64 - 1


@pytest.mark.parametrize(
    ("text", "of", "value"),
    [
        ("", Type.STRING, ""),
        ("a b", Type.STRING, "a b"),
        ("007", Type.STRING, "007"),
        ("/etc//x", Type.PATH, "/etc//x"),
        ("0", Type.UINT64, 0),
        ("007", Type.UINT64, 7),
        ("+7", Type.UINT64, 7),
        (" \t7", Type.UINT64, 7),
        (str(MOST_64), Type.UINT64, MOST_64),
        ("-1", Type.UINT64, MOST_64),
        ("-1", Type.UINT8, 255),
        ("-1", Type.UINT32, 2**32 - 1),
        ("255", Type.FLAGS8, 255),
        ("-1", Type.UID, 2**32 - 1),
        ("5", Type.RELTIME, 5),
        ("-5", Type.INT64, -5),
        ("-128", Type.INT8, -128),
        (str(-(2**63)), Type.PID, -(2**63)),
        ("-2", Type.ERRNO, -2),
        ("3", Type.DOUBLE, 3.0),
        ("-3", Type.DOUBLE, -3.0),
        ("true", Type.BOOL, True),
        ("false", Type.BOOL, False),
        ("443", Type.PORT, 443),
        ("65535", Type.PORT, 65535),
        ("", Type.PORT, 0),
        ("10.1.2.3", Type.IPADDR, b"\x0a\x01\x02\x03"),
        ("::1", Type.IPADDR, b"\0" * 15 + b"\x01"),
        ("2001:DB8::", Type.IPADDR, b"\x20\x01\x0d\xb8" + b"\0" * 12),
        ("10.1.2.3/8", Type.IPNET, Network(0x0A000000, 24, 4)),
        ("10.1.2.3/32", Type.IPNET, Network(0x0A010203, 0, 4)),
        ("0.0.0.0/0", Type.IPNET, Network(0, 32, 4)),
        ("2001:db8::1/32", Type.IPNET, Network(0x20010DB8 << 96, 96, 16)),
        ("a\0b", Type.BUFFER, b"a\0b"),
        ("a\udcffb", Type.BUFFER, b"a\xffb"),
        ("é", Type.BUFFER, b"\xc3\xa9"),
    ],
)
def test_text_stands_for_a_value_of_the_type(text: str, of: Type, value: object) -> None:
    found = convert(text, of, "=")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "of", "message"),
    [
        ("", Type.UINT64, "`` is not a UINT64 value: a whole decimal number is needed"),
        ("0x10", Type.UINT64, "`0x10` is not a UINT64 value"),
        ("1.5", Type.UINT64, "whole decimal number"),
        ("1e+3", Type.INT64, "whole decimal number"),
        ("7 ", Type.UINT64, "whole decimal number"),
        ("7a", Type.INT64, "whole decimal number"),
        ("٣", Type.UINT64, "whole decimal number"),
        (str(2**64), Type.UINT64, f"does not fit into UINT64, which ends at {MOST_64}"),
        ("256", Type.UINT8, "does not fit into UINT8, which ends at 255"),
        ("-256", Type.UINT8, "does not fit into UINT8"),
        ("128", Type.INT8, "goes from -128 to 127"),
        ("1.5", Type.DOUBLE, "whole decimal number"),
        ("True", Type.BOOL, "`True` is not a BOOL value: write true or false"),
        ("1", Type.BOOL, "write true or false"),
        ("65536", Type.PORT, "they end at 65535"),
        ("no-such-service", Type.PORT, "neither a port number nor a service"),
        ("-1", Type.PORT, "neither a port number nor a service"),
        ("10.0.0", Type.IPADDR, "`10.0.0` is not an IPv4 or IPv6 address"),
        ("10.0.0.256", Type.IPADDR, "is not an IPv4 or IPv6 address"),
        ("localhost", Type.IPADDR, "is not an IPv4 or IPv6 address"),
        ("10.0.0.0/8", Type.IPADDR, "networks go with ipnet fields"),
        ("10.0.0.1", Type.IPNET, "write ADDRESS/BITS"),
        ("10.0.0.1/", Type.IPNET, "write ADDRESS/BITS"),
        ("10.0.0.1/255.0.0.0", Type.IPNET, "write ADDRESS/BITS"),
        ("10.0.0.0/33", Type.IPNET, "the prefix length goes from 0 to 32"),
        ("::/0", Type.IPNET, "the prefix length goes from 1 to 128"),
        ("a\0b", Type.STRING, "CHARBUF values hold no NUL byte"),
        ("\0", Type.UINT64, "no NUL byte"),
    ],
)
def test_text_that_is_no_value_of_the_type_is_refused(text: str, of: Type, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        convert(text, of, "=")


@pytest.mark.parametrize("of", [Type.STRING, Type.BUFFER, Type.UINT64])
@pytest.mark.parametrize("text", ["1" * (MAX_LITERAL_BYTES + 1), "é" * 128, "\udcff" * 256])
def test_literal_has_at_most_255_bytes_whatever_its_type(text: str, of: Type) -> None:
    with pytest.raises(ValueError, match=r"the value has 256 bytes; 255 are allowed"):
        convert(text, of, "=")


def test_literal_of_255_bytes_is_taken() -> None:
    assert convert("é" * 127 + "x", Type.STRING, "=") == "é" * 127 + "x"


@pytest.mark.parametrize("operator", ["bcontains", "bstartswith"])
@pytest.mark.parametrize(
    ("text", "value"), [("", b""), ("00fF", b"\0\xff"), ("f", None), ("0g", None), ("00 ff", None)]
)
def test_bytes_of_b_operators_are_written_in_hexadecimal(
    operator: str, text: str, value: bytes | None
) -> None:
    if value is not None:
        assert convert(text, Type.BUFFER, operator) == value
        return
    with pytest.raises(ValueError, match="even number of hexadecimal digits"):
        convert(text, Type.BUFFER, operator)


def test_other_operators_take_the_bytes_of_the_text_itself() -> None:
    assert convert("00ff", Type.BUFFER, "contains") == b"00ff"


def test_port_may_be_given_by_the_name_of_a_service() -> None:
    try:
        expected = socket.getservbyname("http")
    except OSError:
        pytest.skip("this system knows no services by name")
    assert convert("http", Type.PORT, "=") == expected


@pytest.mark.parametrize(
    ("network", "address", "held"),
    [
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.1.2.3/32", "10.1.2.3", True),
        ("10.1.2.3/32", "10.1.2.4", False),
        ("0.0.0.0/0", "255.255.255.255", True),
        ("0.0.0.0/0", "::1", False),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("2001:db8::/32", "2001:db9::", False),
        ("::/1", "10.0.0.1", False),
    ],
)
def test_network_holds_addresses_of_its_own_family(network: str, address: str, held: bool) -> None:
    found = convert(network, Type.IPNET, "=")
    assert isinstance(found, Network)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    assert found.holds(socket.inet_pton(family, address)) is held
