"""Containers that run: from the control groups of their processes to the fields of rules."""

from __future__ import annotations

from pathlib import Path

from falcocore.api import Value
from falcocore_syscall.live.runtimes.lookup import Runtimes
from falcocore_syscall.state.containers import container_id
from tests.support.container_runtimes import IMAGE, REPOSITORY, TAG, RunningContainer, docker, podman
from tests.support.containerd_pod import containerd
from tests.support.syscall_events import Box, value_of

SAFETY_S = 10.0


def _fields(container: RunningContainer, expected: dict[str, Value]) -> dict[str, Value]:
    """What fields say of an event in the container, once its runtime was asked."""
    cgroups = container.cgroups()
    short_id = container_id(cgroups)
    assert short_id == container.full_id[:12]
    box = Box()
    box.starts(1, 0, "sleep", cgroups=cgroups)
    runtimes = Runtimes([container.socket], host_root="", patience_s=SAFETY_S)
    runtimes.ask(short_id, cgroups)
    assert runtimes.wait(SAFETY_S)
    runtimes.deliver(box.machine.containers)
    runtimes.stop()
    event = box.happens("getuid", 1, uid=0)
    return {name: value_of(event, name) for name in expected}


COMMON: dict[str, Value] = {
    "container.image": IMAGE,
    "container.image.repository": REPOSITORY,
    "container.image.tag": TAG,
    "container.host_network": True,
    "container.host_pid": False,
    "container.mount.source[/data]": "/etc",
    "container.mount.rdwr[/etc]": "false",
}


def test_podman(socket_folder: Path) -> None:
    with podman(socket_folder) as container:
        expected = COMMON | {
            "container.type": "podman",
            "container.full_id": container.full_id,
            "container.name": "shop-web",
            "container.privileged": True,
            "container.label[app]": "shop",
            "container.mount.propagation[/etc]": "rprivate",
            "k8s.pod.name": None,
        }
        found = _fields(container, {**expected, "container.image.digest": None})
    assert str(found.pop("container.image.digest")).startswith("sha256:")
    assert found == expected


def test_docker(socket_folder: Path) -> None:
    with docker(socket_folder) as container:
        expected = COMMON | {
            "container.type": "docker",
            "container.full_id": container.full_id,
            "container.name": "shop-web",
            "container.privileged": False,
            "container.label[app]": "shop",
            "container.mount.mode[/etc]": "ro",
            "k8s.pod.name": None,
        }
        assert _fields(container, expected) == expected


def test_containerd_in_a_pod(socket_folder: Path) -> None:
    with containerd(socket_folder) as (container, sandbox):
        of_pod: dict[str, Value] = {
            "container.type": "containerd",
            "container.privileged": True,
            "container.host_ipc": True,
            "k8s.pod.name": "web-1",
            "k8s.ns.name": "prod",
            "k8s.pod.uid": "u-1",
            "k8s.pod.label[app]": "shop",
            "k8s.pod.full_sandbox_id": sandbox.full_id,
        }
        expected = COMMON | of_pod
        expected |= {"container.full_id": container.full_id, "container.name": "web"}
        expected |= {"container.label[tier]": "front", "container.mount.propagation[/etc]": "private"}
        assert _fields(container, expected) == expected
        expected = of_pod | {"container.full_id": sandbox.full_id, "container.name": "web-1"}
        assert _fields(sandbox, expected) == expected
