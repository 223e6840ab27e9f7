"""Debian's containerd with a pod, asked for through CRI as a kubelet does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from falcocore_syscall.live.runtimes.unary_calls import CallChannel
from falcocore_syscall.live.runtimes.wire import Given, Message, encode
from tests.support.container_runtimes import IMAGE, RunningContainer
from tests.support.runtime_daemons import SAFETY_S, daemon, needs, run, until
from tests.support.small_image import image_archive

_CONTAINER, _POD = "web", "web-1"
PAUSE = "registry.example:5000/pause:1"
_POD_NETWORK_OF_NODE = encode((1, 2), (3, 2))
"""NamespaceOption: network and IPC are the host's, so that no network has to be made."""


@contextmanager
def containerd(folder: Path, *, layered: bool = False) -> Iterator[tuple[RunningContainer, RunningContainer]]:
    """A privileged container of a pod, and the pod's sandbox; `layered` for overlayfs."""
    needs("containerd", "ctr", "runc", "busybox")
    path = folder / "containerd.sock"
    snapshotter = "overlayfs" if layered else "native"
    config = _CONTAINERD.format(folder=folder, path=path, pause=PAUSE, snapshotter=snapshotter)
    (folder / "config.toml").write_text(config)
    command = ("ctr", "-a", f"{path}", "-n", "k8s.io")
    with daemon(folder, path, "containerd", "-c", f"{folder}/config.toml"):
        for number, name in enumerate((PAUSE, IMAGE)):
            importing = (*command, "images", "import", "--snapshotter", snapshotter, "-")
            run(*importing, given=image_archive(name, number))
        with _pod(path, folder, command) as found:
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
    snapshotter = "{snapshotter}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{folder}/cni/bin"
    conf_dir = "{folder}/cni/net.d"
"""


@contextmanager
def _pod(
    path: Path, folder: Path, command: tuple[str, ...]
) -> Iterator[tuple[RunningContainer, RunningContainer]]:
    with CallChannel(str(path), time.monotonic() + SAFETY_S) as channel:

        def call(method: str, *fields: tuple[int, Given]) -> Message:
            return Message(channel.call(f"/runtime.v1.RuntimeService/{method}", encode(*fields)))

        until(lambda: call("Version"))
        sandbox = encode(
            (1, encode((1, _POD), (2, "u-1"), (3, "prod"))),
            (3, f"{folder}/logs"),
            (6, encode((1, "app"), (2, "shop"))),
            (8, encode((1, "/kubepods/podu-1"), (2, encode((1, _POD_NETWORK_OF_NODE), (6, 1))))),
        )
        container = encode(
            (1, encode((1, _CONTAINER))),
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
            statuses = {
                _CONTAINER: (container_id, call("ContainerStatus", (1, container_id), (2, 1))),
                _POD: (sandbox_id, call("PodSandboxStatus", (1, sandbox_id), (2, 1))),
            }
            container_of, sandbox_of = (
                _running(f"cri:{path}", name, whole_id, answer, command)
                for name, (whole_id, answer) in statuses.items()
            )
            yield container_of, sandbox_of
        finally:
            call("StopPodSandbox", (1, sandbox_id))
            call("RemovePodSandbox", (1, sandbox_id))


def _running(
    socket: str, name: str, full_id: str, status: Message, command: tuple[str, ...]
) -> RunningContainer:
    pid = json.loads(status.texts(2)["info"])["pid"]
    inside = (*command, "tasks", "exec", "--exec-id", "piped", full_id)
    on_terminal = (*command, "tasks", "exec", "--exec-id", "terminal", "--tty", full_id)
    return RunningContainer(socket, full_id, name, pid, True, inside, on_terminal)
