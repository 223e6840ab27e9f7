"""The kernel's flags as those of captures; the kernel's are Python's, which has them from the C library."""

from __future__ import annotations

import fcntl
import mmap
import os
import platform
import resource

import pytest

from falcocore_syscall.live import flags
from falcocore_syscall.live.flags import NUMBERS
from falcocore_syscall.rendering import enum_names, flag_names

X86, ARM = NUMBERS["x86_64"], NUMBERS["aarch64"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("O_RDONLY", "O_RDONLY"),
        ("O_WRONLY", "O_WRONLY"),
        ("O_RDWR", "O_RDWR"),
        ("O_CREAT", "O_CREAT|O_RDONLY"),
        ("O_EXCL", "O_EXCL|O_RDONLY"),
        ("O_TRUNC", "O_TRUNC|O_RDONLY"),
        ("O_APPEND", "O_APPEND|O_RDONLY"),
        ("O_NONBLOCK", "O_NONBLOCK|O_RDONLY"),
        ("O_DSYNC", "O_DSYNC|O_RDONLY"),
        ("O_SYNC", "O_SYNC|O_DSYNC|O_RDONLY"),
        ("O_CLOEXEC", "O_RDONLY|O_CLOEXEC"),
        ("O_DIRECTORY", "O_DIRECTORY|O_RDONLY"),
        ("O_DIRECT", "O_DIRECT|O_RDONLY"),
        ("O_TMPFILE", "O_RDONLY|O_TMPFILE"),
        ("O_NOFOLLOW", "O_RDONLY"),
    ],
)
def test_flags_of_open(name: str, shown: str) -> None:
    numbers = NUMBERS[platform.machine()]
    assert flag_names("file_flags", numbers.open_flags(getattr(os, name))) == shown


@pytest.mark.parametrize(
    ("x86", "arm", "shown"),
    [
        (0o40000, 0o200000, "O_DIRECT"),
        (0o100000, 0o400000, "O_LARGEFILE"),
        (0o200000, 0o40000, "O_DIRECTORY"),
        (0o400000, 0o100000, "O_NONE"),
    ],
    ids=["direct", "large file", "directory", "no follow"],
)
def test_flags_of_open_that_architectures_have_other_numbers_for(x86: int, arm: int, shown: str) -> None:
    assert flag_names("file_flags", X86.descriptor_flags(x86)) == shown
    assert flag_names("file_flags", ARM.descriptor_flags(arm)) == shown


@pytest.mark.parametrize(
    ("table", "translated", "shown"),
    [
        ("mmap_flags", X86.map_flags(mmap.MAP_SHARED | mmap.MAP_ANONYMOUS), "MAP_SHARED|MAP_ANONYMOUS"),
        ("mmap_flags", X86.map_flags(mmap.MAP_PRIVATE | mmap.MAP_POPULATE), "MAP_PRIVATE|MAP_POPULATE"),
        ("mmap_flags", X86.map_flags(0x40), "MAP_32BIT"),
        ("mmap_flags", ARM.map_flags(0x40), ""),
        ("prot_flags", flags.protection(mmap.PROT_READ | mmap.PROT_EXEC), "PROT_READ|PROT_EXEC"),
        ("prot_flags", flags.protection(0x01000000), "PROT_GROWSDOWN"),
        ("clone_flags", flags.clone_flags(0x10000 | 17), "CLONE_THREAD"),
        ("clone_flags", flags.clone_flags(0x7E020000), "CLONE_NEWIPC|CLONE_NEWNET|CLONE_NEWNS|CLONE_NEWPID"
         "|CLONE_NEWUTS|CLONE_NEWUSER|CLONE_NEWCGROUP"),
        ("clone_flags", flags.clone_flags(flags.CLONE_VFORK_AND_VM), "CLONE_VM|CLONE_VFORK"),
        ("openat2_flags", flags.resolve_flags(1), "RESOLVE_NO_XDEV"),
        ("openat2_flags", flags.resolve_flags(2), "RESOLVE_NO_MAGICLINKS"),
        ("openat2_flags", flags.resolve_flags(4), "RESOLVE_NO_SYMLINKS"),
        ("openat2_flags", flags.resolve_flags(8), "RESOLVE_BENEATH"),
        ("openat2_flags", flags.resolve_flags(16), "RESOLVE_IN_ROOT"),
        ("openat2_flags", flags.resolve_flags(32), "RESOLVE_CACHED"),
        ("io_uring_setup_flags", flags.ring_setup_flags(4), "IORING_SETUP_SQ_AFF"),
        ("fchownat_flags", flags.chown_flags(0x1100), "AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH"),
        ("delete_module_flags", flags.module_removal(os.O_TRUNC), "O_TRUNC"),
        ("poll_flags", flags.poll_events(0x2018), "POLLRDHUP|POLLERR|POLLHUP"),
        ("semget_flags", flags.semaphore_making(0o3000), "IPC_EXCL|IPC_CREAT"),
        ("mount_flags", flags.mount_flags(0xC0ED0001), "RDONLY"),
        ("mount_flags", flags.mount_flags(0x1000), "BIND"),
    ],
)  # fmt: skip
def test_other_flags(table: str, translated: int, shown: str) -> None:
    assert flag_names(table, translated) == shown


