"""Literals become values of the field's type, once, when a rule is loaded (condition-grammar, section 2)."""

from __future__ import annotations

import re
import socket
from typing import NamedTuple

from falcocore.types import FieldType, Kind, Scalar

MAX_LITERAL_BYTES = 255


class Network(NamedTuple):
    """A network to compare addresses with: its first address, how many bits count, the address's length."""

    address: int
    host_bits: int
    length_bytes: int

    def holds(self, address: bytes) -> bool:
        """True for an address of the same family inside the network."""
        return (
            len(address) == self.length_bytes
            and int.from_bytes(address, "big") >> self.host_bits == self.address >> self.host_bits
        )


Constant = Scalar | Network

_WHOLE = re.compile(r"[ \t\r\n]*[+-]?[0-9]+\Z")


def convert(text: str, of: FieldType, operator: str) -> Constant:
    """The value of a literal that is compared with a field of type `of` by `operator`.

    Raises:
        ValueError: with what the type accepts.
    """
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) > MAX_LITERAL_BYTES:
        raise ValueError(f"the value has {len(raw)} bytes; {MAX_LITERAL_BYTES} are allowed")
    if "\0" in text and of.kind is not Kind.BUFFER:
        raise ValueError(f"{of.label} values hold no NUL byte")
    match of.kind:
        case Kind.STRING:
            return text
        case Kind.UNSIGNED:
            return _unsigned(text, of)
        case Kind.SIGNED:
            return _signed(text, of)
        case Kind.DOUBLE:
            return float(_whole(text, of))
        case Kind.BOOL:
            return _bool(text)
        case Kind.PORT:
            return _port(text)
        case Kind.IPADDR:
            return _address(text)
        case Kind.IPNET:
            return _network(text)
        case Kind.BUFFER:
            return _hex(text) if operator in {"bcontains", "bstartswith"} else raw


def _whole(text: str, of: FieldType) -> int:
    if not _WHOLE.match(text):
        raise ValueError(f"`{text}` is not a {of.label} value: a whole decimal number is needed")
    return int(text)


def _unsigned(text: str, of: FieldType) -> int:
    number = _whole(text, of)
    top = 1 << of.bits
    if not -top < number < top:
        raise ValueError(f"`{text}` does not fit into {of.label}, which ends at {top - 1}")
    return number % top  # a negative number counts from the type's end, as in C


def _signed(text: str, of: FieldType) -> int:
    number = _whole(text, of)
    top = 1 << (of.bits - 1)
    if not -top <= number < top:
        raise ValueError(f"`{text}` does not fit into {of.label}, which goes from {-top} to {top - 1}")
    return number


def _bool(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"`{text}` is not a BOOL value: write true or false")
    return text == "true"


def _port(text: str) -> int:
    if text == "":
        return 0
    if text.isascii() and text.isdigit():
        if int(text) > 0xFFFF:
            raise ValueError(f"`{text}` is not a port: they end at 65535")
        return int(text)
    try:
        return socket.getservbyname(text)
    except OSError:
        raise ValueError(f"`{text}` is neither a port number nor a service that this system knows") from None


def _address(text: str) -> bytes:
    try:
        return socket.inet_pton(socket.AF_INET if "." in text and ":" not in text else socket.AF_INET6, text)
    except (OSError, UnicodeEncodeError):
        more = "; networks go with ipnet fields such as fd.snet" if "/" in text else ""
        raise ValueError(f"`{text}` is not an IPv4 or IPv6 address{more}") from None


def _network(text: str) -> Network:
    address, slash, bits = text.partition("/")
    if not slash or not (bits.isascii() and bits.isdigit()):
        raise ValueError(f"`{text}` is not a network: write ADDRESS/BITS, such as 10.0.0.0/8")
    raw = _address(address)
    size = len(raw) * 8
    first = 0 if size == 32 else 1
    if not first <= int(bits) <= size:
        raise ValueError(f"`{text}`: the prefix length goes from {first} to {size}")
    host_bits = size - int(bits)
    return Network(int.from_bytes(raw, "big") >> host_bits << host_bits, host_bits, len(raw))


def _hex(text: str) -> bytes:
    try:
        if not re.fullmatch(r"[0-9A-Fa-f]*", text):
            raise ValueError
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"`{text}` is not an even number of hexadecimal digits") from None
