"""What is recorded of a container is in a replay as it was live, with what its runtime has told."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.runtimes import sockets
from falcocore_syscall.record_command import configure
from falcocore_syscall.record_command import run as record
from falcocore_syscall.state.machine import Machine
from tests.support.bpf_objects import needs_kernel
from tests.support.command_line import falcocore
from tests.support.container_runtimes import IMAGE, RunningContainer, can_layer
from tests.support.container_triggers import ADDRESS, LAYERED, ON_TERMINAL, PRIVILEGED, TRIGGERS, addresses
from tests.support.live_container import RUNTIMES, short_folder
from tests.support.live_recording import Row, expected_of, recorded, row_of
from tests.support.rewritten import replayed
from tests.support.runtime_daemons import environment
from tests.support.syscall_events import value_of

pytestmark = needs_kernel

FIELDS = (
    *("container.id", "container.full_id", "container.name", "container.type", "container.privileged"),
    *("container.image", "container.image.id", "container.image.repository", "container.image.tag"),
    *("container.image.digest", "container.ip", "container.mounts", "container.mount.source[/data]"),
    *("container.label[app]", "container.labels", "container.cni.json"),
    *("container.host_network", "container.host_pid", "container.host_ipc"),
    *("k8s.pod.name", "k8s.pod.uid", "k8s.ns.name", "k8s.pod.label[app]", "k8s.pod.sandbox_id", "k8s.pod.ip"),
)
ABOVE = {"proc.aname[2]", "proc.aname[3]", "proc.apid[2]"}
"""Live it is known from the next call of an orphan where it has gone; its children ask for that before."""
PARENT = {*ABOVE, "proc.ppid", "proc.pvpid", "proc.pname", "proc.pcmdline", "proc.pexepath"}
"""The kernel tells of a parent's end before the orphan has its next one; in between, both may be told."""
START_NS = 1_000_000
"""Clocks that are read twice may differ by so much."""
SCRIPT = "/bin/cp /bin/busybox /late; /bin/true; echo x > /made; read line < /made; exit 0"
BOTH = "import json, pty, subprocess, sys; piped, on_terminal = json.loads(sys.argv[1])\n"
BOTH += "subprocess.run(piped, check=True); sys.exit(pty.spawn(on_terminal))"
"""Runs one command, and another that has a terminal."""


class OfPrograms:
    """Takes the fields of live events while they are recorded: of the programs of one container.

    What the runtime does in it before it runs one is not among them: of a process that goes into a container
    captures tell only when it begins, and when it runs a program.
    """

    sid = -1

    def __init__(self, short_id: str) -> None:
        self.rows: list[Row] = []
        self._short_id = short_id

    def __call__(self, event: LiveEvent) -> bool:
        is_it = (
            event.thread is not None
            and event.thread.exepath == "/bin/busybox"
            and value_of(event, "container.id") == self._short_id
        )
        if is_it:
            self.rows.append(everything_of(event))
        return is_it


def everything_of(event: Any) -> Row:
    more = {field: value_of(event, field) for field in (*FIELDS, "container.start_ts")}
    return {**row_of(event), **more}


@pytest.fixture(scope="module", params=RUNTIMES)
def layered(request: pytest.FixtureRequest) -> Iterator[tuple[RunningContainer, bool]]:
    if os.geteuid():
        pytest.skip("only root can run containers")
    with short_folder() as folder:
        is_layered = can_layer(folder)
        with RUNTIMES[request.param](folder, is_layered) as made:
            yield made, is_layered


@pytest.fixture
def container(layered: tuple[RunningContainer, bool]) -> RunningContainer:
    return layered[0]


def test_replay_shows_what_the_live_events_had(container: RunningContainer) -> None:
    live = OfPrograms(container.short_id)
    data = recorded(live, [*container.inside, "/bin/sh", "-c", SCRIPT], [container.socket])
    assert {row["evt.type"] for row in live.rows} >= {"execve", "clone", "read", "write", "procexit"}
    assert {(row["container.name"], row["container.image"]) for row in live.rows} == {(container.name, IMAGE)}
    rows = [everything_of(event) for event in replayed(data, Machine())]
    differing = [
        (number, before["evt.type"], before["proc.name"], field, value, after[field])
        for number, (before, after) in enumerate(zip(live.rows, rows, strict=True))
        for field, value in expected_of(before).items()
        if after[field] != value and field not in unsettled(before["proc.name"])
    ]
    assert differing == []
    last = rows[-1]
    assert (last["evt.type"], last["proc.name"]) == ("procexit", "sh")
    assert last["proc.pname"] in ("runc", "conmon", "containerd-shim"), "not the first process of the machine"
    for before, after in zip(live.rows, rows, strict=True):
        assert abs(before["container.start_ts"] - after["container.start_ts"]) < START_NS


def unsettled(name: str) -> set[str]:
    """The fields in which an event of this program need not be the same."""
    return {*(PARENT if name == "sh" else ABOVE), "container.start_ts"}


def test_a_replay_raises_the_alerts(
    layered: tuple[RunningContainer, bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    container, is_layered = layered
    monkeypatch.setattr(sockets, "DEFAULT_SOCKETS", (container.socket,))
    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    monkeypatch.setenv("PATH", environment()["PATH"])
    capture, settings = tmp_path / "x.scap", tmp_path / "falco.yaml"
    settings.write_text(
        "{json_output: true, rule_matching: all, append_output: [{extra_output: 'name=%container.name'}]}"
    )
    rules = TRIGGERS.keys() - (set() if is_layered else LAYERED)
    rules -= set() if container.is_privileged else PRIVILEGED
    with socket.create_server((ADDRESS, 0), backlog=64) as server:
        script = "\n".join(TRIGGERS[rule] for rule in sorted(rules - ON_TERMINAL))
        script = script.format(address=ADDRESS, port=server.getsockname()[1]) + "\nexit 0"
        piped = (*container.inside, "/bin/sh", "-c", script)
        on_terminal = (*container.inside_on_terminal, "/bin/sh", "-c", "exit")
        command = (sys.executable, "-c", BOTH, json.dumps([piped, on_terminal]))
        parser = argparse.ArgumentParser()
        configure(parser)
        assert record(parser.parse_args(["-o", str(capture), "--", *command])) == 0
    capsys.readouterr()
    run = ("run", "-c", str(settings), "--source", f"syscall={capture}", "-r", "pack:syscall")
    assert falcocore(*run) == 0
    alerts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = (container.short_id, container.name, IMAGE.rpartition(":")[0])
    names = ("container.id", "container.name", "container.image.repository")
    shown = {alert["rule"] for alert in alerts if tuple(map(alert["output_fields"].get, names)) == expected}
    assert shown >= rules


@pytest.mark.skipif(shutil.which("sysdig") is None, reason="sysdig is not installed")
def test_sysdig_reads_it(container: RunningContainer, tmp_path: Path) -> None:
    groups = container.cgroups()
    if b"/libpod-" in groups and b".scope" not in groups:
        pytest.skip("sysdig 0.29.3 knows Podman's containers only by the control groups that systemd makes")
    capture = tmp_path / "x.scap"
    command = [*container.inside, "/bin/sh", "-c", SCRIPT]
    live = OfPrograms(container.short_id)
    capture.write_bytes(recorded(live, command, [container.socket], for_older=True))
    form = "*%proc.name %container.id %container.name %container.image"
    done = subprocess.run(
        ["sysdig", "-r", str(capture), "-p", form, "proc.name = cp"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert set(done.stdout.splitlines()) == {f"cp {container.short_id} {container.name} {IMAGE}"}
