"""Parameters as text: as they are, and as what they mean (semantics, section 10)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from falcocore_syscall.state.fds import L4, Fd, Role, SocketFd, address_text, end_text
from falcocore_syscall.state.paths import resolve
from falcocore_syscall.state.sockaddr import AF_UNIX, parse_address, parse_pair
from falcocore_syscall.tables import (
    DYNAMIC_TABLES,
    ERRNO,
    EVENTS,
    FLAG_TABLES,
    SIGNALS,
    SYSCALL_NAMES,
    Param,
    ParamType,
)

if TYPE_CHECKING:
    from falcocore_syscall.event import Event

Rendered = tuple[str, str]
"""As it is, and what it means; the second is empty where there is nothing to say."""

NOT_AVAILABLE = "<NA>"
AT_FDCWD = -100
_NONE_ID = 0xFFFFFFFF
_NO_TIME = (1 << 64) - 1
_NS_PER_S = 1_000_000_000

_SIGNED = frozenset({ParamType.INT8, ParamType.INT16, ParamType.INT32, ParamType.INT64})
_UNSIGNED = frozenset(
    {ParamType.UINT8, ParamType.UINT16, ParamType.UINT32, ParamType.UINT64, ParamType.PORT}
    | {ParamType.ABSTIME, ParamType.L4PROTO, ParamType.SOCKFAMILY, ParamType.BOOL, ParamType.SIGSET}
)
_FLAGS = frozenset({ParamType.FLAGS8, ParamType.FLAGS16, ParamType.FLAGS32})
_ENUMS = frozenset({ParamType.ENUMFLAGS8, ParamType.ENUMFLAGS16, ParamType.ENUMFLAGS32})
_NULLS = frozenset(
    {ParamType.BYTEBUF, ParamType.SOCKTUPLE, ParamType.FDLIST, ParamType.CHARBUFARRAY, ParamType.DYN}
)
_L4_CHARS = {L4.TCP: "t", L4.UDP: "u", L4.ICMP: "i", L4.RAW: "r"}


def errno_name(result: int) -> str:
    """The name of a negative result."""
    return ERRNO.get(-result, str(result))


@lru_cache(maxsize=4096)
def flag_names(table: str, value: int) -> str:
    """The names of the flags that are set, in the order of the table."""
    names, left = [], value
    for name, flag in FLAG_TABLES.get(table, ()):
        if (flag and left & flag == flag) or (flag == value == 0):
            names.append(name)
            left &= ~flag
    return "|".join(names)


@lru_cache(maxsize=4096)
def enum_names(table: str, value: int) -> str:
    """The names of exactly this value."""
    return "|".join(name for name, known in FLAG_TABLES.get(table, ()) if known == value)


def formatted(number: int, style: str, bits: int = 64) -> str:
    """A number in the format of its parameter."""
    if style == "HEX":
        return f"{number % (1 << bits):X}"
    if style == "OCT":
        return f"0{number:o}" if number else "0"
    return str(number)


def printable(raw: bytes) -> str:
    """Bytes as text; what can't be printed is a dot."""
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in raw)


def text(raw: bytes) -> str:
    """A recorded text without the NUL at its end."""
    whole = raw[:-1] if raw[-1:] == b"\0" else raw
    return whole.decode("utf-8", "surrogateescape")


def fd_text(fd: int, entry: Fd | None) -> str:
    """What a descriptor stands for: its kind and name."""
    if entry is not None:
        l4 = ""
        if isinstance(entry, SocketFd) and (entry.role is not Role.NONE or entry.l4 is L4.RAW):
            l4 = _L4_CHARS.get(entry.l4, "")
        return f"<{entry.type.char}{l4}>{entry.name}"
    if fd == AT_FDCWD:
        return "AT_FDCWD"
    return errno_name(fd) if fd < 0 else ""


def render(event: Event, number: int) -> Rendered:
    """Parameter `number` of an event, which has it."""
    return _render(event, EVENTS[event.type].params[number], event.raw(number) or b"", number)


def _render(event: Event, param: Param, raw: bytes, number: int) -> Rendered:
    kind = param.type
    if not raw:
        return ("NULL" if kind in _NULLS else NOT_AVAILABLE), ""
    if kind in _SIGNED:
        signed = int.from_bytes(raw, "little", signed=True)
        return formatted(signed, param.format, len(raw) * 8), ""
    if kind in _UNSIGNED:
        return formatted(int.from_bytes(raw, "little"), param.format), ""
    if kind in _FLAGS:
        value = int.from_bytes(raw, "little")
        return str(value), flag_names(param.table or "", value)
    if kind in _ENUMS:
        value = int.from_bytes(raw, "little")
        return str(value), enum_names(param.table or "", value)
    return _render_special(event, param, raw, number)


