"""The event table and what belongs to it: parameters, flags, conversions, names of numbers.

The data is Falco's driver interface (libs, `driver/event_table.c` and its neighbours), written by
`plugins/syscall/tools/generate_tables.py`.
"""

from __future__ import annotations

import enum
from importlib import resources
from typing import Any

import msgspec


class ParamType(enum.Enum):
    """How the bytes of a parameter are read; a value is the name in the reference's table."""

    NONE = "NONE"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    CHARBUF = "CHARBUF"
    BYTEBUF = "BYTEBUF"
    ERRNO = "ERRNO"
    SOCKADDR = "SOCKADDR"
    SOCKTUPLE = "SOCKTUPLE"
    FD = "FD"
    PID = "PID"
    FDLIST = "FDLIST"
    FSPATH = "FSPATH"
    SYSCALLID = "SYSCALLID"
    SIGTYPE = "SIGTYPE"
    RELTIME = "RELTIME"
    ABSTIME = "ABSTIME"
    PORT = "PORT"
    L4PROTO = "L4PROTO"
    SOCKFAMILY = "SOCKFAMILY"
    BOOL = "BOOL"
    IPV4ADDR = "IPV4ADDR"
    DYN = "DYN"
    FLAGS8 = "FLAGS8"
    FLAGS16 = "FLAGS16"
    FLAGS32 = "FLAGS32"
    UID = "UID"
    GID = "GID"
    DOUBLE = "DOUBLE"
    SIGSET = "SIGSET"
    CHARBUFARRAY = "CHARBUFARRAY"
    CHARBUF_PAIR_ARRAY = "CHARBUF_PAIR_ARRAY"
    IPV4NET = "IPV4NET"
    IPV6ADDR = "IPV6ADDR"
    IPV6NET = "IPV6NET"
    IPADDR = "IPADDR"
    IPNET = "IPNET"
    MODE = "MODE"
    FSRELPATH = "FSRELPATH"
    ENUMFLAGS8 = "ENUMFLAGS8"
    ENUMFLAGS16 = "ENUMFLAGS16"
    ENUMFLAGS32 = "ENUMFLAGS32"
    FD32 = "FD32"
    PID32 = "PID32"


class EventFlag(enum.Enum):
    """What is known of a type of event."""

    CREATES_FD = "CREATES_FD"
    DESTROYS_FD = "DESTROYS_FD"
    USES_FD = "USES_FD"
    READS_FROM_FD = "READS_FROM_FD"
    WRITES_TO_FD = "WRITES_TO_FD"
    MODIFIES_STATE = "MODIFIES_STATE"
    UNUSED = "UNUSED"
    WAITS = "WAITS"
    SKIPPARSERESET = "SKIPPARSERESET"
    OLD_VERSION = "OLD_VERSION"
    LARGE_PAYLOAD = "LARGE_PAYLOAD"
    CONVERTER_MANAGED = "CONVERTER_MANAGED"


class Param(msgspec.Struct, frozen=True):
    """One parameter of an event; `dirfd_param` is the number of the one that a path is relative to."""

    name: str
    type: ParamType
    format: str = "NA"
    table: str | None = None
    dirfd_param: int | None = None


class EventInfo(msgspec.Struct, frozen=True):
    """One type of event; its number is its place in EVENTS. `fd_param` is the parameter with its fd."""

    name: str
    category: str
    source: str | None
    flags: frozenset[EventFlag]
    params: tuple[Param, ...]
    fd_param: int | None = None


class Action(enum.Enum):
    """What is done with an event of an old layout."""

    DELIVER = "pass"
    STORE = "store"
    STORE_AND_DELIVER = "store_and_pass"
    ADD_PARAMS = "add_params"
    CHANGE_TYPE = "change_type"


class Instruction(msgspec.Struct, frozen=True, rename={"source": "from"}):
    """Where a parameter of the new event comes from: old, enter, default, empty or callback."""

    source: str
    param: int = 0
    fallback: str = "empty"


class Conversion(msgspec.Struct, frozen=True):
    """How events of one type and number of parameters become newer ones."""

    type: int
    nparams: int
    action: Action
    to: int | None = None
    instrs: tuple[Instruction, ...] = ()


class DynamicEntry(msgspec.Struct, frozen=True):
    """What the first byte of a DYN parameter says about the rest."""

    index: int
    type: ParamType
    format: str


class _Tables(msgspec.Struct, frozen=True):
    events: tuple[EventInfo, ...]
    conversions: tuple[Conversion, ...]
    flag_tables: dict[str, tuple[tuple[str, int], ...]]
    dynamic_tables: dict[str, tuple[DynamicEntry, ...]]
    syscall_names: tuple[str, ...]
    native: dict[str, dict[int, int]]
    syscall_types: tuple[int, ...]
    compat: dict[int, int]
    errno: dict[int, str]
    signals: dict[int, str]
    capabilities: tuple[str, ...]


def _load() -> Any:
    raw = resources.files("falcocore_syscall").joinpath("data/tables.json").read_bytes()
    return msgspec.json.decode(raw, type=_Tables)


_tables: _Tables = _load()

EVENTS = _tables.events
CONVERSIONS = {(conversion.type, conversion.nparams): conversion for conversion in _tables.conversions}
FLAG_TABLES = _tables.flag_tables
"""Names and values of flags, in the order in which they are shown."""
DYNAMIC_TABLES = {
    name: {entry.index: entry for entry in entries} for name, entries in _tables.dynamic_tables.items()
}
SYSCALL_NAMES = _tables.syscall_names
"""Names of Falco's own numbers of system calls, which generic events carry; 0 is an unknown one."""
NATIVE = _tables.native
"""For x86_64 and aarch64 Falco's number of each system call by the kernel's."""
NATIVE_NAMES = {number: SYSCALL_NAMES[code] for number, code in NATIVE["x86_64"].items()}
"""Names of the system calls of x86-64 by the kernel's number."""
SYSCALL_TYPES = _tables.syscall_types
"""The type of the exit event by Falco's number of the system call; 1 where it is the generic one."""
COMPAT = _tables.compat
"""The number in x86-64 of a system call of a 32-bit program of x86."""
ERRNO = _tables.errno
SIGNALS = _tables.signals
CAPABILITIES = _tables.capabilities
"""In the order of their bits."""

EVENT_NAMES = frozenset(event.name for event in EVENTS)
GENERIC = frozenset({0, 1})
"""The types that stand for every system call without a type of its own."""
ENTER_TYPES = frozenset({2, 22, 58, 292, 306, 326, 330})
"""Enter events that remain after conversion; they change the state and rules never see them."""
METADATA_TYPES = frozenset({322, 324, 354, 356, 358, 360, 402})
"""Events of plugins, containers, users and groups: no thread has made them."""
LARGE = frozenset(n for n, event in enumerate(EVENTS) if EventFlag.LARGE_PAYLOAD in event.flags)
"""Types whose parameter lengths have four bytes instead of two."""


def with_flag(*flags: EventFlag) -> frozenset[int]:
    """The types that have one of the flags."""
    return frozenset(n for n, event in enumerate(EVENTS) if event.flags.intersection(flags))


def types_named(*names: str) -> frozenset[int]:
    """The exit types of the newest layout that have one of the names.

    Raises:
        KeyError: there is no such event.
    """
    found = {
        event.name: number
        for number, event in enumerate(EVENTS)
        if number % 2 and EventFlag.OLD_VERSION not in event.flags and EventFlag.UNUSED not in event.flags
    }
    return frozenset(found[name] for name in names)
