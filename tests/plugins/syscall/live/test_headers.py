"""Numbers of flags, held against the kernel's and the C library's headers where a compiler is there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from falcocore_syscall.live import flags
from falcocore_syscall.live.flags import NUMBERS
from falcocore_syscall.tables import FLAG_TABLES

HEADERS = (
    "fcntl.h", "poll.h", "sched.h", "stdio.h", "unistd.h", "linux/bpf.h", "linux/ptrace.h",
    "linux/close_range.h", "linux/dqblk_xfs.h", "linux/futex.h", "linux/io_uring.h", "linux/keyctl.h",
    "linux/memfd.h", "linux/module.h", "linux/openat2.h", "linux/prctl.h", "linux/quota.h", "netinet/tcp.h",
    "sys/file.h", "sys/mman.h", "sys/mount.h", "sys/resource.h", "sys/sem.h",
    "sys/socket.h", "sys/stat.h",
)  # fmt: skip
X86 = NUMBERS["x86_64"]
TRANSLATED: Mapping[str, Callable[[int], int]] = {
    "file_flags": X86.open_flags,
    "clone_flags": flags.clone_flags,
    "prot_flags": flags.protection,
    "mmap_flags": X86.map_flags,
    "openat2_flags": flags.resolve_flags,
    "io_uring_setup_flags": flags.ring_setup_flags,
    "poll_flags": flags.poll_events,
    "semop_flags": flags.semaphore_operation,
    "semget_flags": flags.semaphore_making,
    "delete_module_flags": flags.module_removal,
    "fchownat_flags": flags.chown_flags,
    "ptrace_requests": X86.requests.__getitem__,
    "fcntl_commands": flags.FILE_COMMANDS.__getitem__,
    "semctl_commands": flags.SEMAPHORE_COMMANDS.__getitem__,
    "quotactl_cmds": flags.QUOTA_COMMANDS.__getitem__,
    "quotactl_quota_fmts": flags.QUOTA_FORMATS.__getitem__,
    "sockopt_options": flags.SOCKET_OPTIONS.__getitem__,
    "sockopt_levels": flags.SOCKET_LEVELS.__getitem__,
    "rlimit_resources": flags.limit,
}
"""Tables of flags that have other numbers in captures; in those that are not here the numbers are equal."""
OTHERWISE = {"execveat_flags", "epoll_create1_flags", "pidfd_open_flags", "quotactl_types"}
"""Tables whose numbers are no parameters of exit events, or have no macro of their own."""
NOT_COMPARED = {
    "O_LARGEFILE", "F_GETLK64", "F_SETLK64", "F_SETLKW64", "MAP_FILE", "IORING_SQ_NEED_WAKEUP", "O_NONE",
}  # fmt: skip
"""Names that programs of 64 bits have other numbers for, or that the kernel does not have there."""
TOGETHER = {"O_SYNC": 128 | 16}
"""Flags of the kernel's that are two of captures."""
PREFIXES = {"mount_flags": "MS_", "umount_flags": "MNT_"}


@pytest.fixture(scope="module")
def kernel_numbers(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], int]:
    """What the headers say, by table and name."""
    compiler = shutil.which("cc") or shutil.which("clang") or shutil.which("clang-14")
    if compiler is None or not Path("/usr/include/linux/openat2.h").exists():
        pytest.skip("no C compiler or no headers of the kernel are here")
    lines = ["#define _GNU_SOURCE", *(f"#include <{header}>" for header in HEADERS), "int main(void) {"]
    for table, entries in FLAG_TABLES.items():
        for name, _ in entries:
            macro = PREFIXES.get(table, "") + name
            lines += [f"#ifdef {macro}", f'printf("{table} {name} %u\\n", (unsigned)({macro}));', "#endif"]
    place = tmp_path_factory.mktemp("headers")
    source, program = place / "numbers.c", place / "numbers"
    source.write_text("\n".join([*lines, "return 0; }"]))
    subprocess.run([compiler, "-w", "-o", program, source], check=True)
    told = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {(table, name): int(number) for table, name, number in map(str.split, told.splitlines())}


def test_flags_mean_the_same(kernel_numbers: dict[tuple[str, str], int]) -> None:
    compared = 0
    for table, entries in FLAG_TABLES.items():
        translate = TRANSLATED.get(table, int)
        for name, captured in entries:
            kernel = kernel_numbers.get((table, name))
            if kernel is None or name in NOT_COMPARED or table in OTHERWISE:
                continue
            found = translate(kernel)
            if table == "file_flags" and kernel & flags.ACCESS_MODE == 0 and name != "O_RDONLY":
                found &= ~1
            assert found == TOGETHER.get(name, captured), (table, name)
            compared += 1
    assert compared > 300
