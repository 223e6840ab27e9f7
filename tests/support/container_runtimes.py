"""Debian's Podman, Docker and containerd, each with its files in a folder of its own and a container."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from falcocore_syscall.live.runtimes.unary_calls import CallChannel, RefusedError
from falcocore_syscall.live.runtimes.wire import Given, Message, encode
from tests.support.small_image import image_archive, root_archive

SAFETY_S = 60.0
IMAGE = "registry.example:5000/team/box:1.0"
PAUSE = "registry.example:5000/pause:1"
_SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_POD_NETWORK_OF_NODE = encode((1, 2), (3, 2))
"""NamespaceOption: network and IPC are the host's, so that no network has to be made."""


@dataclass(frozen=True)
class RunningContainer:
    """A container that sleeps, and where its runtime can be asked about it."""

    socket: str
    """As falcocore is told of it."""
    full_id: str
    pid: int

    def cgroups(self) -> bytes:
        """The control groups of its first process, as captures have them."""
        lines = Path(f"/proc/{self.pid}/cgroup").read_text().splitlines()
        entries = (line.split(":", 2) for line in lines)
        return b"".join(f"{subsystem}={path}\0".encode() for _, subsystem, path in entries)


def needs(*programs: str) -> None:
    """Skip the test where a program is missing, or where nobody may run containers."""
    if os.geteuid():
        pytest.skip("only root can run containers")
    missing = [program for program in programs if shutil.which(program, path=_SEARCH) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@contextmanager
def podman(folder: Path) -> Iterator[RunningContainer]:
    """Podman's service, and a privileged container."""
    needs("podman", "runc", "conmon", "busybox")
    path = folder / "podman.sock"
    command = [
        "podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--tmpdir", f"{folder}/tmp",
        "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none",
        "--runtime", "runc",
    ]  # fmt: skip
    (folder / "root.tar").write_bytes(root_archive())
    _run(*command, "import", f"{folder}/root.tar", IMAGE)
    with _daemon(folder, path, *command, "system", "service", "--time", "0", f"unix://{path}"):
        # Without limits of its own a container gets higher ones than this process may have given away.
        limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
        run = (*command, "run", "-d", *limits, "--privileged", *_OPTIONS, IMAGE, "/bin/sleep", "600")
        full_id = _run(*run).decode().strip()
        try:
            shown = _run(*command, "inspect", "--format", "{{.State.Pid}} {{.State.ConmonPid}}", full_id)
            pid, monitor_pid = map(int, shown.split())
            monitor = os.pidfd_open(monitor_pid)
            yield RunningContainer(f"docker:{path}", full_id, pid)
        finally:
            _remove(*command, "rm", "-f", "-t", "0", full_id)
        # It runs a last command of Podman, which writes to the folder.
        select.select([monitor], [], [], SAFETY_S)
        os.close(monitor)


_OPTIONS = ("--network", "host", "--name", "shop-web", "--label", "app=shop", "-v", "/etc:/data:ro")


@contextmanager
def docker(folder: Path) -> Iterator[RunningContainer]:
    """Docker's daemon, and a container that is not privileged."""
    needs("dockerd", "docker", "containerd", "runc", "busybox")
    path = folder / "docker.sock"
    daemon = (
        "dockerd", "-H", f"unix://{path}", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec",
        "--pidfile", f"{folder}/pid", "--storage-driver", "vfs", "--bridge", "none", "--iptables=false",
        "--ip6tables=false", "--ip-forward=false", "--config-file", f"{folder}/daemon.json",
    )  # fmt: skip
    (folder / "daemon.json").write_text("{}")
    command = ("docker", "-H", f"unix://{path}")
    with _daemon(folder, path, *daemon):
        _run(*command, "import", "-", IMAGE, given=root_archive())
        full_id = _run(*command, "run", "-d", *_OPTIONS, IMAGE, "/bin/sleep", "600").decode().strip()
        try:
            pid = int(_run(*command, "inspect", "--format", "{{.State.Pid}}", full_id))
            yield RunningContainer(f"docker:{path}", full_id, pid)
        finally:
            _remove(*command, "rm", "-f", full_id)
            _remove("umount", f"{folder}/exec/netns/default")


@contextmanager
def containerd(folder: Path) -> Iterator[tuple[RunningContainer, RunningContainer]]:
    """containerd with CRI: a privileged container of a pod, and the pod's sandbox."""
    needs("containerd", "ctr", "runc", "busybox")
    path = folder / "containerd.sock"
    (folder / "config.toml").write_text(_CONTAINERD.format(folder=folder, path=path, pause=PAUSE))
    with _daemon(folder, path, "containerd", "-c", f"{folder}/config.toml"):
        for number, name in enumerate((PAUSE, IMAGE)):
            importing = (
                "ctr",
                "-a",
                f"{path}",
                "-n",
                "k8s.io",
                "images",
                "import",
                "--snapshotter",
                "native",
                "-",
            )
            _run(*importing, given=image_archive(name, number))
        with _pod(path, folder) as found:
            yield found


_CONTAINERD = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{path}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{folder}/cni/bin"
    conf_dir = "{folder}/cni/net.d"
"""


@contextmanager
def _pod(path: Path, folder: Path) -> Iterator[tuple[RunningContainer, RunningContainer]]:
    with CallChannel(str(path), time.monotonic() + SAFETY_S) as channel:

        def call(method: str, *fields: tuple[int, Given]) -> Message:
            return Message(channel.call(f"/runtime.v1.RuntimeService/{method}", encode(*fields)))

        _until(lambda: call("Version"))
        sandbox = encode(
            (1, encode((1, "web-1"), (2, "u-1"), (3, "prod"))),
            (3, f"{folder}/logs"),
            (6, encode((1, "app"), (2, "shop"))),
            (8, encode((1, "/kubepods/podu-1"), (2, encode((1, _POD_NETWORK_OF_NODE), (6, 1))))),
        )
        container = encode(
            (1, encode((1, "web"))),
            (2, encode((1, IMAGE))),
            (3, "/bin/sleep"),
            (4, "600"),
            (7, encode((1, "/data"), (2, "/etc"), (3, 1))),
            (9, encode((1, "tier"), (2, "front"))),
            (11, "web.log"),
            (15, encode((2, encode((2, 1), (3, _POD_NETWORK_OF_NODE))))),
        )
        sandbox_id = call("RunPodSandbox", (1, sandbox)).text(1)
        try:
            container_id = call("CreateContainer", (1, sandbox_id), (2, container), (3, sandbox)).text(1)
            call("StartContainer", (1, container_id))
            yield tuple(  # type: ignore[misc]
                RunningContainer(f"cri:{path}", whole_id, json.loads(answer.texts(2)["info"])["pid"])
                for whole_id, answer in (
                    (container_id, call("ContainerStatus", (1, container_id), (2, 1))),
                    (sandbox_id, call("PodSandboxStatus", (1, sandbox_id), (2, 1))),
                )
            )
        finally:
            call("StopPodSandbox", (1, sandbox_id))
            call("RemovePodSandbox", (1, sandbox_id))


@contextmanager
def _daemon(folder: Path, path: Path, *command: str) -> Iterator[None]:
    """Run a server until the end; its socket is there when the body runs."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, env=_environment()
        )
    try:
        _until(lambda: _connect(path))
        yield
    finally:
        process.terminate()
        process.wait(SAFETY_S)


def _connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as tried:
        tried.connect(str(path))


def _until(works: Callable[[], object]) -> None:
    """Try until it works; what starts says nothing that could be waited for."""
    end_s = time.monotonic() + SAFETY_S
    while time.monotonic() < end_s:
        with suppress(OSError, RefusedError):
            works()
            return
        time.sleep(0.05)
    works()


def _run(*command: str, given: bytes = b"") -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, timeout=SAFETY_S, env=_environment())
    if done.returncode:
        pytest.skip(
            f"{command[0]} can't run a container here: {done.stderr.decode(errors='replace').strip()}"
        )
    return done.stdout


def _remove(*command: str) -> None:
    subprocess.run(command, capture_output=True, timeout=SAFETY_S, env=_environment(), check=False)


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _SEARCH}
