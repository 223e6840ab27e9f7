"""What `falcocore doctor` says of this machine, and what a start says that fails."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from falcocore.api import Circumstances, Finding, SourceError
from falcocore_syscall.live import diagnosis
from falcocore_syscall.live.bpf.support import Host, other_processes
from falcocore_syscall.live.diagnosis import explained, findings
from falcocore_syscall.source import SyscallSource
from tests.support.bpf_objects import needs_kernel

BUFFER_BYTES = 1 << 20
CAN_CHOOSE_CAPABILITIES = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="root and setpriv are needed"
)
START = """
from falcocore_syscall.live.capture import Capture
from falcocore_syscall.live.observation import Observation
from falcocore_syscall.live.runtimes.lookup import Runtimes
from falcocore_syscall.live.tables import Tables
from falcocore_syscall.state.names import HostNames
Observation.start(Capture(1 << 20), Tables.everything(), Runtimes(()), HostNames()).close()
print("watched")
"""


def found(events: int | None = None, sockets: tuple[str, ...] = ()) -> dict[str, Finding]:
    return {it.name: it for it in findings(BUFFER_BYTES, sockets, Circumstances(events=events))}


@needs_kernel
def test_this_machine() -> None:
    told = found(events=12)
    assert [it for it in told.values() if not it.ok] == []
    assert told["own event"].detail.startswith("seen")
    assert told["buffer"].detail == "1 MiB"
    assert told["containers"].detail == "no runtime's socket is there: of containers only the id is known"
    assert told["events"].detail == "12 events have come to the process that runs"


@needs_kernel
def test_what_the_kernel_does_not_tell_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def tells_nothing(_capture: object) -> None:
        raise SourceError("nothing came", hint="look")

    monkeypatch.setattr(diagnosis, "await_own_record", tells_nothing)
    told = found()["own event"]
    assert (told.ok, told.detail, told.remedy) == (False, "nothing came", "look")


def test_a_runtime_that_does_not_answer(tmp_path: Path) -> None:
    """A warning: all else works."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        told = found(sockets=(f"docker:{path}",))["containers"]
    assert told.ok
    assert str(path) in told.detail
    assert told.remedy


def test_too_large_a_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "find_out", lambda: [Finding("x", ok=False)])
    told = {it.name: it for it in findings(1 << 50, (), Circumstances())}["buffer"]
    assert told.ok
    assert "buffer_mb" in told.remedy


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ("000001ffffffffff", ""),
        (f"{1 << 19 | 1 << 2:x}", ""),
        (f"{1 << 19 | 1 << 1:x}", ""),
        (f"{1 << 38 | 1 << 39:x}", "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"),
        (f"{1 << 19:x}", "CAP_DAC_READ_SEARCH"),
    ],
)
def test_other_processes(tmp_path: Path, held: str, missing: str) -> None:
    (tmp_path / "status").write_text(f"CapEff:\t{held}\n")
    told = other_processes(Host(status=tmp_path / "status"))
    assert told.ok
    assert bool(told.remedy) == bool(missing)
    assert not missing or f"without {missing}:" in told.detail


def test_a_start_that_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        Finding("privileges", ok=False, detail="none", remedy="get some"),
        Finding("kernel types", ok=True),
        Finding("ring buffer", ok=False, detail="too old", remedy="take a newer kernel"),
    ]
    monkeypatch.setattr(diagnosis, "find_out", lambda: steps)
    error = explained(SourceError("the kernel said no"))
    assert error.message.endswith("can't be watched: privileges: none; ring buffer: too old")
    assert error.hint == "take a newer kernel"
    monkeypatch.setattr(diagnosis, "find_out", lambda: steps[1:2])
    refused = SourceError("the kernel said no")
    assert explained(refused) is refused


@needs_kernel
@CAN_CHOOSE_CAPABILITIES
@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("-all", "privileges: without CAP_BPF and CAP_PERFMON;"),
        ("-all,+bpf", "privileges: without CAP_PERFMON;"),
        ("-all,+bpf,+perfmon", ""),
    ],
)
def test_capabilities(kept: str, said: str) -> None:
    command = ["setpriv", f"--bounding-set={kept}", "--inh-caps=-all", sys.executable, "-c", START]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if said:
        assert done.returncode == 1
        assert said in done.stderr
        assert "setcap cap_bpf,cap_perfmon+ep" in done.stderr
    else:
        assert (done.stdout, done.returncode) == ("watched\n", 0)


@pytest.mark.parametrize(("name", "ok"), [("there.scap", True), ("missing.scap", False)])
def test_a_capture(tmp_path: Path, name: str, ok: bool) -> None:
    (tmp_path / "there.scap").write_bytes(b"")
    (told,) = SyscallSource(str(tmp_path / name)).diagnose(Circumstances())
    assert (told.name, told.ok) == ("capture", ok)
