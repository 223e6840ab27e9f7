"""The machine: processors, memory, name, when it was booted."""

from __future__ import annotations

import re
import time

from falcocore_syscall.live.procfs.files import PROC
from falcocore_syscall.scap.records import MachineRecord

_PROCESSOR = re.compile(rb"^cpu\d+ ", re.MULTILINE)
_MEMORY = re.compile(rb"^MemTotal: +(\d+) kB", re.MULTILINE)


def boot_time_ns() -> int:
    """When the clock that counts from boot was at zero, since the epoch."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def read_machine(proc_root: str = PROC) -> MachineRecord:
    """What captures say about the machine.

    Raises:
        OSError: there is no such /proc.
    """
    memory = _MEMORY.search(_content(f"{proc_root}/meminfo"))
    return MachineRecord(
        cpus=len(_PROCESSOR.findall(_content(f"{proc_root}/stat"))),
        memory_bytes=int(memory[1]) * 1024 if memory else 0,
        max_pid=int(_content(f"{proc_root}/sys/kernel/pid_max")),
        hostname=_content(f"{proc_root}/sys/kernel/hostname").strip().decode("utf-8", "surrogateescape"),
        boot_time_ns=boot_time_ns(),
    )


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
