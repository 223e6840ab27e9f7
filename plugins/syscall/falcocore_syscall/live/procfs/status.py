"""What the files `stat` and `status` of a thread say."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

PF_KTHREAD = 0x200000
_DEAD_STATES = frozenset("ZXx")
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_WANTED = re.compile(
    rb"^(PPid|Tgid|Uid|Gid|Groups|NStgid|NSpid|NSpgid|VmSize|VmRSS|VmSwap|CapInh|CapPrm|CapEff):[ \t]*(.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Stat:
    """One thread by its `stat`. Numbers of sessions and groups are those of the reader's pid namespace."""

    comm: bytes
    is_dead: bool
    """It has ended, whether or not other threads of its process have."""
    is_kernel_thread: bool
    pgid: int
    sid: int
    tty: int
    pfminor: int
    pfmajor: int
    threads: int
    """Threads of its process."""
    start_ns: int
    """When it was made, on the clock that counts from boot, in steps of the kernel's clock tick (10 ms)."""


def parse_stat(content: bytes) -> Stat:
    """Take a `stat` apart; the name of a thread may hold anything.

    Raises:
        ValueError: it is not one.
    """
    start, end = content.find(b"("), content.rfind(b")")
    numbers = content[end + 2 :].split()
    if start < 0 or len(numbers) < 20:
        raise ValueError("a stat of /proc is too short")
    return Stat(
        comm=content[start + 1 : end],
        is_dead=chr(numbers[0][0]) in _DEAD_STATES,
        is_kernel_thread=bool(int(numbers[6]) & PF_KTHREAD),
        pgid=int(numbers[2]),
        sid=int(numbers[3]),
        tty=int(numbers[4]) & 0xFFFFFFFF,
        pfminor=int(numbers[7]),
        pfmajor=int(numbers[9]),
        threads=int(numbers[17]),
        start_ns=int(numbers[19]) * _TICK_NS,
    )


@dataclass(frozen=True, slots=True)
class Status:
    """One thread by its `status`; numbers in its own pid namespace are -1 where an old kernel has none."""

    pid: int
    ppid: int
    uid: int
    gid: int
    groups: frozenset[int]
    vtid: int
    vpid: int
    vpgid: int
    in_pid_namespace: bool
    """True where the thread has more than one number."""
    vmsize_kb: int
    vmrss_kb: int
    vmswap_kb: int
    cap_inheritable: int
    cap_permitted: int
    cap_effective: int


def parse_status(content: bytes) -> Status:
    """Take a `status` apart.

    Raises:
        ValueError: what every kernel writes is not in it.
    """
    found: dict[bytes, bytes] = dict(_WANTED.findall(content))
    try:
        pid, ppid = int(found[b"Tgid"]), int(found[b"PPid"])
        uid, gid = int(found[b"Uid"].split()[1]), int(found[b"Gid"].split()[1])
    except (KeyError, IndexError) as error:
        raise ValueError(f"a status of /proc has no {error}") from None
    get = found.get
    numbers = get(b"NSpid", b"-1").split()
    return Status(
        pid=pid,
        ppid=ppid,
        uid=uid,
        gid=gid,
        groups=frozenset(map(int, get(b"Groups", b"").split())),
        vtid=int(numbers[-1]),
        vpid=int(get(b"NStgid", b"-1").split()[-1]),
        vpgid=int(get(b"NSpgid", b"-1").split()[-1]),
        in_pid_namespace=len(numbers) > 1,
        vmsize_kb=_kilobytes(found, b"VmSize"),
        vmrss_kb=_kilobytes(found, b"VmRSS"),
        vmswap_kb=_kilobytes(found, b"VmSwap"),
        cap_inheritable=int(get(b"CapInh", b"0"), 16),
        cap_permitted=int(get(b"CapPrm", b"0"), 16),
        cap_effective=int(get(b"CapEff", b"0"), 16),
    )


def _kilobytes(found: dict[bytes, bytes], name: bytes) -> int:
    value = found.get(name)
    return int(value.split()[0]) & 0xFFFFFFFF if value else 0
