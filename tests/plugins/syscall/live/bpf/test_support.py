"""What is found out about a host, and what is said to do about it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falcocore.api import Finding
from falcocore_syscall.live.bpf import calls
from falcocore_syscall.live.bpf.btf import Btf, Kind
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.support import TRACEPOINT_TYPE, Host, find_out
from tests.support.bpf_objects import needs_kernel

STEPS = ["architecture", "privileges", "kernel types", "locked memory", "bpf call", "ring buffer"]
EVERY_CAPABILITY = "000001ffffffffff"


def host(
    tmp_path: Path, *, capabilities: str = EVERY_CAPABILITY, seccomp: int = 0, lockdown: str = ""
) -> Host:
    """A host as its files tell, without types."""
    (tmp_path / "status").write_text(f"Name:\tpython\nCapEff:\t{capabilities}\nSeccomp:\t{seccomp}\n")
    (tmp_path / "lockdown").write_text(lockdown)
    return Host(
        "x86_64", "5.4.0", "/usr/bin/python3", tmp_path / "status", tmp_path / "none", tmp_path / "lockdown"
    )


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def refusing(monkeypatch: pytest.MonkeyPatch, code: int, only: calls.MapType | None = None) -> None:
    """A kernel that refuses to make maps, or those of one type, and makes others of nothing."""

    def create(kind: int, *_: Any) -> int:
        if only is None or kind == only:
            raise BpfError("creating map probe", errno=code)
        return os.open("/dev/null", os.O_RDONLY)

    monkeypatch.setattr(calls, "create_map", create)


@needs_kernel
def test_this_host() -> None:
    findings = find_out()
    last = ["program", "tracepoint", "direct reads", "ends of functions"]
    assert [finding.name for finding in findings] == [*STEPS, *last]
    assert [finding for finding in findings if not finding.ok] == []


@needs_kernel
@pytest.mark.parametrize(("refuses", "told"), [(True, "can't be followed, and of opens"), (False, "can be")])
def test_the_ends_of_functions(monkeypatch: pytest.MonkeyPatch, refuses: bool, told: str) -> None:
    load = calls.load_alone

    def load_alone(code: bytes, name: str, started_by: int, attachment: int = 23) -> int:
        if attachment == calls.Attachment.END:
            if refuses:
                raise BpfError("loading program probe", errno=errno.EPERM)
            (started_by,) = Btf.of_kernel().find(TRACEPOINT_TYPE, Kind.TYPEDEF)
        return load(code, name, started_by)

    monkeypatch.setattr(calls, "load_alone", load_alone)
    found = by_name(find_out())["ends of functions"]
    assert found.ok
    assert found.detail.startswith(told)


@needs_kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up chosen capabilities")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
@pytest.mark.parametrize(
    ("kept", "failed"),
    [
        ("-all", ["privileges", "bpf call"]),
        ("-all,+bpf", ["privileges", "program"]),
        ("-all,+bpf,+perfmon", []),
        ("-all,+sys_admin", []),
    ],
)
def test_capabilities(kept: str, failed: list[str]) -> None:
    code = (
        "from falcocore_syscall.live.bpf.support import find_out\n"
        "for one in find_out():\n    if not one.ok: print(one.name, one.remedy, sep='|')"
    )
    command = ["setpriv", f"--bounding-set={kept}", "--inh-caps=-all", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.split("|") for line in done.stdout.splitlines()]
    assert [name for name, _ in lines] == failed
    assert all("setcap cap_bpf,cap_perfmon+ep" in remedy for _, remedy in lines)


@pytest.mark.parametrize(
    ("capabilities", "ok", "detail"),
    [
        (EVERY_CAPABILITY, True, "CAP_SYS_ADMIN"),
        ("000000c000000000", True, "CAP_BPF and CAP_PERFMON"),
        ("0000000000200000", True, "CAP_SYS_ADMIN"),
        ("0000008000000000", False, "without CAP_PERFMON"),
        ("0000000000000000", False, "without CAP_BPF and CAP_PERFMON"),
    ],
)
def test_privileges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capabilities: str, ok: bool, detail: str
) -> None:
    refusing(monkeypatch, errno.EPERM)
    found = by_name(find_out(host(tmp_path, capabilities=capabilities)))["privileges"]
    assert (found.ok, found.detail) == (ok, detail)
    assert ("AmbientCapabilities=CAP_BPF CAP_PERFMON" in found.remedy) is not ok
    assert ("+ep /usr/bin/python3" in found.remedy) is not ok


@pytest.mark.parametrize(
    ("code", "options", "remedy"),
    [
        (errno.ENOSYS, {}, "CONFIG_BPF_SYSCALL=y"),
        (errno.ENOMEM, {}, "not enough memory"),
        (errno.EPERM, {"capabilities": "0"}, "setcap"),
        (errno.EPERM, {"lockdown": "none integrity [confidentiality]"}, "lockdown=confidentiality"),
        (errno.EPERM, {"lockdown": "none [integrity] confidentiality", "seccomp": 2}, "seccomp filter"),
        (errno.EPERM, {}, "user namespace"),
        (errno.EINVAL, {}, "CONFIG_BPF_JIT=y"),
    ],
)
def test_a_call_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, options: dict[str, Any], remedy: str
) -> None:
    refusing(monkeypatch, code)
    findings = find_out(host(tmp_path, **options))
    assert [finding.name for finding in findings] == STEPS[:5]
    assert not findings[-1].ok
    assert remedy in findings[-1].remedy


def test_a_kernel_without_ring_buffers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, errno.EINVAL, calls.MapType.RINGBUF)
    findings = find_out(host(tmp_path))
    assert [finding.name for finding in findings] == STEPS
    assert findings[4].ok
    assert findings[5].remedy == "Linux 5.8 or newer is needed for ring buffers; this is 5.4.0."


@pytest.mark.parametrize(
    ("raised", "release", "ok"),
    [
        (True, "5.10.0-28-amd64", True),
        (False, "5.10.0-28-amd64", False),
        (False, "5.11.0", True),
        (False, "6.1.0-18", True),
        (False, "of our own", False),
    ],
)
def test_locked_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: bool, release: str, ok: bool
) -> None:
    refusing(monkeypatch, errno.EPERM)
    monkeypatch.setattr(calls, "raise_memory_limit", lambda: raised)
    found = by_name(find_out(replace(host(tmp_path), release=release)))["locked memory"]
    assert found.ok is ok
    assert ("LimitMEMLOCK=infinity" in found.remedy) is not ok


def test_a_kernel_without_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, errno.EPERM)
    found = by_name(find_out(host(tmp_path)))["kernel types"]
    assert not found.ok
    assert "CONFIG_DEBUG_INFO_BTF=y" in found.remedy


def test_another_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, errno.EPERM)
    findings = by_name(find_out(Host(machine="s390x")))
    assert "bpf call" not in findings
    assert findings["architecture"].remedy == "Live capture works on x86_64 and aarch64."
