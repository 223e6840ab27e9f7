"""Types of field values and how each is held in Python."""

from __future__ import annotations

import enum
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | bytes
Value: TypeAlias = Scalar | list[str] | list[int] | list[bool] | list[bytes] | None
"""What a getter returns. None, and an empty list, mean that the field is absent."""


class Kind(enum.Enum):
    """How values of a type compare, and the Python type that holds one value."""

    STRING = "str; bytes that are not UTF-8 are kept as surrogate escapes"
    UNSIGNED = "int, not negative"
    SIGNED = "int"
    DOUBLE = "float"
    BOOL = "bool"
    PORT = "int, 0 to 65535"
    IPADDR = "bytes, 4 or 16 of them in network order"
    IPNET = "bytes of an address; literals are networks"
    BUFFER = "bytes"


class FieldType(enum.Enum):
    """The type of a field, named as Falco's field listing names it.

    Each member holds (name in listings, kind, size in bits of a number, 0 otherwise).
    """

    STRING = ("CHARBUF", Kind.STRING, 0)
    PATH = ("FSPATH", Kind.STRING, 0)
    RELATIVE_PATH = ("FSRELPATH", Kind.STRING, 0)
    BUFFER = ("BYTEBUF", Kind.BUFFER, 0)
    BOOL = ("BOOL", Kind.BOOL, 0)
    INT8 = ("INT8", Kind.SIGNED, 8)
    INT16 = ("INT16", Kind.SIGNED, 16)
    INT32 = ("INT32", Kind.SIGNED, 32)
    INT64 = ("INT64", Kind.SIGNED, 64)
    UINT8 = ("UINT8", Kind.UNSIGNED, 8)
    UINT16 = ("UINT16", Kind.UNSIGNED, 16)
    UINT32 = ("UINT32", Kind.UNSIGNED, 32)
    UINT64 = ("UINT64", Kind.UNSIGNED, 64)
    DOUBLE = ("DOUBLE", Kind.DOUBLE, 0)
    PID = ("PID", Kind.SIGNED, 64)
    FD = ("FD", Kind.SIGNED, 64)
    ERRNO = ("ERRNO", Kind.SIGNED, 64)
    PORT = ("PORT", Kind.PORT, 16)
    L4PROTO = ("L4PROTO", Kind.UNSIGNED, 8)
    SIGTYPE = ("SIGTYPE", Kind.UNSIGNED, 8)
    SYSCALLID = ("SYSCALLID", Kind.UNSIGNED, 16)
    FLAGS8 = ("FLAGS8", Kind.UNSIGNED, 8)
    FLAGS16 = ("FLAGS16", Kind.UNSIGNED, 16)
    FLAGS32 = ("FLAGS32", Kind.UNSIGNED, 32)
    ENUMFLAGS8 = ("ENUMFLAGS8", Kind.UNSIGNED, 8)
    ENUMFLAGS16 = ("ENUMFLAGS16", Kind.UNSIGNED, 16)
    ENUMFLAGS32 = ("ENUMFLAGS32", Kind.UNSIGNED, 32)
    MODE = ("MODE", Kind.UNSIGNED, 32)
    UID = ("UID", Kind.UNSIGNED, 32)
    GID = ("GID", Kind.UNSIGNED, 32)
    RELTIME = ("RELTIME", Kind.UNSIGNED, 64)
    ABSTIME = ("ABSTIME", Kind.UNSIGNED, 64)
    IPADDR = ("IPADDR", Kind.IPADDR, 0)
    IPV4ADDR = ("IPV4ADDR", Kind.IPADDR, 0)
    IPNET = ("IPNET", Kind.IPNET, 0)
    IPV4NET = ("IPV4NET", Kind.IPNET, 0)

    def __init__(self, label: str, kind: Kind, bits: int) -> None:
        self.label = label
        self.kind = kind
        self.bits = bits


LIST_ELEMENT_TYPES = frozenset(
    {
        FieldType.STRING,
        FieldType.UINT64,
        FieldType.RELTIME,
        FieldType.ABSTIME,
        FieldType.BOOL,
        FieldType.IPADDR,
        FieldType.IPNET,
    }
)
"""Types that a list field may have."""


class Priority(enum.IntEnum):
    """How severe an alert is; a lower number is more severe, as in syslog."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6
    DEBUG = 7

    @property
    def label(self) -> str:
        """The word that alerts show, such as `Warning`."""
        return self.name.capitalize()

    @classmethod
    def parse(cls, text: str) -> Priority:
        """Read a priority word in any case; `info` is Informational.

        Raises:
            ValueError: no such priority.
        """
        word = text.strip().upper()
        return (
            cls[{"INFO": "INFORMATIONAL"}.get(word, word)] if word in _PRIORITY_WORDS else _no_priority(text)
        )


_PRIORITY_WORDS = frozenset(Priority.__members__) | {"INFO"}


def _no_priority(text: str) -> Priority:
    words = ", ".join(p.label for p in Priority)
    raise ValueError(f"{text!r} is not a priority: use one of {words}")
