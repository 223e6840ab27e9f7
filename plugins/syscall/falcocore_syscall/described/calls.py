"""System calls as descriptions write them: arguments by name, and what follows where one is not given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from falcocore_syscall.described.model import suggestion
from falcocore_syscall.described.values import AT_FDCWD, SIZES_BYTES, address, encoded, family, pair
from falcocore_syscall.state.sockaddr import AF_INET, AF_INET6, AF_UNIX
from falcocore_syscall.tables import EVENTS, SYSCALL_NAMES, EventFlag, Param, ParamType, types_named

NOTHING: Mapping[str, Any] = {}
GENERIC_EXIT = 1
DEFAULT_FD = 3
"""The descriptor that a call makes or uses, where a description does not say."""
_RESULT = "result"
_ENDS = ("from", "to", "protocol")
_NEAR = {AF_INET: "10.0.0.5:40000", AF_INET6: "[fd00::5]:40000", AF_UNIX: ""}
_PATHS = (ParamType.FSPATH, ParamType.FSRELPATH)
_RESULTS = (ParamType.ERRNO, ParamType.FD, ParamType.PID)
PROTOCOLS = {"tcp": 1, "udp": 2}
"""Protocols over IP, with the types of their sockets."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call with the bytes of its parameters; `ends` says what kind of socket its descriptor has to be."""

    type: int
    params: list[bytes]
    fd: int | None = None
    ends: tuple[int, str] | None = None


def call_of(
    name: str, told: Any, defaults: Mapping[str, Any] = NOTHING, uid_of: Callable[[str], int] | None = None
) -> Call:
    """Read a call; `defaults` are arguments that follow from the process, `uid_of` gives a user's number.

    Raises:
        ValueError: there is no such call, or it takes no such argument.
    """
    if not isinstance(told, Mapping | None):
        raise ValueError(f"{name}: a map of arguments is expected, not {told!r}")
    number = _type(name)
    if number == GENERIC_EXIT:
        if told:
            raise ValueError(f"{name}: what is recorded of this system call has no arguments")
        return Call(number, [SYSCALL_NAMES.index(name).to_bytes(2, "little"), b""])
    info = EVENTS[number]
    given = {_parameter(str(key), info.params, name): value for key, value in (told or {}).items()}
    ends = _ends(given, info.params, name)
    values = {**{param.name: _default(info.params, n) for n, param in enumerate(info.params)}, **defaults}
    fd_name = None if info.fd_param is None else info.params[info.fd_param].name
    if fd_name is not None and values[fd_name] != AT_FDCWD:
        values[fd_name] = DEFAULT_FD
    if "newfd" in given:  # That is what is returned.
        values[info.params[0].name] = given["newfd"]
    values |= given
    params = []
    for param in info.params:
        value = values[param.name]
        if param.type is ParamType.UID and isinstance(value, str) and uid_of is not None:
            value = uid_of(value)
        try:
            params.append(value if isinstance(value, bytes) else encoded(value, param))
        except ValueError as error:
            raise ValueError(f"{name}.{param.name}: {error}") from None
    fd = None if fd_name is None or not isinstance(values[fd_name], int) else values[fd_name]
    return Call(number, params, fd, ends)


def _type(name: str) -> int:
    try:
        (number,) = types_named(name)
    except KeyError:
        if name in SYSCALL_NAMES[1:]:
            return GENERIC_EXIT
        known = {event.name for event in EVENTS} | set(SYSCALL_NAMES)
        hint = suggestion(name, known, "name one, such as openat or execve")
        raise ValueError(f"`{name}` is neither `proc` nor a system call; {hint}") from None
    return number


def _parameter(key: str, params: tuple[Param, ...], name: str) -> str:
    """The parameter that a description means."""
    names = [param.name for param in params]
    if key in names:
        return key
    if key == _RESULT and params and params[0].type in _RESULTS:
        return names[0]
    paths = [param.name for param in params if param.type in _PATHS]
    if key == "path" and len(paths) == 1:
        return paths[0]
    if key in _ENDS and any(param.type is ParamType.SOCKTUPLE for param in params):
        return key
    raise ValueError(f"{name} has no argument `{key}`; {suggestion(key, names)}")


def _ends(given: dict[str, Any], params: tuple[Param, ...], name: str) -> tuple[int, str] | None:
    """Put what `from`, `to` and `protocol` say into the arguments; family and protocol."""
    source, destination, protocol = (given.pop(key, None) for key in _ENDS)
    if destination is None:
        if source is not None or protocol is not None:
            raise ValueError(f"{name}: `from` and `protocol` need `to`")
        return None
    protocol = protocol or ("udp" if name.startswith(("send", "recv")) else "tcp")
    if protocol not in PROTOCOLS:
        raise ValueError(f"{name}.protocol: {' or '.join(PROTOCOLS)} is expected, not {protocol!r}")
    try:
        kind = family(str(destination))
        both = pair(str(source or _NEAR[kind]), str(destination))
        asked = address(str(destination))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    for param in params:
        if param.type is ParamType.SOCKTUPLE:
            given.setdefault(param.name, both)
        elif param.type is ParamType.SOCKADDR:
            given.setdefault(param.name, asked)
    return kind, protocol


def _default(params: tuple[Param, ...], number: int) -> Any:
    """What an argument is where nothing says: 0, the current directory, a new descriptor; else unknown."""
    param = params[number]
    if number == 0 and param.type is ParamType.FD:
        return DEFAULT_FD
    if any(other.dirfd_param == number for other in params):
        return AT_FDCWD
    return 0 if param.type in SIZES_BYTES else None


def makes_fd(number: int) -> bool:
    """True for a type of event whose descriptor is a new one."""
    return EventFlag.CREATES_FD in EVENTS[number].flags
