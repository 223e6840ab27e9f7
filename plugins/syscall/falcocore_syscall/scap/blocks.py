"""Types of blocks in a capture, and the sizes that they may have."""

from __future__ import annotations

import enum
import struct

SECTION = 0x0A0D0D0A
"""Reads the same in both byte orders; the magic number behind it tells which one a section has."""
MAGIC = 0x1A2B3C4D
MAJOR = 1
"""The newest major version of the format that is read."""
FRAME_BYTES = 12
"""What a block has besides its body: type and length before it, length behind it."""
MOST_BLOCK_BYTES = 1 << 28
"""A longer block is taken for a corrupt length; the list of a machine's processes stays far below."""
MOST_EVENT_BLOCK_BYTES = 65_536 + FRAME_BYTES
"""The same for blocks of events that are not marked as large."""


class BlockKind(enum.Enum):
    """What a block holds."""

    MACHINE = "machine info"
    PROCESSES = "process list"
    FDS = "fd list"
    INTERFACES = "interface list"
    USERS = "user list"
    EVENT = "event"


KINDS: dict[int, tuple[BlockKind, int]] = {
    **dict.fromkeys((0x201, 0x8002ABCD), (BlockKind.MACHINE, 1)),
    **dict.fromkeys((0x202, 0x8000ABCD), (BlockKind.PROCESSES, 1)),
    **dict.fromkeys((0x207, 0x8013ABCD), (BlockKind.PROCESSES, 2)),
    **dict.fromkeys((0x209, 0x8014ABCD), (BlockKind.PROCESSES, 3)),
    **{0x210 + n: (BlockKind.PROCESSES, 4 + n) for n in range(6)},
    **dict.fromkeys((0x203, 0x8001ABCD), (BlockKind.FDS, 1)),
    0x218: (BlockKind.FDS, 2),
    **dict.fromkeys((0x205, 0x8011ABCD), (BlockKind.INTERFACES, 1)),
    0x219: (BlockKind.INTERFACES, 2),
    **dict.fromkeys((0x206, 0x8012ABCD), (BlockKind.USERS, 1)),
    0x220: (BlockKind.USERS, 2),
    **dict.fromkeys((0x204, 0x8010ABCD, 0x208), (BlockKind.EVENT, 1)),
    **dict.fromkeys((0x216, 0x217, 0x221, 0x222), (BlockKind.EVENT, 2)),
}
"""Kind and version of each type of block."""

EVENT_TYPES = frozenset(number for number, (kind, _) in KINDS.items() if kind is BlockKind.EVENT)
MODERN_EVENT_TYPES = frozenset({0x216, 0x217, 0x221, 0x222})
FLAGGED_TYPES = frozenset({0x208, 0x217, 0x222})
"""Blocks of events that have flags behind the processor's number."""
LARGE_TYPES = frozenset({0x221, 0x222})
STATE_ONLY = 1
"""The flag of an event that changes the state and is not shown."""

HEADER_BYTES = 26
"""Of an event: time, thread, length, type, number of parameters."""


class Order:
    """Structures in one byte order."""

    def __init__(self, sign: str) -> None:
        self.sign = sign
        self.u16 = struct.Struct(f"{sign}H")
        self.u32 = struct.Struct(f"{sign}I")
        self.frame = struct.Struct(f"{sign}II")
        self.section = struct.Struct(f"{sign}IHHQ")
        self.header = struct.Struct(f"{sign}qqIHI")
        self.old_header = struct.Struct(f"{sign}qqIH")


LITTLE = Order("<")
BIG = Order(">")
