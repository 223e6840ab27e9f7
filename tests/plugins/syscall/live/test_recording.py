"""What is recorded of this machine shows in a replay the fields that the live events had."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.runtimes.lookup import Runtimes
from falcocore_syscall.state.containers import Containers
from falcocore_syscall.state.machine import Machine
from tests.support.bpf_objects import needs_kernel
from tests.support.live_actor import built
from tests.support.live_recording import Row, expected_of, recorded, row_of
from tests.support.rewritten import replayed
from tests.support.syscall_events import value_of

ACTIONS = Path(__file__).with_name("recorded_actions.py")


class Live:
    """Takes the fields of live events of one session while they are recorded."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.sid = -1

    def __call__(self, event: LiveEvent) -> bool:
        if event.thread is None or event.thread.sid != self.sid:
            return False
        self.rows.append(row_of(event))
        return True


def free_port(kind: int) -> int:
    """One below those that the kernel gives to clients: which side is the server is guessed by that."""
    for port in range(20_000, 30_000):
        with socket.socket(type=kind) as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@pytest.fixture(scope="module")
def actions(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], bytes]:
    """The fields of the live events of all actions, and their capture."""
    live = Live()
    folder = tmp_path_factory.mktemp("actions")
    ports = [str(free_port(kind)) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    data = recorded(live, [sys.executable, str(ACTIONS), str(folder), *ports])
    return live.rows, data


@needs_kernel
def test_replay_shows_what_the_live_events_had(actions: tuple[list[Row], bytes]) -> None:
    live, data = actions
    assert len(live) > 1000
    rows = [row_of(event) for event in replayed(data, Machine())]
    differing = [
        (number, one["evt.type"], field, value, row[field])
        for number, (one, row) in enumerate(zip(live, rows, strict=True))
        for field, value in expected_of(one).items()
        if row[field] != value
    ]
    assert differing == []


@needs_kernel
def test_what_happens_is_in_it(actions: tuple[list[Row], bytes]) -> None:
    """So that the comparison does not compare nothing."""
    rows = [row_of(event) for event in replayed(actions[1], Machine())]
    types = {row["evt.type"] for row in rows}
    assert types >= {"openat", "chdir", "fchdir", "rename", "dup2", "connect", "accept4", "sendto", "execve"}
    assert types >= {"clone", "procexit", "setuid", "symlink", "memfd_create", "unlink", "prctl"}
    linked = [row for row in rows if row["proc.cmdline"] == "cat second" and row["fd.filename"] == "second"]
    assert linked
    assert {(row["proc.pname"], row["proc.aname[2]"], row["proc.env[MARK]"]) for row in linked} == {
        ("sh", "python", "blue")
    }
    folder = Path(linked[0]["proc.cwd"])
    assert (folder.name, {row["fd.name"] for row in linked}) == ("real", {f"{folder}/second"})


@needs_kernel
@pytest.mark.parametrize("name", ["file", "link", "none"])
def test_what_is_opened_through_a_ring(tmp_path: Path, name: str) -> None:
    program = built("ring.c", tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    live = Live()
    command = f"{program} open {tmp_path}/{name}; [ $? = 77 ] || read line < /etc/hostname"
    rows = [row_of(event) for event in replayed(recorded(live, ["/bin/sh", "-c", command]), Machine())]
    differing = [
        (one["evt.type"], field, value, row[field])
        for one, row in zip(live.rows, rows, strict=True)
        if one["evt.type"] != "procexit"  # A thread that the kernel has made itself may end, too.
        for field, value in expected_of(one).items()
        if row[field] != value
    ]
    assert differing == []
    if all(row["fd.name"] != "/etc/hostname" for row in rows):
        pytest.skip("io_uring is turned off")
    paths = {row["fs.path.name"] for row in rows if row["proc.name"] == "ring"}
    assert f"{tmp_path}/{name}" in paths or f"{tmp_path}/file" in paths


@needs_kernel
def test_only_what_matches_is_shown() -> None:
    """The rest is there as far as the state needs it: the descriptor that is read was opened before."""
    live: list[Row] = []

    def matches(event: LiveEvent) -> bool:
        is_it = event.name == "read" and value_of(event, "fd.name") == "/etc/hostname"
        if is_it:
            live.append(row_of(event))
        return is_it

    matches.sid = -1  # type: ignore[attr-defined]
    data = recorded(matches, ["/bin/sh", "-c", "cd /; read line < etc/hostname"])
    assert live
    assert [row_of(event) for event in replayed(data, Machine())] == live


@needs_kernel
def test_what_a_runtime_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there for a replay, and no event that is shown."""
    texts = [b'{"container": {"id": "0123456789ab", "name": "told"}}']

    def deliver(_runtimes: Runtimes, _containers: Containers) -> list[bytes]:
        return [texts.pop()] if texts else []

    monkeypatch.setattr(Runtimes, "deliver", deliver)
    machine = Machine()
    events = list(replayed(recorded(Live(), ["/bin/true"]), machine))
    assert {event.name for event in events} >= {"execve", "procexit"}
    assert "container" not in {event.name for event in events}
    found = machine.containers.get("0123456789ab")
    assert found is not None
    assert found.data["name"] == "told"


@needs_kernel
@pytest.mark.skipif(shutil.which("sysdig") is None, reason="sysdig is not installed")
def test_sysdig_reads_it(tmp_path: Path) -> None:
    live, capture = Live(), tmp_path / "x.scap"
    script = f"cat /etc/hostname; mkdir {tmp_path}/made"
    capture.write_bytes(recorded(live, ["/bin/sh", "-c", f"cd {tmp_path}; {script}"], for_older=True))
    form = "%evt.type %proc.name %proc.pname %proc.cwd %evt.arg.name %evt.arg.path"
    command = ["sysdig", "-r", str(capture), "-p", f"*{form}", "proc.name in (cat, mkdir)"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert f"openat cat sh {tmp_path}/ /etc/hostname <NA>" in shown
    assert f"mkdir mkdir sh {tmp_path}/ <NA> {tmp_path}/made" in shown