@pytest.mark.parametrize(
    "name",
    [
        "F_DUPFD", "F_GETFD", "F_SETFD", "F_GETFL", "F_SETFL", "F_GETLK", "F_SETLK", "F_SETLKW", "F_SETOWN",
        "F_GETOWN", "F_SETSIG", "F_GETSIG", "F_SETLEASE", "F_GETLEASE", "F_NOTIFY", "F_DUPFD_CLOEXEC",
        "F_OFD_GETLK", "F_OFD_SETLK", "F_OFD_SETLKW", "F_SETPIPE_SZ", "F_GETPIPE_SZ",
    ],
)  # fmt: skip
def test_commands_of_fcntl(name: str) -> None:
    command = getattr(fcntl, name)
    assert enum_names("fcntl_commands", flags.FILE_COMMANDS[command]) == name


@pytest.mark.parametrize("name", ["NOFILE", "NPROC", "CORE", "AS", "STACK", "RTPRIO", "MEMLOCK", "CPU"])
def test_limits(name: str) -> None:
    number = getattr(resource, f"RLIMIT_{name}")
    assert enum_names("rlimit_resources", flags.limit(number)) == f"RLIMIT_{name}"


@pytest.mark.parametrize(
    ("numbers", "request_number", "shown"),
    [
        (X86, 0, "PTRACE_TRACEME"),
        (X86, 16, "PTRACE_ATTACH"),
        (X86, 0x4206, "PTRACE_SEIZE"),
        (X86, 0x420B, "PTRACE_SETSIGMASK"),
        (X86, 12, "PTRACE_GETREGS"),
        (ARM, 16, "PTRACE_ATTACH"),
        (ARM, 31, "PTRACE_SYSEMU"),
    ],
)
def test_requests_of_ptrace(numbers: flags.Numbers, request_number: int, shown: str) -> None:
    assert enum_names("ptrace_requests", numbers.requests[request_number]) == shown


@pytest.mark.parametrize(
    ("major", "minor", "captured"), [(8, 1, 0x801), (253, 0, 0xFD00), (8, 0x12345, 0x12300845)]
)
def test_devices(major: int, minor: int, captured: int) -> None:
    assert flags.device(major << 20 | minor) == captured


@pytest.mark.parametrize(
    ("given", "mode", "captured"), [(os.O_CREAT, 0o644, 0o644), (0, 0o644, 0), (os.O_TMPFILE, 0o600, 0o600)]
)
def test_the_mode_of_an_open_counts_where_a_file_may_be_made(given: int, mode: int, captured: int) -> None:
    assert flags.open_mode(given, mode) == captured
