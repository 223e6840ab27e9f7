"""Whether live capture can work here, found out one step at a time, and what to do where it can't.

A step is only taken when those that it rests on have succeeded, so that the last finding which is not `ok`
names what is really missing.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from falcocore.api import Finding
from falcocore_syscall.live.bpf import calls
from falcocore_syscall.live.bpf.btf import KERNEL_BTF, Btf, Kind
from falcocore_syscall.live.bpf.calls import MapType
from falcocore_syscall.live.bpf.errors import BpfError

TRACEPOINT_TYPE = "btf_trace_sys_exit"
DIRECT_READ_FUNCTION = "bpf_rdonly_cast"
_FUNCTION_WITH_END = "vfs_open"
_DAC_OVERRIDE, _DAC_READ_SEARCH, _SYS_PTRACE, _SYS_ADMIN, _PERFMON, _BPF = 1, 2, 19, 21, 38, 39
_RING_BYTES = 1 << 16
_UNCOUNTED_SINCE = (5, 11)
_PROBE_PROGRAM = bytes.fromhex(
    "bfa1000000000000"  # r1 = r10
    "07010000f8ffffff"  # r1 += -8
    "b702000008000000"  # r2 = 8
    "b703000000000000"  # r3 = 0
    "8500000071000000"  # call bpf_probe_read_kernel, which a kernel in lockdown refuses
    "b700000000000000"  # r0 = 0
    "9500000000000000"  # exit
)


@dataclass(frozen=True, slots=True)
class Host:
    """Where the steps look."""

    machine: str = field(default_factory=platform.machine)
    release: str = field(default_factory=platform.release)
    executable: str = field(default_factory=lambda: os.path.realpath(sys.executable))
    status: Path = Path("/proc/self/status")
    types: Path = KERNEL_BTF
    lockdown: Path = Path("/sys/kernel/security/lockdown")


def find_out(host: Host | None = None) -> list[Finding]:
    """Take all steps that can be taken. Programs and maps made for it are gone when it returns."""
    return list(_steps(host or Host()))


def _steps(host: Host) -> Iterator[Finding]:
    yield (architecture := _architecture(host))
    yield _privileges(host)
    kernel: Btf | None = None
    try:
        kernel = Btf.of_kernel(host.types)
        yield Finding("kernel types", ok=True, detail=f"{host.types}: {len(kernel)} types")
    except BpfError as error:
        yield Finding("kernel types", ok=False, detail=error.message, remedy=_TYPES_REMEDY)
    if not architecture.ok:
        return
    yield _locked_memory(host)
    create = partial(calls.create_map, MapType.ARRAY, 4, 8, 1, 0, "probe")
    yield (call := _try("bpf call", create, partial(_refused, host)))
    if not call.ok:
        return
    create = partial(calls.create_map, MapType.RINGBUF, 0, 0, _RING_BYTES, 0, "probe")
    yield (ring := _try("ring buffer", create, partial(_without_ring, host)))
    if ring.ok and kernel is not None:
        yield from _programs(host, kernel)


def _programs(host: Host, kernel: Btf) -> Iterator[Finding]:
    types = kernel.find(TRACEPOINT_TYPE, Kind.TYPEDEF)
    if not types:
        detail = f"the kernel has no tracepoint for system calls ({TRACEPOINT_TYPE})"
        yield Finding("program", ok=False, detail=detail, remedy=_TRACEPOINTS_REMEDY)
        return
    load = partial(calls.load_alone, _PROBE_PROGRAM, "probe", types[0])
    yield (loaded := _try("program", load, partial(_refused, host)))
    if not loaded.ok:
        return
    with _closing(load()) as program:
        attach = partial(calls.open_raw_tracepoint, program, "probe")
        yield _try("tracepoint", attach, lambda _: _TRACEPOINTS_REMEDY)
    if kernel.find_function(DIRECT_READ_FUNCTION) is None:
        yield Finding(
            "direct reads", ok=True, detail="not before Linux 6.2: each opened file costs somewhat more"
        )
    else:
        yield Finding("direct reads", ok=True, detail=f"the kernel has {DIRECT_READ_FUNCTION}")
    yield _ends_of_functions(kernel)


def _ends_of_functions(kernel: Btf) -> Finding:
    """Whether programs may follow them, without which capture works, but is not always sure."""
    without = "of opens through io_uring the path that was asked for is told, too"
    function = kernel.find_function(_FUNCTION_WITH_END)
    try:
        if function is None:
            raise BpfError(f"the kernel's types lack {_FUNCTION_WITH_END}")
        with (
            _closing(calls.load_alone(_PROBE_PROGRAM, "probe", function, calls.Attachment.END)) as program,
            _closing(calls.open_raw_tracepoint(program, "probe")),
        ):
            return Finding("ends of functions", ok=True, detail="can be followed")
    except BpfError as error:
        detail = f"can't be followed, and {without} ({error.message})"
        return Finding("ends of functions", ok=True, detail=detail)


@contextmanager
def _closing(fd: int) -> Iterator[int]:
    try:
        yield fd
    finally:
        os.close(fd)


def _try(name: str, make: Callable[[], int], remedy: Callable[[BpfError], str]) -> Finding:
    """Have the kernel make something, and let go of it."""
    try:
        with _closing(make()):
            return Finding(name, ok=True, detail="works")
    except BpfError as error:
        return Finding(name, ok=False, detail=error.message, remedy=remedy(error))


def _architecture(host: Host) -> Finding:
    known = host.machine in calls.CALL_NUMBERS
    remedy = "" if known else f"Live capture works on {' and '.join(calls.CALL_NUMBERS)}."
    return Finding("architecture", ok=known, detail=host.machine, remedy=remedy)


def _status(host: Host) -> dict[str, str]:
    with suppress(OSError):
        lines = host.status.read_text(encoding="utf-8", errors="replace").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {}


def _holds(host: Host, *capabilities: int) -> bool:
    """Whether this process has one of these capabilities."""
    held = int(_status(host).get("CapEff", "0"), 16)
    return any(held >> one & 1 for one in capabilities)


def _privileges(host: Host) -> Finding:
    if _holds(host, _SYS_ADMIN):
        return Finding("privileges", ok=True, detail="CAP_SYS_ADMIN")
    missing = [name for name, bit in (("CAP_BPF", _BPF), ("CAP_PERFMON", _PERFMON)) if not _holds(host, bit)]
    if not missing:
        return Finding("privileges", ok=True, detail="CAP_BPF and CAP_PERFMON")
    detail = f"without {' and '.join(missing)}"
    return Finding("privileges", ok=False, detail=detail, remedy=_privileges_remedy(host))


def _privileges_remedy(host: Host) -> str:
    return (
        f"Run as root; or `setcap cap_bpf,cap_perfmon+ep {host.executable}`; or in a systemd unit "
        "`AmbientCapabilities=CAP_BPF CAP_PERFMON`; or in a container `--cap-add BPF --cap-add PERFMON`."
    )


def other_processes(host: Host | None = None) -> Finding:
    """Whether /proc tells all of the processes of other users: capture works without it, but knows less."""
    needed = {"CAP_SYS_PTRACE": (_SYS_PTRACE,), "CAP_DAC_READ_SEARCH": (_DAC_READ_SEARCH, _DAC_OVERRIDE)}
    where = host or Host()
    missing = [name for name, bits in needed.items() if not _holds(where, *bits)]
    if not missing:
        return Finding("other processes", ok=True, detail="/proc tells everything")
    detail = (
        f"without {' and '.join(missing)}: of other users' processes that ran before, the program's path, "
        "working directory and environment are unknown, and names of users inside containers"
    )
    names = " ".join(missing)
    remedy = f"Give it {' and '.join(missing)}, too: `AmbientCapabilities=CAP_BPF CAP_PERFMON {names}`."
    return Finding("other processes", ok=True, detail=detail, remedy=remedy)


def _locked_memory(host: Host) -> Finding:
    """Older kernels count maps as locked memory, of which a process may have little."""
    if calls.raise_memory_limit():
        return Finding("locked memory", ok=True, detail="unlimited")
    numbers = re.match(r"(\d+)\.(\d+)", host.release)
    if numbers and (int(numbers[1]), int(numbers[2])) >= _UNCOUNTED_SINCE:
        return Finding("locked memory", ok=True, detail="limited, but this kernel does not count maps")
    remedy = "`ulimit -l unlimited` beforehand, LimitMEMLOCK=infinity in a systemd unit, or CAP_SYS_RESOURCE."
    return Finding(
        "locked memory", ok=False, detail="limited, and Linux before 5.11 counts maps", remedy=remedy
    )


def _refused(host: Host, error: BpfError) -> str:
    """Why the kernel may have refused, from what can be seen of it."""
    if error.errno == errno.ENOSYS:
        return "The kernel has to be built with CONFIG_BPF_SYSCALL=y, or a seccomp filter hides bpf(2)."
    if error.errno == errno.ENOMEM:
        return "The kernel has not enough memory for it."
    if not _privileges(host).ok:
        return _privileges_remedy(host)
    with suppress(OSError):
        if "[confidentiality]" in host.lockdown.read_text(encoding="utf-8"):
            return "The kernel is in lockdown: it has to be booted without lockdown=confidentiality."
    if _status(host).get("Seccomp", "0") != "0":
        return (
            "A seccomp filter applies to this process: let it allow bpf(2), as the container runtime sets it."
        )
    if error.errno == errno.EPERM:
        return "Capabilities count in the first user namespace alone: run outside of rootless containers."
    return (
        "The kernel has to be built with CONFIG_BPF_JIT=y, CONFIG_BPF_EVENTS=y and CONFIG_DEBUG_INFO_BTF=y."
    )


def _without_ring(host: Host, error: BpfError) -> str:
    if error.errno == errno.EINVAL:
        return f"Linux 5.8 or newer is needed for ring buffers; this is {host.release}."
    return _refused(host, error)


_TYPES_REMEDY = (
    "The kernel has to be built with CONFIG_DEBUG_INFO_BTF=y, as the distributions' kernels since 2021 are, "
    "and /sys has to be mounted."
)
_TRACEPOINTS_REMEDY = (
    "The kernel has to be built with CONFIG_BPF_EVENTS=y, CONFIG_FTRACE_SYSCALLS=y and "
    "CONFIG_HAVE_SYSCALL_TRACEPOINTS=y."
)
