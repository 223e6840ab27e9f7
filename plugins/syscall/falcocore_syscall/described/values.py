"""What a description says about an argument, as the bytes that an event holds."""

from __future__ import annotations

import ipaddress
from typing import Any

from falcocore_syscall.state.sockaddr import AF_INET, AF_INET6, AF_UNIX
from falcocore_syscall.tables import ERRNO, FLAG_TABLES, SIGNALS, Param, ParamType

AT_FDCWD = -100
SIZES_BYTES = {
    **dict.fromkeys((ParamType.INT8, ParamType.UINT8, ParamType.FLAGS8, ParamType.ENUMFLAGS8), 1),
    **dict.fromkeys((ParamType.SIGTYPE, ParamType.L4PROTO, ParamType.SOCKFAMILY), 1),
    **dict.fromkeys((ParamType.INT16, ParamType.UINT16, ParamType.FLAGS16, ParamType.ENUMFLAGS16), 2),
    **dict.fromkeys((ParamType.SYSCALLID, ParamType.PORT), 2),
    **dict.fromkeys((ParamType.INT32, ParamType.UINT32, ParamType.FLAGS32, ParamType.ENUMFLAGS32), 4),
    **dict.fromkeys((ParamType.UID, ParamType.GID, ParamType.MODE, ParamType.SIGSET, ParamType.BOOL), 4),
    **dict.fromkeys((ParamType.FD32, ParamType.PID32), 4),
    **dict.fromkeys((ParamType.INT64, ParamType.UINT64, ParamType.ERRNO, ParamType.FD, ParamType.PID), 8),
    **dict.fromkeys((ParamType.RELTIME, ParamType.ABSTIME), 8),
}
"""The parameters that are numbers."""
_TEXTS = frozenset({ParamType.CHARBUF, ParamType.FSPATH, ParamType.FSRELPATH})
_ERRORS = {name: -number for number, name in ERRNO.items()}
_SIGNALS = {name: number for number, name in SIGNALS.items()}
_ENUMS = frozenset({ParamType.ENUMFLAGS8, ParamType.ENUMFLAGS16, ParamType.ENUMFLAGS32})


def encoded(value: Any, param: Param) -> bytes:
    """The bytes of an argument; None stands for one that was not available.

    Raises:
        ValueError: the parameter takes no such value.
    """
    kind = param.type
    if value is None:
        return b""
    if kind in SIZES_BYTES:
        return _packed(_number(value, param), SIZES_BYTES[kind])
    if kind in _TEXTS:
        return _text(value) + b"\0"
    if kind is ParamType.BYTEBUF:
        return _text(value)
    if kind is ParamType.SOCKADDR:
        return address(_plain(value))
    raise ValueError("this argument can't be described")


def _plain(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text is expected, not {value!r}")
    return value


def _text(value: Any) -> bytes:
    return _plain(value).encode("utf-8", "surrogateescape")


def _packed(number: int, size_bytes: int) -> bytes:
    if not -(1 << (size_bytes * 8 - 1)) <= number < 1 << (size_bytes * 8):
        raise ValueError(f"{number} is too large")
    return (number % (1 << (size_bytes * 8))).to_bytes(size_bytes, "little")


def _number(value: Any, param: Param) -> int:
    """A number, or what names stand for; flags are joined."""
    if isinstance(value, int):
        return int(value)
    names = value.split("|") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"a number or a name is expected, not {value!r}")
    known = _names(param)
    total = 0
    for name in names:
        if name not in known:
            hint = f"; there are {', '.join(known)}" if 0 < len(known) <= 40 else ""
            raise ValueError(f"`{name}` is not known{hint}")
        total |= known[name]
    if len(names) > 1 and param.type in _ENUMS:
        raise ValueError(f"one name is expected, not {', '.join(names)}")
    return total


def _names(param: Param) -> dict[str, int]:
    match param.type:
        case ParamType.ERRNO | ParamType.PID:
            return _ERRORS
        case ParamType.FD | ParamType.FD32:
            return {"AT_FDCWD": AT_FDCWD, **_ERRORS}
        case ParamType.SIGTYPE:
            return _SIGNALS
        case ParamType.BOOL:
            return {}
        case _:
            return dict(FLAG_TABLES.get(param.table or "", ()))


def address(text: str) -> bytes:
    """An address: `192.0.2.7:443`, `[2001:db8::7]:443`, or the path of a unix socket.

    Raises:
        ValueError: it is none.
    """
    if text.startswith("/"):
        return bytes([AF_UNIX]) + text.encode() + b"\0"
    number, end = _end(text)
    return bytes([number]) + end


def pair(source: str, destination: str) -> bytes:
    """Both ends of a connection; the destination may be the path of a unix socket.

    Raises:
        ValueError: one is no address, or they are of two families.
    """
    if destination.startswith("/"):
        return bytes([AF_UNIX]) + bytes(16) + destination.encode() + b"\0"
    (number, first), (other, second) = _end(source), _end(destination)
    if number != other:
        raise ValueError(f"{source} and {destination} are of two families")
    return bytes([number]) + first + second


def family(text: str) -> int:
    """The family of an address that is written as `address` takes it."""
    return AF_UNIX if text.startswith("/") else AF_INET6 if text.startswith("[") else AF_INET


def _end(text: str) -> tuple[int, bytes]:
    host, colon, port = text.rpartition(":")
    try:
        ip = ipaddress.ip_address(host.strip("[]"))
        packed = int(port).to_bytes(2, "little")
    except (ValueError, OverflowError):
        colon = ""
    if not colon:
        hint = "write it as 192.0.2.7:443 or [2001:db8::7]:443"
        raise ValueError(f"`{text}` is no address with a port; {hint}")
    return (AF_INET if ip.version == 4 else AF_INET6), ip.packed + packed
