"""Whose a process is by its control groups, and what is known of containers."""

from __future__ import annotations

import json
import logging
import struct

import pytest

from falcocore_syscall.state.containers import cgroup_paths, container_id
from tests.support.syscall_events import Box, shown, value_of

HEX = "3ad7b26ded6d" + "0" * 52
SHORT = HEX[:12]
OTHER = "f" * 64
CONTAINER, ASYNC, USER_ADDED, USER_DELETED, GROUP_ADDED, GROUP_DELETED = 324, 402, 354, 356, 358, 360

DATA = {
    "id": SHORT,
    "full_id": HEX,
    "name": "web",
    "type": 0,
    "image": "nginx:1",
    "imageid": "i1",
    "imagerepo": "nginx",
    "imagetag": "1",
    "imagedigest": "sha256:d",
    "privileged": True,
    "ip": "172.17.0.2",
    "labels": {
        "app": "shop",
        "io.kubernetes.pod.name": "web-1",
        "io.kubernetes.pod.namespace": "prod",
        "io.kubernetes.pod.uid": "u-1",
    },
    "Mounts": [
        {"Source": "/data", "Destination": "/var/lib", "Mode": "rw", "RW": True, "Propagation": "rprivate"},
        {"Source": "/etc", "Destination": "/host/etc", "Mode": "", "RW": False, "Propagation": ""},
    ],
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/docker/{HEX}", SHORT),
        (f"/system.slice/docker-{HEX}.scope", SHORT),
        (f"/machine.slice/libpod-{HEX}.scope", SHORT),
        (f"/machine.slice/libpod-{HEX}.scope/container", SHORT),
        (f"/machine.slice/libpod-payload-{HEX}", SHORT),
        (f"/libpod_parent/libpod-{HEX}", SHORT),
        (f"/kubepods/burstable/pod1-2/{HEX}", SHORT),
        (f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{HEX}.scope", SHORT),
        (f"/kubepods.slice/crio-{HEX}.scope", SHORT),
        (f"/kubepods/pod1/crio-{HEX}", SHORT),
        (f"/system.slice/containerd.service/kubepods-pod1:cri-containerd:{HEX}", SHORT),
        (f"/x/nerdctl-{HEX}.scope", SHORT),
        ("/default/my-container", "my-container"),
        ("/default/my-container-with-a-long-name", "my-container"),
        ("/lxc/web/x", "web"),
        ("/lxc.payload.web/init.scope", "web"),
        ("/machine/x/web.libvirt-lxc", "web"),
        (r"/machine.slice/machine-lxc\x2d7-web.scope", "7-web"),
        ("/x/bpm-job-7.scope", "job-7"),
        ("/", ""),
        ("/user.slice/user-1000.slice/session-1.scope", ""),
        ("/system.slice/ssh.service", ""),
        ("/init.scope", ""),
        (f"/docker/{HEX[:40]}/a/b", ""),
        # Control groups inside containers: a systemd in one, Docker in Docker, kind; and what is none.
        (f"/docker/{HEX}/init.scope", SHORT),
        (f"/system.slice/docker-{HEX}.scope/system.slice/ssh.service", SHORT),
        (f"/machine.slice/libpod-{HEX}.scope/init.scope", SHORT),
        (f"/docker/{OTHER}/docker/{HEX}", SHORT),
        (f"/docker/{OTHER}/docker/{HEX}/a", SHORT),
        (f"/docker/{OTHER}/kubelet.slice/pod1.slice/cri-containerd-{HEX}.scope", SHORT),
        (f"/machine.slice/libpod-conmon-{HEX}.scope/x", ""),
    ],
)
def test_container_id(path: str, expected: str) -> None:
    assert container_id(f"cpu=/\0memory={path}\0".encode()) == expected


def test_subsystems_have_the_names_of_today() -> None:
    found = cgroup_paths(b"cpuset_cgroup=/a\0perf=/b\0mem=/c\0io=/d\0broken\0")
    assert found == (("cpuset", "/a"), ("perf_event", "/b"), ("memory", "/c"), ("blkio", "/d"))


@pytest.fixture
def box() -> Box:
    """A process in a container, and one on the host."""
    box = Box()
    box.starts(1, 0, "nginx", cgroups=f"memory=/docker/{HEX}\0".encode())
    box.starts(2, 0, "sshd", cgroups=b"memory=/\0")
    return box


