"""Small eBPF objects, compiled from C for a test; and what of it needs the kernel's leave."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from falcocore_syscall.live.bpf import calls
from falcocore_syscall.live.bpf.btf import KERNEL_BTF, Btf
from falcocore_syscall.live.bpf.elf import Elf
from falcocore_syscall.live.bpf.errors import BpfError

LOADING = 1 << 38 | 1 << 39
"""CAP_PERFMON and CAP_BPF."""
CLANG = shutil.which("clang") or shutil.which("clang-14")

PRELUDE = """
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;
typedef unsigned long long u64; typedef long long s64; typedef int s32;
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define CORE __attribute__((preserve_access_index))
#define WEAK_KSYM __attribute__((weak, section(".ksyms")))
#define __uint(name, number) int (*name)[number]
#define __type(name, kind) typeof(kind) *name
static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static u64 (*pid_tgid)(void) = (void *)14;
static u64 (*current_task)(void) = (void *)35;
static long (*read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static void *(*ring_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*ring_submit)(void *record, u64 flags) = (void *)132;
static void (*ring_discard)(void *record, u64 flags) = (void *)133;
char LICENSE[] SEC("license") = "GPL";
"""


@cache
def compiled(source: str, *options: str) -> bytes:
    """The object that clang makes of C; the test is skipped where there is no clang."""
    if CLANG is None:
        pytest.skip("clang is not installed")
    command = [CLANG, "-O2", "-g", "-target", "bpf", "-mcpu=v3", *options, "-x", "c", "-c", "-o", "-", "-"]
    done = subprocess.run(command, input=(PRELUDE + source).encode(), capture_output=True, check=False)
    assert not done.returncode, done.stderr.decode()
    return done.stdout


def types_of(source: str) -> Btf:
    """The types of an object, for which its source has to use them."""
    elf = Elf(compiled(source))
    section = elf.find(".BTF")
    assert section is not None
    return Btf(elf.body(section))


def _obstacle() -> str:
    """What keeps this process from loading programs, found out without what is under test."""
    if not KERNEL_BTF.exists():
        return "the kernel has no BTF"
    status = Path("/proc/self/status").read_text()
    held = int(status.split("CapEff:")[1].split()[0], 16)
    if held & LOADING != LOADING:
        return "needs root, or CAP_BPF and CAP_PERFMON"
    try:
        os.close(calls.create_map(calls.MapType.ARRAY, 4, 4, 1, 0, "obstacle"))
    except BpfError as error:
        return f"bpf(2) is not allowed here: {error}"
    return ""


OBSTACLE = _obstacle()
needs_kernel = pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE)
