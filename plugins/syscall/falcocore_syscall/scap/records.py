"""What a capture says about the machine at its start: read from the lists before the first event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

NO_ID = 0xFFFFFFFF
"""A user, group or login id that is not known or not set."""


@dataclass(slots=True)
class MachineRecord:
    """The machine that was captured."""

    cpus: int
    memory_bytes: int
    max_pid: int
    hostname: str
    boot_time_ns: int


@dataclass(slots=True)
class InterfaceRecord:
    """An address of the machine; 4 or 16 bytes in network order."""

    name: str
    address: bytes
    netmask: bytes


@dataclass(slots=True)
class UserRecord:
    """A user account."""

    uid: int
    gid: int
    name: str
    home: str
    shell: str


@dataclass(slots=True)
class GroupRecord:
    """A group of users."""

    gid: int
    name: str


@dataclass(slots=True)
class ThreadRecord:
    """A thread that was there at the start. Texts as bytes; what an older list lacks has its default."""

    tid: int
    pid: int
    ptid: int
    sid: int = -1
    vpgid: int = -1
    comm: bytes = b""
    exe: bytes = b""
    exepath: bytes = b""
    args: bytes = b""
    cwd: bytes = b""
    fdlimit: int = -1
    flags: int = 0
    uid: int = NO_ID
    gid: int = NO_ID
    vmsize_kb: int = 0
    vmrss_kb: int = 0
    vmswap_kb: int = 0
    pfmajor: int = 0
    pfminor: int = 0
    env: bytes = b""
    vtid: int = -1
    vpid: int = -1
    cgroups: bytes = b""
    root: bytes = b""
    pidns_init_start_ns: int = 0
    tty: int = 0
    loginuid: int = NO_ID
    exe_writable: int = 0
    cap_inheritable: int = 0
    cap_permitted: int = 0
    cap_effective: int = 0
    exe_upper_layer: int = 0
    exe_ino: int = 0
    exe_ino_ctime_ns: int = 0
    exe_ino_mtime_ns: int = 0
    exe_from_memfd: int = 0
    exe_lower_layer: int = 0
    pgid: int = -1


@dataclass(slots=True)
class FdRecord:
    """An open descriptor. `type` is the capture's number (scap-format, section 8)."""

    fd: int
    ino: int
    type: int
    name: bytes = b""
    flags: int = 0
    dev: int = 0
    source: bytes = b""
    destination: bytes = b""
    sport: int = 0
    dport: int = 0
    l4proto: int = 0
    source_pointer: int = 0
    destination_pointer: int = 0


@dataclass(slots=True)
class FdListRecord:
    """The descriptors of one process."""

    tid: int
    fds: list[FdRecord] = field(default_factory=list)


Record: TypeAlias = (
    MachineRecord
    | Sequence[InterfaceRecord]
    | Sequence[UserRecord | GroupRecord]
    | Sequence[ThreadRecord]
    | FdListRecord
)