def test_on_the_host_fields_say_so(box: Box) -> None:
    event = box.happens("getuid", 2, uid=0)
    expected = {
        "container.id": "host", "container.name": "host", "container.type": "host", "container.image": "",
        "container.image.repository": "", "container.privileged": False, "container.full_id": "host",
        "k8s.pod.name": None, "container.start_ts": None,
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected


def test_of_an_unknown_container_only_the_id_is_known(box: Box) -> None:
    event = box.happens("getuid", 1, uid=0)
    expected = dict.fromkeys(("container.name", "container.privileged", "k8s.ns.name"))
    assert value_of(event, "container.id") == SHORT
    assert {name: value_of(event, name) for name in expected} == expected
    assert box.machine.containers.missed == 3


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "docker"), (1, "lxc"), (2, "libvirt-lxc"), (5, "custom"), (6, "cri"), (7, "containerd"),
        (8, "cri-o"), (9, "bpm"), (10, "static"), (11, "podman"), (12, None), (None, None),
    ],
)  # fmt: skip
def test_the_type_by_its_number(box: Box, number: int | None, expected: str | None) -> None:
    box.happens(CONTAINER, -1, json=json.dumps({"container": {**DATA, "type": number}}).encode() + b"\0")
    assert value_of(box.happens("getuid", 1, uid=0), "container.type") == expected


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("kind", [CONTAINER, ASYNC])
def test_what_a_runtime_has_told(box: Box, kind: int, wrapped: bool) -> None:
    text = json.dumps({"container": DATA} if wrapped else DATA).encode() + b"\0"
    arguments = {"json": text} if kind == CONTAINER else {"plugin_id": 1, "name": "container", "data": text}
    told = box.happens(kind, -1, **arguments)
    assert [value_of(told, f) for f in ("evt.is_async", "evt.asynctype")] == [True, "container"]
    event = box.happens("getuid", 1, uid=0)
    expected = {
        "container.full_id": HEX, "container.name": "web", "container.image": "nginx:1",
        "container.image.id": "i1", "container.image.repository": "nginx", "container.image.tag": "1",
        "container.image.digest": "sha256:d", "container.type": "docker", "container.privileged": True,
        "container.ip": "172.17.0.2", "container.label.app": "shop", "container.label[app]": "shop",
        "container.label.none": None, "k8s.pod.name": "web-1", "k8s.ns.name": "prod", "k8s.pod.uid": "u-1",
        "container.mount.dest[0]": "/var/lib", "container.mount.dest[/etc*]": "/host/etc",
        "container.mount.source[/host/etc]": "/etc", "container.mount.rdwr[1]": "false",
        "container.mount[0]": "/data:/var/lib:rw:true:rprivate", "container.mount[9]": None,
        "container.mounts": "/data:/var/lib:rw:true:rprivate,/etc:/host/etc::false:",
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected


def test_a_removed_container_is_forgotten(box: Box) -> None:
    text = json.dumps({"container": DATA}).encode() + b"\0"
    box.happens(CONTAINER, -1, json=text)
    box.happens(ASYNC, -1, plugin_id=1, name="container_removed", data=text)
    assert value_of(box.happens("getuid", 1, uid=0), "container.name") is None


@pytest.mark.parametrize("text", [b"{", b"[]\0", b'{"container": {}}\0', b'{"id": 5}\0', b"\xff\0"])
def test_what_is_no_container_is_told_and_passed_over(
    box: Box, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        box.happens(CONTAINER, -1, json=text)
    assert "what an event says about a container" in caplog.text
    box.happens(ASYNC, -1, plugin_id=1, name="container_removed", data=text)


def test_accounts_of_host_and_container(box: Box) -> None:
    user = {"gid": 0, "home": "/w", "shell": "/bin/sh"}
    box.happens(USER_ADDED, -1, uid=33, name="www-data", container_id="", **user)
    box.happens(USER_ADDED, -1, uid=33, name="web", container_id=SHORT, **user)
    box.happens(GROUP_ADDED, -1, gid=33, name="webs", container_id=SHORT)
    for tid, name, group in ((1, "web", "webs"), (2, "www-data", "<NA>")):
        box.happens("setuid", tid, res=0, uid=33)
        event = box.happens("setgid", tid, res=0, gid=33)
        fields = ("user.name", "user.homedir", "user.shell", "group.name")
        assert [value_of(event, f) for f in fields] == [name, "/w", "/bin/sh", group]
    box.happens(USER_DELETED, -1, uid=33, name="web", container_id=SHORT, **user)
    box.happens(GROUP_DELETED, -1, gid=33, name="webs", container_id=SHORT)
    event = box.happens("getuid", 1, uid=0)
    assert [value_of(event, f) for f in ("user.name", "group.name")] == ["<NA>", "<NA>"]


def test_the_start_of_a_container_is_that_of_its_pid_namespace() -> None:
    box = Box()
    box.machine.boot_time_ns = 1_000
    box.starts(1, 0, "runc")
    box.happens(
        "clone", 7, res=0, pid=7, ptid=1, vtid=1, vpid=1, flags=1 << 29, exe="sh",
        cgroups=f"memory=/docker/{HEX}\0".encode(), pidns_init_start_ts=struct.pack("<Q", 500),
    )  # fmt: skip
    event = box.happens("getuid", 7, uid=0)
    assert value_of(event, "container.start_ts") == 1_500
    assert value_of(event, "container.duration") == event.time_ns - 1_500
    assert shown(event, "proc.vpid") == "1"
