"""Small eBPF objects, compiled from C for a test; and what of it needs the kernel's leave."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

import pytest

from falcocore_syscall.live.bpf.btf import KERNEL_BTF, Btf
from falcocore_syscall.live.bpf.elf import Elf

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


def _may_load() -> bool:
    return os.geteuid() == 0 and KERNEL_BTF.exists()


needs_kernel = pytest.mark.skipif(not _may_load(), reason="needs root and a kernel with BTF")