def _render_special(event: Event, param: Param, raw: bytes, number: int) -> Rendered:
    signed = int.from_bytes(raw[:8], "little", signed=True)
    unsigned = int.from_bytes(raw[:8], "little")
    match param.type:
        case ParamType.CHARBUF:
            return _string(raw), ""
        case ParamType.FSPATH | ParamType.FSRELPATH:
            return _path(event, param, raw)
        case ParamType.BYTEBUF:
            return printable(raw), ""
        case ParamType.ERRNO:
            return str(signed), errno_name(signed) if signed < 0 else ""
        case ParamType.FD | ParamType.FD32:
            return str(signed), fd_text(signed, event.descriptor(signed))
        case ParamType.PID | ParamType.PID32:
            found = event.machine.threads.get(signed)
            return str(signed), found.comm if found is not None else ""
        case ParamType.UID | ParamType.GID:
            return _account(event, param.type, unsigned)
        case ParamType.SIGTYPE:
            return str(unsigned), SIGNALS.get(unsigned, "")
        case ParamType.SYSCALLID:
            known = unsigned < len(SYSCALL_NAMES)
            return str(unsigned), SYSCALL_NAMES[unsigned] if known else ""
        case ParamType.RELTIME:
            if unsigned == _NO_TIME:
                return "none", ""
            return str(unsigned), f"{unsigned / _NS_PER_S:g}s"
        case ParamType.MODE:
            return formatted(unsigned, "OCT"), flag_names(param.table or "", unsigned)
        case ParamType.SOCKADDR:
            return _address(raw), ""
        case ParamType.SOCKTUPLE:
            return _pair(event, raw), ""
        case ParamType.FDLIST:
            return _fd_list(event, raw), ""
        case ParamType.DYN:
            entry_type = DYNAMIC_TABLES.get(param.table or "", {}).get(raw[0])
            if entry_type is None:
                return NOT_AVAILABLE, ""
            inner = Param(param.name, entry_type.type, entry_type.format)
            return _render(event, inner, raw[1:], number)
        case ParamType.IPV4ADDR | ParamType.IPV6ADDR | ParamType.IPADDR if len(raw) in (4, 16):
            return address_text(raw), ""
        case ParamType.CHARBUFARRAY:
            return " ".join(text(part) for part in raw.rstrip(b"\0").split(b"\0")), ""
        case _:
            return printable(raw), ""


def _string(raw: bytes) -> str:
    return NOT_AVAILABLE if raw == b"(NULL)\0" else text(raw)


def _path(event: Event, param: Param, raw: bytes) -> Rendered:
    plain = _string(raw)
    if plain[:1] == "/" or plain == NOT_AVAILABLE or event.thread is None:
        return plain, ""
    dirfd = AT_FDCWD
    if param.dirfd_param is not None:
        found = event.integer(param.dirfd_param)
        dirfd = AT_FDCWD if found is None else found
    full = resolve(event.directory(dirfd), plain)
    return plain, full if full != plain else ""


def _account(event: Event, kind: ParamType, number: int) -> Rendered:
    if number == _NONE_ID:
        return "-1", "<NONE>"
    container = event.thread.container_id if event.thread is not None else ""
    accounts = event.machine.accounts
    name = accounts.user_name if kind is ParamType.UID else accounts.group_name
    return str(number), name(container, number)


def _address(raw: bytes) -> str:
    address = parse_address(raw)
    if address is None:
        return NOT_AVAILABLE if raw[0] == 0 else f"family {raw[0]}"
    family, ip, port, path = address
    return path if family == AF_UNIX else end_text(ip, port)


def _pair(event: Event, raw: bytes) -> str:
    pair = parse_pair(raw)
    if pair is None:
        return "NULL" if raw[0] == 0 else f"family {raw[0]}"
    entry = event.find_fd()
    l4 = entry.l4 if isinstance(entry, SocketFd) else L4.UNKNOWN
    return pair.text(l4 if l4 in (L4.ICMP, L4.RAW) else L4.NA)


def _fd_list(event: Event, raw: bytes) -> str:
    return " ".join(
        f"{fd}:{'' if entry is None else entry.type.char}{flags:X}"
        for fd, flags, entry in fd_list(event, raw)
    )


def fd_list(event: Event, raw: bytes) -> list[tuple[int, int, Fd | None]]:
    """Number, poll flags and entry of each descriptor in a list."""
    found = []
    for at in range(2, min(len(raw), 2 + 10 * int.from_bytes(raw[:2], "little")) - 9, 10):
        fd = int.from_bytes(raw[at : at + 8], "little", signed=True)
        found.append((fd, int.from_bytes(raw[at + 8 : at + 10], "little"), event.descriptor(fd)))
    return found


def arguments_text(event: Event) -> str:
    """All parameters with their names."""
    texts = []
    for number, param in enumerate(EVENTS[event.type].params[: event.count]):
        plain, meaning = render(event, number)
        texts.append(f"{param.name}={plain}({meaning})" if meaning else f"{param.name}={plain}")
    return " ".join(texts)
